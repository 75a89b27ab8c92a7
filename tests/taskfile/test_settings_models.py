"""stack.yaml, and what stands beside a handler: what they may say, and where a mistake is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.errors import InvalidProject
from orchestrator.functions import Permission
from orchestrator.runs.outcomes import Kind
from orchestrator.taskfile.settings_models import FunctionModel, StackModel, settings
from tests.testbed import ROOT


def of(folder: Path, text: str) -> FunctionModel:
    (folder / "hello.yaml").write_text(text)
    return settings(folder / "hello.yaml", folder, FunctionModel)


def test_the_page_s_examples_are_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "give-a-function-permissions.md").read_text(encoding="utf-8")
    function, tables, around = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert of(tmp_path, function).timeout == 300
    (tmp_path / "stack.yaml").write_text(tables + around)
    stack = settings(tmp_path / "stack.yaml", tmp_path, StackModel)
    assert stack.of("prod").permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    assert stack.of("dev").permissions_boundary is None
    assert stack.of("dev").tags == {"team": "post"}


def test_outcomes_are_published_where_an_environment_says_so(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(
        "outcomes: {}\nenvironments:\n"
        "  prod: {outcomes: {bus: company, kinds: [missed, failed]}}\n  test: {outcomes: null}\n"
    )
    stack = settings(tmp_path / "stack.yaml", tmp_path, StackModel)
    dev, prod = stack.of("dev").outcomes, stack.of("prod").outcomes
    assert dev
    assert (dev.bus, dev.kinds) == ("own", tuple(Kind))
    assert prod
    assert (prod.bus, prod.kinds) == ("company", (Kind.FAILED, Kind.MISSED))
    assert stack.of("test").outcomes is None
    (tmp_path / "stack.yaml").write_text("outcomes: {kinds: [late], bus: 'arn:aws:sns:x'}\n")
    with pytest.raises(InvalidProject) as caught:
        settings(tmp_path / "stack.yaml", tmp_path, StackModel)
    assert [one.split(": ")[1] for one in caught.value.problems] == ["outcomes.bus", "outcomes.kinds"]
    assert "expected a list of started, waiting" in caught.value.problems[1]


def test_nothing_is_said_by_an_empty_file(tmp_path: Path) -> None:
    assert of(tmp_path, "# nothing yet\n") == FunctionModel()


def test_one_action_on_one_resource_needs_no_list(tmp_path: Path) -> None:
    (model,) = of(tmp_path, "permissions: [{actions: s3:GetObject, resources: data-bucket}]\n").permissions
    assert model.to_permissions() == [Permission(actions=("s3:GetObject",), resource="data-bucket")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("memory: 64\ntimeout: 2h\n", ["hello.yaml:1: memory: ", "hello.yaml:2: timeout: "]),
        ("\nlayers: [mine]\n", ["hello.yaml:2: layers.0: expected an ARN, like arn:aws:…, found 'mine'"]),
        ("permissions:\n  - actions: []\n    resources: x\n", ["hello.yaml:2: permissions.0.actions: "]),
        ("permissions:\n  - {effect: Maybe, actions: x, resources: y}\n", ["hello.yaml:2: permissions.0.effect: "]),
        ("permisions: []\n", ["hello.yaml:1: permisions: unknown field"]),
        ("- a list\n", ["hello.yaml:1: "]),
    ],
)
def test_every_mistake_is_said_with_its_line(text: str, said: list[str], tmp_path: Path) -> None:
    with pytest.raises(InvalidProject) as caught:
        of(tmp_path, text)
    assert len(caught.value.problems) == len(said)
    assert all(one.startswith(start) for one, start in zip(caught.value.problems, said, strict=True)), caught.value

"""deploy.py where a stack is up: what was said as it was deployed, and what is said of it since."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

import deploy
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from tests.testbed.ours import TASKS


@dataclass(frozen=True, kw_only=True)
class Up:
    """A stack that was deployed, and what was said of it."""

    aws: EmbeddedAws
    tasks: str
    out: list[str]
    err: str


@pytest.fixture(scope="module")
def up(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    tasks = tmp_path_factory.mktemp("up") / "tasks.yaml"
    tasks.write_text(TASKS)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in embedded_aws.environment.items():
            patch.setenv(name, value)
        with redirect_stdout(out), redirect_stderr(err):
            assert deploy.main(["apply", "--tasks", str(tasks)]) == 0
        yield Up(aws=embedded_aws, tasks=str(tasks), out=out.getvalue().splitlines(), err=err.getvalue())
    embedded_aws.reset()


def test_what_was_done_was_said(up: Up) -> None:
    assert up.err.startswith("warning: nobody is told when a task fails")
    assert "register task daily-sales-report" in up.out
    assert "create schedule cron(0 2 * * ? *) UTC of daily-sales-report" in up.out
    assert up.out[-2:] == [
        "note: at(2020-01-01T00:00:00) of once is in the past, no schedule was created",
        "Deployed orchestrator-dev.",
    ]
    assert Registry(up.aws.client("dynamodb"), Stack()).declared().keys() == {"daily-sales-report", "once"}


def test_once_more_there_is_nothing_to_do(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["apply", "--tasks", up.tasks]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "orchestrator-dev is up to date."
    assert deploy.main(["plan", "--tasks", up.tasks, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] is False


def test_bundles_for_aws_differ_from_those_for_what_has_the_dependencies(
    up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORCHESTRATOR_WITHOUT_DEPENDENCIES")
    assert deploy.main(["plan", "--without-dependencies", "--tasks", up.tasks]) == 0
    capsys.readouterr()
    assert deploy.main(["plan", "--tasks", up.tasks]) == 2
    assert "ReportGeneratorCode" in capsys.readouterr().out


def test_an_environment_is_a_stack_of_its_own(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["plan", "--env", "staging", "--tasks", up.tasks]) == 2
    assert capsys.readouterr().out.splitlines()[-1].startswith("orchestrator-staging differs (")


@pytest.mark.proof
def test_an_environment_is_deployed_beside_another(up: Up) -> None:
    stacks = up.aws.client("cloudformation")
    assert deploy.main(["apply", "--env", "staging", "--tasks", up.tasks]) == 0
    found = {stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]}
    assert found == {"orchestrator-dev", "orchestrator-staging"}
    assert deploy.main(["destroy", "--env", "staging", "--yes"]) == 0


def test_rolling_back_what_has_one_version_says_so(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["rollback"]) == 1
    assert "orchestrator-dev-TaskRunner does not have an older version; its versions: 1" in capsys.readouterr().err
    assert deploy.main(["rollback", "--to", "1"]) == 0


# It is the last one here: there is no stack afterwards.
def test_destroying_asks_first(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = up.aws.client("cloudformation")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert deploy.main(["destroy"]) == 1
    assert len(stacks.describe_stacks()["Stacks"]) == 1
    assert deploy.main(["destroy", "--yes"]) == 0
    assert stacks.describe_stacks()["Stacks"] == []

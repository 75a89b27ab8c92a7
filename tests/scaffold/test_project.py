"""A new project: what is in it, and that it is sound."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from orchestrator.cli.main import main, orchestrator
from orchestrator.deployment import Project
from orchestrator.errors import FolderNotEmpty
from orchestrator.scaffold.project import create
from orchestrator.stack import Stack
from tests.testbed import ROOT


@pytest.fixture(params=[True, False], ids=["in Python", "in YAML"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    create(tmp_path / "shop", python=request.param)
    return tmp_path / "shop"


def test_it_is_valid_as_it_is(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(shop / "lambdas")
    assert main(["validate"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("tasks.yaml: 3 tasks, 3 schedules, no mistakes.\n")
    assert said.err == ""


def test_the_workflow_is_the_same_in_python_and_in_yaml(tmp_path: Path) -> None:
    machines = []
    for name, python in (("one", True), ("other", False)):
        create(tmp_path / name, python=python)
        machines.append(Project(root=tmp_path / name).application(Stack()).definitions["welcome"].to_dict())
    assert machines[0] == machines[1]


# With a user's own beside them they pass in tests/testing/test_project.py, and the proof runs both kinds for the wheel.
@pytest.mark.proof
def test_its_tests_pass(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    create(shop, python=False)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        cwd=shop,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_nothing_of_a_template_is_left_to_be_filled(shop: Path) -> None:
    files = [path for path in shop.rglob("*") if path.is_file()]
    assert [path.name for path in files if re.search(r"@[A-Z]+@", path.read_text())] == []
    assert (shop / ".gitignore").exists()
    assert 'name = "shop"' in (shop / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", ["tasks.yaml", "lambdas", ".env"])
def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(FolderNotEmpty, match=rf"holds {re.escape(name)}, and nothing of it is overwritten"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_repository_without_files_is_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert "tasks.yaml" in create(tmp_path)


def test_a_file_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "shop"]) == 2
    assert "shop holds text: it is a file" in capsys.readouterr().err


def test_a_command_outside_of_a_project_says_how_to_begin_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["validate"]) == 2
    assert "begin one with `orchestrator init DIR`" in capsys.readouterr().err
    assert main(["plan"]) == 1


def steps(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def test_every_command_of_the_pipeline_is_one(shop: Path) -> None:
    workflow = yaml.safe_load((shop / ".github/workflows/deploy.yml").read_text())
    typed = [
        match.split()
        for step in steps(workflow)
        for match in re.findall(r"^orchestrator (.+)$", step.get("run", ""), re.M)
    ]
    assert {words[0] for words in typed} == {"validate", "plan", "apply"}
    context = click.Context(orchestrator)
    for name, *options in typed:
        command = orchestrator.get_command(context, name)
        assert command
        known = {option for parameter in command.params for option in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= known


def test_only_what_deploys_may_ask_aws_for_a_role(shop: Path) -> None:
    workflow = yaml.safe_load((shop / ".github/workflows/deploy.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    asking = {name for name, job in workflow["jobs"].items() if "id-token" in job.get("permissions", {})}
    assert asking == {"plan", "apply", "drift"}
    # A fork's pull request gets no role.
    assert "head.repo.full_name == github.repository" in workflow["jobs"]["plan"]["if"]


def test_the_page_of_a_new_project_names_no_command_that_there_is_not(shop: Path) -> None:
    context = click.Context(orchestrator)
    named = re.findall(r"^orchestrator (\w+)", (shop / "README.md").read_text(), re.M)
    assert named
    assert [name for name in named if orchestrator.get_command(context, name) is None] == []
    assert ROOT not in shop.parents

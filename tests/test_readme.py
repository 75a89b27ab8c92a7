"""The README's first task, done as a newcomer does it: its files, its commands, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import begun

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

#: How the command is run in a copy, where there is no virtual environment.
COMMAND = [sys.executable, "-c", "import sys; from orchestrator.cli import main; sys.exit(main())"]


def block(language: str, holding: str) -> str:
    """The README's fenced block that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (found,) = [text for text in blocks if holding in text]
    return str(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the newcomer's handler and task in it."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("definitions", "lambdas", "orchestrator", "samples"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "lambdas" / "greeting.py").write_text(block("python", "Says hello."))
    (copy / "tasks.yaml").write_text((ROOT / "tasks.yaml").read_text() + "\n" + block("yaml", "greeting:"))
    return copy


@pytest.fixture(scope="module")
def with_workflow(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and the newcomer's own workflow after it."""
    copy = tmp_path_factory.mktemp("workflow") / "project"
    shutil.copytree(project, copy)
    (copy / "definitions" / "welcome.py").write_text(block("python", "Greets, and then says so."))
    names = copy / "definitions" / "__init__.py"
    text = names.read_text().replace("from definitions import ", "from definitions import welcome, ")
    names.write_text(text.replace('    "TaskRunner": task_runner.build,\n', '    "TaskRunner": task_runner.build,\n    "welcome": welcome.build,\n'))  # fmt: skip # noqa: E501
    with (copy / "tasks.yaml").open("a") as tasks:
        tasks.write("\n" + block("yaml", "weekly-welcome:"))
    return copy


Orchestrator = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def started(project: Path, tasks: int) -> Iterator[dict[str, str]]:
    """`orchestrator local` as the README starts it, on a port that is free; where it is, for the environment."""
    environment = {**os.environ, "PYTHONPATH": str(project)}
    with begun([*COMMAND, "local", "--port", "0"], cwd=project, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        endpoint = re.search(rf"is up on (http://127\.0\.0\.1:\d+), with {tasks} tasks\. Ctrl-C ends it\.", first)
        assert endpoint is not None, first
        exports = dict(re.findall(r"(\w+)=(\S+)", block("console", "export AWS_ENDPOINT_URL")))
        yield environment | exports | {"AWS_ENDPOINT_URL": endpoint[1]}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def local(project: Path) -> Iterator[dict[str, str]]:
    with started(project, tasks=9) as environment:
        yield environment


def commands(holding: str) -> list[list[str]]:
    """The lines that begin with `$ .venv/bin/orchestrator` in a block, without that."""
    lines = block("console", holding).splitlines()
    prefix = "$ .venv/bin/orchestrator "
    return [shlex.split(line.removeprefix(prefix)) for line in lines if line.startswith(prefix)]


def test_the_newcomers_file_is_valid(project: Path) -> None:
    run = subprocess.run(
        [*COMMAND, "validate"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() in block("console", "orchestrator validate")


def test_the_newcomers_task_runs(project: Path, local: dict[str, str]) -> None:
    start, start_slot, runs = commands("start greeting")

    def orchestrator(arguments: list[str]) -> str:
        run = subprocess.run([*COMMAND, *arguments], cwd=project, env=local, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    assert "SUCCEEDED" in orchestrator(start)
    assert "2026-12-01T08:00:00Z" in orchestrator(start_slot)
    rows = [json.loads(line) for line in orchestrator(runs).splitlines()]
    assert [json.loads(row["result"])["greeting"] for row in rows] == ["Hello, you!", "Hello, world!"]
    orchestrator(start_slot)
    assert json.loads(orchestrator(runs).splitlines()[0])["duplicates"] == 1


def test_a_task_is_paused_and_resumed_and_its_ledger_verified_as_the_readme_shows(
    project: Path, local: dict[str, str]
) -> None:
    shown = block("console", "orchestrator pause")
    for arguments in commands("orchestrator pause"):
        run = subprocess.run([*COMMAND, *arguments], cwd=project, env=local, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        if arguments[0] in ("failed", "ledger"):
            assert run.stdout in shown


def test_the_newcomers_own_workflow_runs(with_workflow: Path) -> None:
    command = shlex.split("start weekly-welcome --wait --json")
    assert f"`.venv/bin/orchestrator {shlex.join(command[:-1])}`" in README
    with started(with_workflow, tasks=10) as environment:
        run = subprocess.run([*COMMAND, *command], cwd=with_workflow, env=environment, capture_output=True, text=True)
    row = json.loads(run.stdout)
    assert row["status"] == "SUCCEEDED"
    assert json.loads(row["result"]) == {"said": "Hello, everybody!", "for": row["slot"]}
    assert ":execution:orchestrator-dev-workflow-welcome:" in row["childExecutionArn"]


def test_a_preview_is_what_the_readme_shows(project: Path) -> None:
    command, *shown = block("console", "orchestrator preview").splitlines()
    arguments = shlex.split(command.removeprefix("$ .venv/bin/orchestrator "))
    run = subprocess.run([*COMMAND, *arguments], cwd=project, capture_output=True, text=True)
    assert [line.rstrip() for line in run.stdout.splitlines()] == shown


def test_the_calendars_of_the_readme_are_valid_and_do_what_it_says(project: Path, tmp_path: Path) -> None:
    (tmp_path / "tasks.yaml").write_text(block("yaml", "month-end:"))
    preview = ["preview", "month-end", "--from", "2026-10-31", "--until", "2027-01-05", "--json"]
    run = subprocess.run(
        [*COMMAND, *preview, "--tasks", str(tmp_path / "tasks.yaml")], cwd=project, capture_output=True
    )
    slots = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(slot["local"][:10], slot["runs"]) for slot in slots] == [
        ("2026-10-31", False),
        ("2026-11-02", True),
        ("2026-11-30", True),
        ("2026-12-31", False),
        ("2027-01-04", True),
    ]


@pytest.mark.parametrize("target", ["demo", "test", "bench", "simulate"])
def test_the_commands_that_the_readme_names_are_in_the_makefile(target: str) -> None:
    assert f"make {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "$ make test" in block("console", "make test")
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"

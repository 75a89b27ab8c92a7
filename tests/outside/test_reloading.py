"""A file is saved while `orchestrator local` runs: the next run uses it, and a mistake takes nothing away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.outside.running import Running, running

TASKS = "tasks:\n  greeting: {run: lambda/greeting}\n"


@pytest.fixture(scope="module")
def local() -> Iterator[Running]:
    with running("tasks:\n  first: {run: lambda/warm}\n") as up:
        save(up, "lambdas/greeting.py", "def handler(event, context):\n    return 1\n")
        said(up, "lambdas/greeting.py: deployed")
        save(up, "tasks.yaml", TASKS)
        said(up, "+ task greeting")
        yield up


def save(up: Running, name: str, text: str) -> None:
    up.lines.clear()
    (up.folder / name).write_text(text, encoding="utf-8")


def said(up: Running, text: str) -> None:
    up.until(lambda: any(text in line for line in up.lines))


def result(up: Running, task: str = "greeting") -> int:
    """What the task returns, run now."""
    ran = up.orchestrator("--local", "start", task, "--wait", "--json")
    assert ran.code == 0, ran.err
    return int(json.loads(ran.json[0]["result"]))


def test_a_handler_that_is_saved_runs_next(local: Running) -> None:
    save(local, "lambdas/greeting.py", "def handler(event, context):\n    return 2\n")
    said(local, "lambdas/greeting.py: deployed")
    assert result(local) == 2


def test_a_task_that_is_saved_is_there(local: Running) -> None:
    save(local, "tasks.yaml", f"{TASKS}  other: {{run: lambda/greeting}}\n")
    said(local, "+ task other")
    assert result(local, "other") == result(local)


@pytest.mark.parametrize(
    ("file", "wrong", "mistake"),
    [
        ("lambdas/greeting.py", "def handler(event, context:\n", "lambdas/greeting.py:1: this is not Python"),
        ("tasks.yaml", "tasks: {greeting: {run: lambda/gone}}", "there is no lambda 'gone'"),
        ("definitions/odd.py", "def build(stack):\n    return stack.nothing\n", "definitions/odd.py:2: AttributeError"),
    ],
)
def test_a_mistake_is_said_and_the_last_good_version_goes_on(
    local: Running, file: str, wrong: str, mistake: str
) -> None:
    path = local.folder / file
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else None
    good = result(local)
    save(local, file, wrong)
    said(local, mistake)
    said(local, f"{file}: not deployed; what was deployed last goes on")
    assert result(local) == good
    local.lines.clear()
    path.unlink() if before is None else path.write_text(before)
    said(local, f"{file}: ")
    assert result(local) == good

"""A file is saved while `orchestrator local` runs: the next run uses it, and a mistake takes nothing away."""

from __future__ import annotations

import json

import pytest

from tests.outside.conftest import REAL
from tests.outside.running import Running

TASKS = f"{REAL}  saved: {{run: lambda/saved}}\n"


@pytest.fixture(scope="module")
def local(real: Running) -> Running:
    save(real, "lambdas/saved.py", "def handler(event, context):\n    return 1\n")
    said(real, "lambdas/saved.py: deployed")
    save(real, "tasks.yaml", TASKS)
    said(real, "+ task saved")
    return real


def save(up: Running, name: str, text: str) -> None:
    up.lines.clear()
    (up.folder / name).write_text(text, encoding="utf-8")


def said(up: Running, text: str) -> None:
    up.until(lambda: any(text in line for line in up.lines))


def result(up: Running, task: str = "saved") -> int:
    """What the task returns, run now."""
    ran = up.orchestrator("--local", "start", task, "--wait", "--json")
    assert ran.code == 0, ran.err
    return int(json.loads(ran.json[0]["result"]))


def test_a_handler_that_is_saved_runs_next(local: Running) -> None:
    save(local, "lambdas/saved.py", "def handler(event, context):\n    return 2\n")
    said(local, "lambdas/saved.py: deployed")
    assert result(local) == 2


def test_a_task_that_is_saved_is_there(local: Running) -> None:
    save(local, "tasks.yaml", f"{TASKS}  other: {{run: lambda/saved}}\n")
    said(local, "+ task other")
    assert result(local, "other") == result(local)


@pytest.mark.parametrize(
    ("file", "wrong", "mistake"),
    [
        ("lambdas/saved.py", "def handler(event, context:\n", "lambdas/saved.py:1: this is not Python"),
        pytest.param(
            "tasks.yaml", "tasks: {saved: {run: lambda/gone}}", "there is no lambda 'gone'", marks=pytest.mark.proof
        ),
        pytest.param(
            "definitions/odd.py",
            "def build(stack):\n    return stack.nothing\n",
            "definitions/odd.py:2: AttributeError",
            marks=pytest.mark.proof,
        ),
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

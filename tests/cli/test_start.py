"""`orchestrator start` for a slot, as a person and as a program use it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.runs.run import RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Pause
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Target, TargetKind, Task

SLOT = "2026-11-02T08:00:00Z"

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def to_come() -> str:
    return key(datetime.now(UTC) + timedelta(days=1))


def register(registry: Registry, task_id: str, **fields: Any) -> str:
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields))
    return task_id


def test_a_slot_to_come_is_not_started_by_hand(
    registry: Registry, ledger: Ledger, capsys: Printed, to_come: str
) -> None:
    task_id = register(registry, "to-come")
    assert main(["start", task_id, "--slot", to_come, "--wait"]) == 2
    said = capsys.readouterr().err
    assert f"nothing was started: {to_come} of {task_id} is still to come" in said
    assert "--force" in said
    assert ledger.get(task_id, to_come) is None


def test_a_slot_to_come_is_started_by_hand_if_that_is_meant(registry: Registry, ledger: Ledger, to_come: str) -> None:
    task_id = register(registry, "forced")
    assert main(["start", task_id, "--slot", to_come, "--force", "--wait"]) == 0
    run = ledger.get(task_id, to_come)
    assert run is not None
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, Trigger.AD_HOC)


@pytest.mark.parametrize("more", [[], ["--wait"], ["--wait", "--force"]])
def test_a_slot_that_has_run_is_not_started_and_the_exit_code_says_so(
    registry: Registry, ledger: Ledger, capsys: Printed, more: list[str]
) -> None:
    task_id = register(registry, f"has-run-{len(more)}")
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 0
    before = ledger.get(task_id, SLOT)
    capsys.readouterr()
    assert main(["start", task_id, "--slot", SLOT, *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"nothing was started: {SLOT} of {task_id} has a run already, which is SUCCEEDED" in printed.err
    assert f"orchestrator rerun {task_id} {SLOT}" in printed.err
    assert ledger.get(task_id, SLOT) == before


def test_a_start_that_was_skipped_shows_why_and_leaves_the_slot_free(
    registry: Registry, ledger: Ledger, capsys: Printed
) -> None:
    task_id = register(registry, "paused")
    registry.pause(task_id, Pause(who="ann"))
    assert main(["start", task_id, "--slot", SLOT, "--wait", "--json"]) == 1
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["reason"], row["trigger"]) == (RunStatus.SKIPPED, SkipReason.PAUSED, Trigger.AD_HOC)
    assert ledger.get(task_id, SLOT) is None
    registry.resume(task_id)
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 0

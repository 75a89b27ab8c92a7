"""A row of the ledger."""

from __future__ import annotations

import pytest

from orchestrator.runs import TERMINAL, UNSUCCESSFUL, Run, RunStatus, Trigger

KEY = {"taskId": {"S": "t"}, "slot": {"S": "2026-12-01T08:00:00Z"}}


def test_what_does_not_apply_is_absent_or_null() -> None:
    row = {**KEY, "status": {"S": "RUNNING"}, "childExecutionArn": {"NULL": True}, "startDelaySeconds": {"NULL": True}}
    assert Run.from_item(row) == Run(task_id="t", slot="2026-12-01T08:00:00Z", status=RunStatus.RUNNING)


def test_a_row_is_read_whole() -> None:
    row = {
        **KEY,
        "status": {"S": "FAILED"},
        "trigger": {"S": "ad hoc"},
        "executionArn": {"S": "arn"},
        "startedAt": {"S": "2026-12-01T08:00:01.000Z"},
        "endedAt": {"S": "2026-12-01T08:00:03.500Z"},
        "durationSeconds": {"N": "2.5"},
        "startDelaySeconds": {"N": "1"},
        "attempts": {"N": "3"},
        "error": {"S": "ValueError"},
        "cause": {"S": "no such colour"},
        "duplicates": {"N": "1"},
    }
    run = Run.from_item(row)
    assert (run.trigger, run.duration_seconds, run.start_delay_seconds) == (Trigger.AD_HOC, 2.5, 1.0)
    assert (run.attempts, run.error, run.cause, run.duplicates) == (3, "ValueError", "no such colour", 1)


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_but_running_is_an_end(status: RunStatus) -> None:
    assert (status in TERMINAL) == (status is not RunStatus.RUNNING)


def test_nobody_needs_to_look_at_a_success_or_a_skip() -> None:
    assert {RunStatus.SUCCEEDED, RunStatus.SKIPPED, RunStatus.RUNNING}.isdisjoint(UNSUCCESSFUL)

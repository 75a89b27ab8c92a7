"""A row of the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, EarlierRun, Run, RunStatus, Trigger

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


def test_earlier_runs_are_read_with_what_is_known_of_them() -> None:
    known = {
        "status": {"S": "FAILED"},
        "trigger": {"S": "schedule"},
        "executionArn": {"S": "arn"},
        "startedAt": {"S": "2026-12-01T08:00:01.000Z"},
        "endedAt": {"S": "2026-12-01T08:00:03.500Z"},
        "attempts": {"N": "3"},
        "error": {"S": "ValueError"},
    }
    history = {"L": [{"M": {"status": {"S": "MISSED"}}}, {"M": known}]}
    missed, failed = Run.from_item({**KEY, "status": {"S": "SUCCEEDED"}, "history": history}).history
    assert missed == EarlierRun(status=RunStatus.MISSED)
    assert (failed.status, failed.trigger, failed.execution_arn) == (RunStatus.FAILED, Trigger.SCHEDULE, "arn")
    assert (failed.started_at, failed.ended_at) == ("2026-12-01T08:00:01.000Z", "2026-12-01T08:00:03.500Z")
    assert (failed.attempts, failed.error) == (3, "ValueError")


def test_a_run_is_named_by_its_start_and_one_that_never_started_by_its_status() -> None:
    run = Run(task_id="t", slot="2026-12-01T08:00:00Z", status=RunStatus.MISSED)
    assert run.version == "MISSED"
    assert replace(run, started_at="2026-12-01T08:00:01.000Z").version == "2026-12-01T08:00:01.000Z"


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_but_running_and_waiting_is_an_end(status: RunStatus) -> None:
    assert (status in TERMINAL) == (status not in (RunStatus.RUNNING, RunStatus.WAITING))


def test_nobody_needs_to_look_at_a_success_or_a_skip() -> None:
    assert {RunStatus.SUCCEEDED, RunStatus.SKIPPED, RunStatus.RUNNING}.isdisjoint(UNSUCCESSFUL)

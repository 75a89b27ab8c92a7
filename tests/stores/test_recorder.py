"""Rows that no execution could write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.runs.execution_end import STOPPED
from orchestrator.runs.run import RunEnd, RunStatus, SkipReason, Trigger
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.recorder import Closing, Recorder
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task

STACK = Stack()
NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
SLOT, ENDED = "2026-12-01T08:00:00Z", "2026-12-01T08:05:00.000Z"
ME = "arn:me"


@pytest.fixture
def recorder(dynamodb: Any) -> Recorder:
    Registry(dynamodb, STACK).register(Task(id="report", target=Target(kind=TargetKind.LAMBDA, name="work")))
    return Recorder(dynamodb, STACK)


@pytest.fixture
def ledger(dynamodb: Any) -> Ledger:
    return Ledger(dynamodb, STACK)


def running(dynamodb: Any, *, lease: str | None = ME, status: str = "RUNNING") -> None:
    """A run of the slot, and whose lease the task has."""
    row = {"taskId": "report", "slot": SLOT, "status": status, "executionArn": ME}
    dynamodb.put_item(TableName=STACK.runs_table, Item={name: {"S": text} for name, text in row.items()})
    if lease:
        dynamodb.update_item(
            TableName=STACK.tasks_table,
            Key={"taskId": {"S": "report"}},
            UpdateExpression="SET lease = :lease",
            ExpressionAttributeValues={":lease": {"M": {"executionArn": {"S": lease}, "expiresAt": {"N": "1"}}}},
        )


def close(recorder: Recorder, status: RunStatus = RunStatus.ABORTED) -> Closing:
    return recorder.close(
        "report", SLOT, ME, RunEnd(status=status, ended_at=ENDED, error="ExecutionAborted", cause="a\nb")
    )


def test_a_slot_without_a_row_gets_one_and_keeps_it(recorder: Recorder, ledger: Ledger) -> None:
    assert recorder.record("report", SLOT, RunEnd(status=RunStatus.MISSED, cause="nobody"), now=NOW)
    skipped = RunEnd(status=RunStatus.SKIPPED, cause="x", reason=SkipReason.PAUSED)
    assert not recorder.record("report", SLOT, skipped, now=NOW)
    run = ledger.get("report", SLOT)
    assert run is not None
    assert (run.status, run.cause, run.reason, run.version) == (RunStatus.MISSED, "nobody", None, "MISSED")


@pytest.mark.parametrize("status", ["RUNNING", "WAITING"])
def test_a_dead_run_is_ended_its_lease_released_and_its_failure_counted(
    recorder: Recorder, ledger: Ledger, dynamodb: Any, status: str
) -> None:
    running(dynamodb, status=status)
    assert close(recorder) is Closing.DONE
    run, record = ledger.get("report", SLOT), Registry(dynamodb, STACK).get("report")
    assert run is not None
    assert record is not None
    assert (run.status, run.error, run.cause, run.ended_at) == (RunStatus.ABORTED, "ExecutionAborted", "a b", ENDED)
    assert (record.lease, record.consecutive_failures, record.last_status) == (None, 1, RunStatus.ABORTED)
    assert close(recorder) is Closing.OVER
    again = Registry(dynamodb, STACK).get("report")
    assert again is not None
    assert again.consecutive_failures == 1


def test_a_lease_that_is_anothers_stays(recorder: Recorder, ledger: Ledger, dynamodb: Any) -> None:
    running(dynamodb, lease="arn:another")
    assert close(recorder) is Closing.DONE
    run, record = ledger.get("report", SLOT), Registry(dynamodb, STACK).get("report")
    assert (run and run.status) is RunStatus.ABORTED
    assert (record and record.lease and record.lease.execution_arn) == "arn:another"


def test_a_run_that_has_ended_has_the_last_word(recorder: Recorder, ledger: Ledger, dynamodb: Any) -> None:
    running(dynamodb, status="SUCCEEDED")
    assert close(recorder) is Closing.OVER
    run = ledger.get("report", SLOT)
    assert (run and run.status) is RunStatus.SUCCEEDED


def test_a_run_that_went_well_after_all_counts_no_failure(recorder: Recorder, dynamodb: Any) -> None:
    running(dynamodb)
    assert close(recorder, RunStatus.SUCCEEDED) is Closing.DONE
    record = Registry(dynamodb, STACK).get("report")
    assert (record and record.consecutive_failures) == 0


def test_a_catch_up_that_died_stands_where_the_skipped_run_stood_and_only_there(
    recorder: Recorder, ledger: Ledger, dynamodb: Any
) -> None:
    def died(skipped: str) -> bool:
        return recorder.replace_skipped(
            "report",
            SLOT,
            skipped,
            RunEnd(status=RunStatus.ABORTED, ended_at=ENDED, error="E", cause="c"),
            trigger=Trigger.RESUME,
            execution_arn=ME,
        )

    row = {"taskId": "report", "slot": SLOT, "status": "SKIPPED", "reason": "paused", "startedAt": ENDED}
    dynamodb.put_item(TableName=STACK.runs_table, Item={name: {"S": text} for name, text in row.items()})
    assert not died("another")
    assert died(ENDED)
    assert not died(ENDED)
    run = ledger.get("report", SLOT)
    assert run is not None
    assert (run.status, run.reason, run.trigger, run.version) == (
        RunStatus.ABORTED,
        None,
        Trigger.RESUME,
        RunStatus.ABORTED,
    )
    assert [one.status for one in run.history] == [RunStatus.SKIPPED]


def test_a_run_that_another_has_stopped_is_no_failure_whoever_says_so(
    recorder: Recorder, ledger: Ledger, dynamodb: Any
) -> None:
    running(dynamodb)
    end = RunEnd(status=RunStatus.ABORTED, ended_at=ENDED, error=STOPPED, cause="skip")
    assert recorder.close("report", SLOT, ME, end) is Closing.DONE
    run, record = ledger.get("report", SLOT), Registry(dynamodb, STACK).get("report")
    assert (run and run.reason) == SkipReason.OVERLAP
    assert (record and record.consecutive_failures) == 0

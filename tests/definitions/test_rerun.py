"""TaskRunner, told to run a slot again: one row, which remembers what became of the slot before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

import definitions
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.run import HISTORY_LIMIT, EarlierRun, Run, RunStatus, Trigger
from orchestrator.tasks.retries import RetryPolicy
from tests.testbed.reference import MOST, disagreements
from tests.testbed.task_runner import SLOT, STACK, Outcome, TaskRunner

TWICE = RetryPolicy(max_attempts=2, interval_seconds=0)
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        yield TaskRunner(embedded_aws)
        embedded_aws.reset()


def row(outcome: Outcome) -> Run:
    assert outcome.run is not None
    return outcome.run


def again(runner: TaskRunner, before: Outcome, *, trigger: Trigger = Trigger.RERUN, **more: Any) -> Outcome:
    """Runs the slot of an outcome again, in the place of its run."""
    run = row(before)
    return runner.run(run.task_id, run.slot, trigger=trigger, replaces=run.version, **more)


def lease_of_another(runner: TaskRunner, task_id: str) -> None:
    lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": "99999999999"}}}
    runner.change(task_id, "SET lease = :lease", lease=lease)


def pause(runner: TaskRunner, task_id: str) -> None:
    runner.change(task_id, "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}}})


def test_a_rerun_takes_the_row_and_keeps_what_became_of_the_slot_before(runner: TaskRunner) -> None:
    first = runner.run(runner.register("rerun", params={"succeedsAt": 9}, retry=TWICE))
    assert row(first).status is RunStatus.FAILED
    second = again(runner, first, params={"succeedsAt": 1})
    run = row(second)
    assert (second.status, run.status, run.trigger) == ("SUCCEEDED", RunStatus.SUCCEEDED, Trigger.RERUN)
    assert (run.error, run.cause, run.attempts) == (None, None, 3)
    assert run.history == (
        EarlierRun(
            status=RunStatus.FAILED,
            trigger=Trigger.SCHEDULE,
            execution_arn=row(first).execution_arn,
            started_at=row(first).started_at,
            ended_at=row(first).ended_at,
            attempts=2,
            error="ValueError",
            dollars=row(first).dollars,
        ),
    )
    # Nine states, two calls and a delivery before, and now eight states, one call and nobody who delivered it.
    assert (row(first).dollars, run.dollars) == (Decimal("9.200001"), Decimal("8.1"))
    assert second.record["consecutiveFailures"] == {"N": "0"}
    assert "lease" not in second.record
    assert len(second.states) == 8


def test_a_rerun_that_fails_alerts_and_counts_as_any_run(runner: TaskRunner) -> None:
    first = runner.run(runner.register("rerun-fails", params={"refuse": True}, retry=ONCE))
    second = again(runner, first)
    assert (second.status, row(second).status, len(row(second).history)) == ("FAILED", RunStatus.FAILED, 1)
    assert len(second.alerts) == 1
    assert "(rerun)" in second.alerts[0]
    assert second.record["consecutiveFailures"] == {"N": "2"}


def test_the_history_keeps_the_last_runs_and_the_count_of_all_attempts(runner: TaskRunner) -> None:
    first = runner.run(runner.register("often", params={"refuse": True}, retry=ONCE))
    full = [{"M": {"status": {"S": "FAILED"}, "attempts": {"N": str(n)}}} for n in range(1, HISTORY_LIMIT + 1)]
    runner.aws.client("dynamodb").put_item(
        TableName=STACK.runs_table,
        Item={**first.row, "attempts": {"N": str(HISTORY_LIMIT + 1)}, "history": {"L": full}},
    )
    run = row(again(runner, first))
    assert run.attempts == HISTORY_LIMIT + 2
    assert [earlier.attempts for earlier in run.history] == list(range(2, HISTORY_LIMIT + 2))


def test_of_two_reruns_of_one_run_one_runs(runner: TaskRunner) -> None:
    first = runner.run(runner.register("twice", params={"refuse": True}, retry=ONCE))
    second, third = again(runner, first), again(runner, first)
    assert row(third).execution_arn == row(second).execution_arn
    assert (third.output or {})["status"] == "DUPLICATE"
    assert (row(third).duplicates, len(row(third).history)) == (1, 1)


@pytest.mark.parametrize("trigger", [Trigger.RERUN, Trigger.BACKFILL])
def test_a_slot_that_has_a_row_is_not_run_again_by_whoever_does_not_name_its_run(
    runner: TaskRunner, trigger: Trigger
) -> None:
    task_id = runner.register(f"unnamed-{trigger}")
    first = runner.run(task_id)
    second = runner.run(task_id, trigger=trigger)
    assert "InvokeLambda" not in second.states
    assert row(second).execution_arn == row(first).execution_arn


def test_a_claim_of_a_rerun_whose_reply_was_lost_is_still_its_own(runner: TaskRunner) -> None:
    first = runner.run(runner.register("rerun-lost", params={"refuse": True}, retry=ONCE))
    with ExitStack() as faults:

        def lose_the_next_reply() -> None:
            faults.enter_context(runner.faulty("dynamodb", "TransactWriteItems", applied=True))

        # The first transaction is refused, for the slot has a row; it is the second whose reply is lost.
        faults.enter_context(runner.just_before("dynamodb", "BatchGetItem", lose_the_next_reply))
        second = again(runner, first, params={"refuse": False})
    assert (row(second).status, len(row(second).history), row(second).duplicates) == (RunStatus.SUCCEEDED, 1, 0)


def test_a_run_that_died_is_replaced_with_its_lease_and_remembered_as_aborted(runner: TaskRunner) -> None:
    task_id = runner.register("died")
    runner.aws.client("dynamodb").put_item(
        TableName=STACK.runs_table,
        Item={
            "taskId": {"S": task_id},
            "slot": {"S": SLOT},
            "status": {"S": "RUNNING"},
            "startedAt": {"S": "2026-11-23T08:00:00.100Z"},
            "executionArn": {"S": "arn:of-the-dead"},
        },
    )
    lease = {"M": {"executionArn": {"S": "arn:of-the-dead"}, "expiresAt": {"N": "99999999999"}}}
    runner.change(task_id, "SET lease = :lease", lease=lease)
    outcome = runner.run(task_id, trigger=Trigger.RERUN, replaces="2026-11-23T08:00:00.100Z")
    (earlier,) = row(outcome).history
    assert (row(outcome).status, earlier.status) == (RunStatus.SUCCEEDED, RunStatus.ABORTED)
    assert "lease" not in outcome.record


def test_a_row_that_no_execution_made_is_named_by_its_status(runner: TaskRunner) -> None:
    task_id = runner.register("missed")
    item = {"taskId": {"S": task_id}, "slot": {"S": SLOT}, "status": {"S": "MISSED"}}
    runner.aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item)
    assert runner.run(task_id, trigger=Trigger.RERUN, replaces="FAILED").output == {
        "taskId": task_id,
        "slot": SLOT,
        "status": "DUPLICATE",
    }
    outcome = runner.run(task_id, trigger=Trigger.RERUN, replaces="MISSED")
    assert row(outcome).history == (EarlierRun(status=RunStatus.MISSED),)


@pytest.mark.parametrize("started_at", [None, "2026-11-23T08:00:00.100Z"])
def test_a_run_that_another_replaced_meanwhile_is_not_replaced_again(
    runner: TaskRunner, started_at: str | None
) -> None:
    """Between the look at the row and the claim, another run took its place and failed as well."""
    task_id = runner.register(f"meanwhile-{'started' if started_at else 'never'}")
    key = {"taskId": {"S": task_id}, "slot": {"S": SLOT}, "status": {"S": "FAILED"}}

    def put(started: str | None) -> None:
        row = key | ({"startedAt": {"S": started}, "executionArn": {"S": "arn:other"}} if started else {})
        runner.aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=row)

    put(started_at)
    claims: list[str] = []

    def another_is_first() -> None:
        claims.append("claim")
        if len(claims) == 2:
            put("2026-11-23T09:00:00.000Z")

    with runner.just_before("dynamodb", "TransactWriteItems", another_is_first):
        outcome = runner.run(task_id, trigger=Trigger.RERUN, replaces=started_at or "FAILED")
    assert (outcome.output or {})["status"] == "DUPLICATE"
    assert row(outcome).execution_arn == "arn:other"


def test_a_rerun_that_meets_a_running_task_is_skipped_and_leaves_the_row_as_it_was(runner: TaskRunner) -> None:
    first = runner.run(runner.register("rerun-overlap", params={"refuse": True}, retry=ONCE))
    lease_of_another(runner, "rerun-overlap")
    second = again(runner, first)
    assert (second.output or {})["status"] == "SKIPPED"
    assert row(second) == row(first)
    assert second.record["lease"]["M"]["executionArn"] == {"S": "arn:of-another"}


def test_a_rerun_of_a_task_that_is_gone_is_a_failure_and_leaves_the_row_as_it_was(runner: TaskRunner) -> None:
    first = runner.run(runner.register("gone"))
    runner.registry.remove("gone")
    second = again(runner, first)
    assert (second.status, second.error, second.alerts) == ("FAILED", "TaskNotFound", [])
    assert row(second) == row(first)


def test_a_rerun_that_aws_fails_is_a_failure_and_leaves_the_row_as_it_was(runner: TaskRunner) -> None:
    first = runner.run(runner.register("aws-down"))
    with runner.faulty("dynamodb", "TransactWriteItems", applied=False, times=6):
        second = again(runner, first)
    assert (second.status, second.alerts) == ("FAILED", [])
    assert row(second) == row(first)


# --- backfill


def test_a_backfill_does_not_heed_the_lease_and_leaves_the_task_as_it_is(runner: TaskRunner) -> None:
    task_id = runner.register("detached", params={"refuse": True}, retry=ONCE)
    lease_of_another(runner, task_id)
    failed = runner.run(task_id, trigger=Trigger.BACKFILL)
    done = again(runner, failed, trigger=Trigger.BACKFILL, params={"refuse": False})
    assert [(row(one).status, row(one).trigger) for one in (failed, done)] == [
        (RunStatus.FAILED, Trigger.BACKFILL),
        (RunStatus.SUCCEEDED, Trigger.BACKFILL),
    ]
    assert (len(failed.alerts), len(done.states)) == (1, 10)
    for outcome in (failed, done):
        assert outcome.record["lease"]["M"]["executionArn"] == {"S": "arn:of-another"}
        assert {"lastStatus", "lastSlot", "consecutiveFailures"}.isdisjoint(outcome.record)


def test_a_backfill_writes_the_row_and_never_the_task(runner: TaskRunner) -> None:
    outcome = runner.run(runner.register("row-alone"), trigger=Trigger.BACKFILL)
    assert outcome.states == [
        "LookupTask",
        "ClaimSlot",
        "Refused",
        "ClaimDetached",
        "InvokeLambda",
        "RecordOutcome",
        "RecordOutcomeAlone",
    ]
    assert "StartDelay" not in outcome.metrics


def test_a_backfill_whose_claim_lost_its_reply_runs_once(runner: TaskRunner) -> None:
    task_id = runner.register("backfill-lost")
    with runner.faulty("dynamodb", "PutItem", applied=True):
        outcome = runner.run(task_id, trigger=Trigger.BACKFILL)
    assert (row(outcome).status, row(outcome).duplicates) == (RunStatus.SUCCEEDED, 0)
    assert outcome.states.count("InvokeLambda") == 1


def test_a_backfill_that_cannot_claim_is_a_failure_with_an_alert(runner: TaskRunner) -> None:
    task_id = runner.register("backfill-down")
    with runner.faulty("dynamodb", "PutItem", applied=False, times=6):
        outcome = runner.run(task_id, trigger=Trigger.BACKFILL)
    assert (outcome.status, row(outcome).status, len(outcome.alerts)) == ("FAILED", RunStatus.FAILED, 1)


def test_a_paused_task_is_not_backfilled_and_the_slot_stays_to_be_done(runner: TaskRunner) -> None:
    task_id = runner.register("backfill-paused")
    pause(runner, task_id)
    outcome = runner.run(task_id, trigger=Trigger.BACKFILL)
    assert (outcome.output or {})["status"] == "SKIPPED"
    assert outcome.run is None


@pytest.mark.parametrize(
    ("trigger", "slot", "scheduled_time"),
    [
        (Trigger.BACKFILL, SLOT, SLOT),
        (Trigger.RERUN, SLOT, SLOT),
        (Trigger.RERUN, "2026-11-23T08:00:00.123Z", None),
    ],
)
def test_the_target_learns_when_it_was_due(
    runner: TaskRunner, trigger: Trigger, slot: str, scheduled_time: str | None
) -> None:
    outcome = runner.run(runner.register(f"due-{trigger}"), slot, trigger=trigger)
    event = json.loads(row(outcome).result or "{}")["event"]
    assert (event["slot"], event["scheduledTime"]) == (slot, scheduled_time)


@MOST
def test_every_value_is_the_reference_jsonatas(
    runner: TaskRunner, evaluations: list[Evaluation], most: int | None
) -> None:
    assert len(evaluations) > 100
    assert disagreements(definitions.ALL["TaskRunner"](STACK), evaluations, most) == []

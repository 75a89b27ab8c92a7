"""A handler says "not yet": its slot waits as a row that holds nothing, and is looked at again until it is too late."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.instants import to_second
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import OverlapPolicy, TaskSchedule
from orchestrator.tasks.upstream import SlotOf, Upstream
from tests.testbed.task_runner import SLOT, STACK, Outcome, TaskRunner

PATIENT = RetryPolicy(max_attempts=3, interval_seconds=0)
LATER = "2026-11-23T09:00:00Z"


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    # An alarm clock of a minute goes off in a second.
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        yield TaskRunner(embedded_aws, handlers=("system.follower",))
        embedded_aws.reset()


@pytest.fixture
def task_id(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^a-z-]+", "-", request.node.name.removeprefix("test_"))[-48:].strip("-")


def held(outcome: Outcome) -> Hold:
    assert outcome.run is not None
    assert (outcome.status, outcome.run.status) == ("SUCCEEDED", RunStatus.WAITING), outcome.cause
    assert outcome.run.hold is not None
    return outcome.run.hold


def again(runner: TaskRunner, run: Run | None, **more: Any) -> Outcome:
    """Starts a held slot in its row's place, as whoever wakes it does."""
    assert run is not None
    released = {"replaces": run.version, "released": True, "trigger": run.trigger, **more}
    return runner.run(run.task_id, run.slot, **released)


def test_the_row_says_what_it_waits_for_and_until_when(runner: TaskRunner, task_id: str) -> None:
    runner.register(task_id, params={"notYet": 600}, not_yet_seconds=3600)
    outcome = runner.run(task_id)
    hold, run = held(outcome), outcome.run
    assert run
    since = datetime.fromisoformat(hold.since)
    assert (hold.kind, hold.why) == (HoldKind.TIME, "the file is not there")
    assert hold.deadline
    assert datetime.fromisoformat(hold.deadline) == since + timedelta(seconds=3600)
    assert hold.wake_at
    assert 599 <= hold.wake_at - since.timestamp() <= 602
    assert outcome.states == ["LookupTask", "ClaimSlot", "InvokeLambda", "PostponeRun"]
    assert outcome.output == {"taskId": task_id, "slot": SLOT, "status": "WAITING"}
    # Neither a failure nor an outcome: nothing is told, and another slot may run at once.
    assert "lease" not in outcome.record
    assert "lastStatus" not in outcome.record
    assert outcome.alerts == []


def test_a_look_that_finds_it_runs_the_slot_in_the_row_s_place(runner: TaskRunner, task_id: str) -> None:
    runner.register(task_id, params={"notYet": 600})
    first = runner.run(task_id)
    runner.register(task_id)
    second = again(runner, first.run)
    assert second.run
    assert (second.run.status, second.run.hold, second.run.trigger) == (RunStatus.SUCCEEDED, None, Trigger.SCHEDULE)
    # The row tells of one run, which has been looked at twice.
    assert (second.run.history, second.run.attempts) == ((), 2)
    assert first.run
    # Four states, a call and a delivery; then eight states and a call.
    assert (first.run.dollars, second.run.dollars) == (Decimal("4.100001"), Decimal("12.200001"))


def test_the_slot_is_looked_at_again_when_it_is_time(runner: TaskRunner, task_id: str) -> None:
    runner.register(task_id, params={"notYet": 60})
    first = runner.run(task_id)
    assert held(first)
    runner.register(task_id)
    runner.until(
        lambda: (found := runner.ledger.get(task_id, SLOT)) is not None and found.status is RunStatus.SUCCEEDED
    )
    run = runner.ledger.get(task_id, SLOT)
    assert run
    assert run.history == ()
    assert datetime.fromisoformat(run.started_at or "") >= datetime.fromtimestamp(held(first).wake_at or 0, UTC)


def test_at_its_deadline_a_slot_that_waits_for_another_expires_although_no_watchdog_looks(
    runner: TaskRunner, task_id: str
) -> None:
    before = Upstream(task_id=task_id, slot=SlotOf.LATEST_BEFORE)
    daily = TaskSchedule(expression="cron(0 0 * * ? *)")
    runner.register(task_id, schedules=(daily,), after=(before,), deadline="90")
    slot = runner.aws.clock.now().replace(microsecond=0)
    runner.run(task_id, to_second(slot))
    runner.until(
        lambda: (found := runner.ledger.get(task_id, to_second(slot))) is not None and found.status is RunStatus.EXPIRED
    )
    run = runner.ledger.get(task_id, to_second(slot))
    assert run
    assert run.ended_at
    late = datetime.fromisoformat(run.ended_at) - slot - timedelta(seconds=90)
    assert timedelta() <= late < timedelta(seconds=60)


def test_each_look_waits_from_the_first_and_at_last_the_run_has_failed(runner: TaskRunner, task_id: str) -> None:
    runner.register(task_id, params={"notYet": 90_000}, retry=PATIENT)
    first = runner.run(task_id)
    second = again(runner, first.run)
    assert held(second).deadline == held(first).deadline
    # No look comes later than its end, whatever the handler has asked for.
    deadline = held(first).deadline
    assert deadline
    assert held(first).wake_at == int(datetime.fromisoformat(deadline).timestamp() + 0.999)
    runner.register(task_id, params={"notYet": 60}, not_yet_seconds=0)
    third = again(runner, second.run)
    assert third.run
    assert (third.run.status, third.run.error) == (RunStatus.FAILED, "NotYet")
    assert third.run.cause == "look again in 60 s: the file is not there"
    assert (third.status, len(third.alerts)) == ("FAILED", 1)


def test_no_attempt_of_the_policy_is_used_up(runner: TaskRunner, task_id: str) -> None:
    """Its only attempt is there for each look."""
    runner.register(task_id, params={"notYet": 6000}, retry=RetryPolicy(max_attempts=1))
    run = runner.run(task_id).run
    for _ in range(3):
        run = again(runner, run).run
    assert run
    assert (run.status, run.attempts) == (RunStatus.WAITING, 4)


@pytest.mark.parametrize(
    ("fields", "given"),
    [({"overlap": OverlapPolicy.ALLOW_ALL}, {}), ({}, {"trigger": Trigger.BACKFILL})],
    ids=["allow_all", "backfill"],
)
def test_a_run_without_a_lease_waits_in_the_same_way(
    runner: TaskRunner, task_id: str, fields: dict[str, Any], given: dict[str, Any]
) -> None:
    runner.register(task_id, params={"notYet": 6000}, **fields)
    assert held(runner.run(task_id, **given)).kind is HoldKind.TIME


def test_what_was_given_is_kept_for_the_next_look(runner: TaskRunner, task_id: str) -> None:
    runner.register(task_id)
    hold = held(runner.run(task_id, params={"notYet": 6000, "colour": "blue"}))
    assert json.loads(hold.params) == {"notYet": 6000, "colour": "blue"}


def test_an_express_execution_waits_in_the_same_way(runner: TaskRunner, task_id: str) -> None:
    runner.register(
        task_id, params={"notYet": 6000}, express=True, timeout_seconds=2, retry=RetryPolicy(max_attempts=1)
    )
    arn = runner.start({"taskId": task_id, "scheduledTime": LATER, "trigger": "schedule"}, machine="ExpressRunner")
    assert runner.is_over(arn)
    run = runner.ledger.get(task_id, LATER)
    assert run
    assert run.hold
    assert (run.status, run.hold.kind) == (RunStatus.WAITING, HoldKind.TIME)
    item = runner.aws.client("dynamodb").get_item(TableName=STACK.tasks_table, Key={"taskId": {"S": task_id}})["Item"]
    assert "lease" not in item

"""Slots that wait for slots of other tasks: held as rows, without an execution, and released once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import definitions
from orchestrator.instants import to_second, window_end
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.operations import starting
from orchestrator.runs.explanation import why
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunEnd, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Checkpoint, Pause
from orchestrator.stores.executions import Runner
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import OverlapPolicy, TaskSchedule
from orchestrator.tasks.upstream import OnDeadline, OnFailure, Upstream
from tests.testbed.reference import MOST, OF_HOLDING, disagreements, never_evaluated
from tests.testbed.rounds import messages, round_at
from tests.testbed.task_runner import STACK, TaskRunner

SLOT = "2026-11-23T08:00:00Z"
EARLIER = "2026-11-23T06:00:00Z"
TO_BE_HELD = ["LookupTask", "ClaimSlot", "Refused", "HoldSlot"]


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    yield TaskRunner(embedded_aws, handlers=("system.follower", "system.failure_handler", "system.watchdog"))
    embedded_aws.reset()


class Chain:
    """``extract`` at six and ``load`` at eight, of names of their own."""

    def __init__(self, runner: TaskRunner, name: str, **fields: Any) -> None:
        self.runner = runner
        self.extract, self.load = f"extract-{name}", f"load-{name}"
        at_six, at_eight = (TaskSchedule(expression=f"cron(0 {hour} * * ? *)") for hour in (6, 8))
        runner.register(self.extract, schedules=(at_six,), downstream=(self.load,))
        after = (Upstream(task_id=self.extract),)
        # So long that no slot of the past is late.
        fields = {"deadline": str(10**8)} | fields
        runner.register(self.load, schedules=(at_eight,), after=after, **fields)

    def run(self, task_id: str, slot: str, **more: Any) -> Run:
        """As Scheduler delivers it, and whatever follows."""
        outcome = self.runner.run(task_id, slot, **more)
        assert outcome.run is not None
        return outcome.run

    def row(self, task_id: str, slot: str) -> Run:
        """When nothing happens any more."""
        assert self.runner.aws.event_sources.settled(60)
        self.runner.until(lambda: not self._at_work())
        assert self.runner.aws.event_sources.settled(60)
        run = self.runner.ledger.get(task_id, slot)
        assert run is not None
        return run

    def _at_work(self) -> bool:
        client = self.runner.aws.client("stepfunctions")
        arn = self.runner.applied.outputs["TaskRunnerArn"]
        return bool(client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])


def test_a_window_of_events_is_held_until_its_end_and_has_an_alarm_clock(runner: TaskRunner) -> None:
    now = runner.aws.clock.now()
    task_id, slot = runner.register("window", starts=(EventStart(within_seconds=86_400),)), window_end(now, 86_400)
    given = {"taskId": task_id, "scheduledTime": to_second(now), "trigger": Trigger.EVENT, "within": 86_400}
    for item in ("a", "b"):
        assert runner.is_over(runner.start({**given, "params": {"item": item}}))
    assert runner.aws.event_sources.settled(60)
    run = runner.ledger.get(task_id, slot)
    assert run is not None
    assert run.hold is not None
    assert (run.status, run.duplicates, run.hold.params) == (RunStatus.WAITING, 1, '{"item":"a"}')
    scheduler = runner.aws.client("scheduler")
    listed = scheduler.list_schedules(GroupName=STACK.one_time_group, NamePrefix=f"{task_id}.")["Schedules"]
    (alarm,) = [scheduler.get_schedule(GroupName=STACK.one_time_group, Name=one["Name"]) for one in listed]
    assert alarm["ScheduleExpression"] == f"at({slot[:-1]})"


def test_a_slot_waits_as_a_row_and_runs_when_what_it_waits_for_has_succeeded(runner: TaskRunner) -> None:
    chain = Chain(runner, "late")
    outcome = runner.run(chain.load, SLOT, params={"colour": "red"})
    assert (outcome.states, outcome.output) == (
        TO_BE_HELD, {"taskId": chain.load, "slot": SLOT, "status": "WAITING"}
    )  # fmt: skip
    held = chain.row(chain.load, SLOT)
    assert (held.status, held.linked) == (RunStatus.WAITING, True)
    assert held.hold is not None
    assert held.hold.why == f"waits for {chain.extract} {EARLIER}"
    assert held.hold.deadline == "2030-01-23T17:46:40Z"
    again = runner.run(chain.load, SLOT)
    assert again.output is not None
    assert again.output["status"] == "DUPLICATE"
    chain.run(chain.extract, EARLIER)
    done = chain.row(chain.load, SLOT)
    assert (done.status, done.trigger, done.hold) == (RunStatus.SUCCEEDED, Trigger.SCHEDULE, None)
    # It has waited, and was tried once: nothing died, and its delivery was not late.
    assert (done.history, done.attempts, done.duplicates, done.attention) == ((), 1, 1, ())
    assert done.start_delay_seconds == held.start_delay_seconds
    assert "red" in (done.result or "")


def test_a_slot_whose_upstream_has_succeeded_before_it_was_held_runs_at_once(runner: TaskRunner) -> None:
    chain = Chain(runner, "early")
    chain.run(chain.extract, EARLIER)
    chain.run(chain.load, SLOT)
    assert chain.row(chain.load, SLOT).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("on_failure", "becomes"),
    [
        (OnFailure.SKIP, (RunStatus.SKIPPED, SkipReason.UPSTREAM)),
        (OnFailure.RUN, (RunStatus.SUCCEEDED, None)),
        (OnFailure.WAIT, (RunStatus.WAITING, None)),
    ],
)
def test_what_an_upstream_that_fails_means_the_task_says(
    runner: TaskRunner, on_failure: OnFailure, becomes: tuple[RunStatus, SkipReason | None]
) -> None:
    chain = Chain(runner, f"failed-{on_failure}", on_upstream_failure=on_failure)
    runner.change(chain.extract, "SET retry.maxAttempts = :one", one={"N": "1"})
    chain.run(chain.load, SLOT)
    chain.run(chain.extract, EARLIER, params={"refuse": True})
    run = chain.row(chain.load, SLOT)
    assert (run.status, run.reason) == becomes
    if on_failure is OnFailure.SKIP:
        assert run.cause == f"it waited for {chain.extract} {EARLIER}: FAILED"


def test_at_its_deadline_a_slot_expires_or_runs(runner: TaskRunner) -> None:
    expires, runs = (Chain(runner, f"deadline-{what}", on_deadline=what) for what in OnDeadline)
    slot = (datetime.now(UTC) - timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    at = slot.strftime("%Y-%m-%dT%H:%M:%SZ")
    for chain in (expires, runs):
        held = chain.run(chain.load, at)
        assert held.status is RunStatus.WAITING
        # It is held since two hours before its deadline.
        runner.change(chain.load, "SET deadline = :at", at={"S": str(86_400 * 3)})
        _held_since(runner, chain, at, slot)
    round_at(runner, slot + timedelta(days=2))
    assert {chain.row(chain.load, at).status for chain in (expires, runs)} == {RunStatus.WAITING}
    round_at(runner, slot + timedelta(days=3))
    expired = expires.row(expires.load, at)
    assert (expired.status, expired.error) == (RunStatus.EXPIRED, "UpstreamLate")
    assert runs.row(runs.load, at).status is RunStatus.SUCCEEDED


def test_people_hear_of_a_slot_that_will_miss_its_deadline_before_it_does_and_once(runner: TaskRunner) -> None:
    chain = Chain(runner, "at-risk")
    slot = (datetime.now(UTC) - timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    at, upstream = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (slot, slot - timedelta(hours=2)))
    # Of twenty runs nineteen took an hour, and one a day.
    for days in range(1, 21):
        row = {"taskId": chain.extract, "slot": (slot - timedelta(days=days, hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        item = {name: {"S": text} for name, text in (row | {"status": "SUCCEEDED"}).items()}
        took = {"durationSeconds": {"N": "86400" if days == 7 else "3600"}}
        runner.aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item | took)
    chain.run(chain.load, at)
    chain.row(chain.load, at)
    # By half past ten.
    runner.change(chain.load, "SET deadline = :at", at={"S": str(9000)})
    _held_since(runner, chain, at, slot)
    messages(runner)
    marks = []
    for minutes in (60, 89, 91, 96, 101):
        marks.append(round_at(runner, slot + timedelta(minutes=minutes))["atRisk"])
        assert runner.aws.event_sources.settled(60)
    # The first round has learnt the deadline.
    assert marks == [0, 0, 1, 0, 0]
    (told,) = [text for text in messages(runner) if chain.load in text]
    assert "A scheduled task waits for others, and will miss its deadline." in told
    assert f"waits for {chain.extract} {upstream}" in told
    assert round_at(runner, slot + timedelta(minutes=150))["released"] == 1
    assert chain.row(chain.load, at).status is RunStatus.EXPIRED


def _held_since(runner: TaskRunner, chain: Chain, slot: str, since: datetime) -> None:
    runner.aws.client("dynamodb").update_item(
        TableName=STACK.runs_table,
        Key={"taskId": {"S": chain.load}, "slot": {"S": slot}},
        UpdateExpression="SET #hold.since = :since",
        ExpressionAttributeNames={"#hold": "hold"},
        ExpressionAttributeValues={":since": {"S": since.strftime("%Y-%m-%dT%H:%M:%S.000Z")}},
    )


def test_slots_from_before_the_upstream_had_its_schedules_are_waited_for_by_nobody(runner: TaskRunner) -> None:
    chain = Chain(runner, "young")
    record = runner.registry.get(chain.extract)
    assert record is not None
    since = Checkpoint(checked_until=EARLIER, next_run=None, since=EARLIER)
    runner.registry.register(record.task, since)
    chain.run(chain.load, SLOT)
    assert chain.row(chain.load, SLOT).status is RunStatus.SUCCEEDED


def test_what_the_stream_has_lost_the_watchdog_finds(runner: TaskRunner) -> None:
    chain = Chain(runner, "lost")
    chain.run(chain.load, SLOT)
    chain.row(chain.load, SLOT)
    runner.change(chain.extract, "SET downstream = :none", none={"L": []})
    chain.run(chain.extract, EARLIER)
    assert chain.row(chain.load, SLOT).status is RunStatus.WAITING
    assert round_at(runner, datetime.now(UTC))["released"] == 1
    assert chain.row(chain.load, SLOT).status is RunStatus.SUCCEEDED
    assert round_at(runner, datetime.now(UTC))["released"] == 0


def test_two_that_release_a_slot_run_it_once_and_count_no_duplicate(runner: TaskRunner) -> None:
    chain = Chain(runner, "twice")
    chain.run(chain.load, SLOT)
    held = chain.row(chain.load, SLOT)
    given = {"replaces": held.version, "released": True}
    first, second = (runner.run(chain.load, SLOT, **given) for _ in range(2))
    assert (first.run, first.status) == (second.run, "SUCCEEDED")
    assert second.output is not None
    assert second.output["status"] == "DUPLICATE"
    assert second.run is not None
    assert (second.run.status, second.run.duplicates, second.run.attempts) == (RunStatus.SUCCEEDED, 0, 1)


def test_a_held_slot_whose_row_is_as_it_was_written_is_claimed_at_once(runner: TaskRunner) -> None:
    chain = Chain(runner, "at-once")
    chain.run(chain.load, SLOT)
    held = chain.row(chain.load, SLOT)
    given = {"replaces": held.version, "released": True, "trigger": held.trigger}
    outcome = runner.run(chain.load, SLOT, **given, held={"startDelay": 12.5})
    assert outcome.states == ["LookupTask", "ClaimSlot", "InvokeLambda", "RecordOutcome"]
    assert outcome.run is not None
    assert (outcome.run.start_delay_seconds, outcome.run.history, outcome.run.attempts) == (12.5, (), 1)
    again = runner.run(chain.load, SLOT, **given, held={})
    assert again.output is not None
    assert (again.output["status"], again.run) == ("DUPLICATE", outcome.run)


@pytest.mark.parametrize("what", ["a duplicate", "its end"])
def test_what_has_happened_to_a_held_row_since_it_was_released_is_kept(runner: TaskRunner, what: str) -> None:
    chain = Chain(runner, what.replace(" ", "-"))
    chain.run(chain.load, SLOT)
    held = chain.row(chain.load, SLOT)
    if what == "a duplicate":
        runner.run(chain.load, SLOT)
    else:
        end = RunEnd(status=RunStatus.EXPIRED, ended_at=EARLIER)
        assert Recorder(runner.aws.client("dynamodb"), STACK).end_held(held, end)
    outcome = runner.run(chain.load, SLOT, replaces=held.version, released=True, trigger=held.trigger, held={})
    assert "ExplainRefusal" in outcome.states
    assert outcome.run is not None
    found = (outcome.run.status, outcome.run.duplicates, [one.status for one in outcome.run.history])
    assert found == (RunStatus.SUCCEEDED, *((1, []) if what == "a duplicate" else (0, [RunStatus.EXPIRED])))


def test_a_slot_that_may_run_when_its_task_is_paused_is_skipped_and_waits_anew_afterwards(runner: TaskRunner) -> None:
    chain = Chain(runner, "paused")
    chain.run(chain.load, SLOT)
    chain.row(chain.load, SLOT)
    runner.registry.pause(chain.load, Pause(who="ann", why="migration", since=EARLIER))
    chain.run(chain.extract, EARLIER)
    skipped = chain.row(chain.load, SLOT)
    assert (skipped.status, skipped.reason, skipped.hold) == (RunStatus.SKIPPED, SkipReason.PAUSED, None)
    runner.registry.resume(chain.load)
    again = chain.run(chain.load, SLOT, trigger=Trigger.RESUME, replaces=skipped.version)
    # What it waits for has come: it may have been woken, and be at work, or have ended.
    assert again.status in (RunStatus.WAITING, RunStatus.RUNNING, RunStatus.SUCCEEDED)
    assert chain.row(chain.load, SLOT).status is RunStatus.SUCCEEDED


def test_a_slot_that_may_run_when_another_run_holds_its_task_is_skipped_as_any_other(runner: TaskRunner) -> None:
    chain = Chain(runner, "overlap", overlap=OverlapPolicy.SKIP)
    chain.run(chain.load, SLOT)
    lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": "99999999999"}}}
    runner.change(chain.load, "SET lease = :lease", lease=lease)
    chain.run(chain.extract, EARLIER)
    run = chain.row(chain.load, SLOT)
    assert (run.status, run.reason, run.hold) == (RunStatus.SKIPPED, SkipReason.OVERLAP, None)


def test_a_held_slot_whose_task_cannot_be_run_any_more_fails(runner: TaskRunner) -> None:
    broken, gone = Chain(runner, "broken"), Chain(runner, "gone")
    for chain in (broken, gone):
        chain.run(chain.load, SLOT)
    held = broken.row(broken.load, SLOT)
    runner.change(broken.load, "SET overlap = :rain", rain={"S": "rain"})
    outcome = runner.run(broken.load, SLOT, replaces=held.version, released=True)
    assert (outcome.status, outcome.error) == ("FAILED", "InvalidTask")
    assert (broken.row(broken.load, SLOT).status, broken.row(broken.load, SLOT).hold) == (RunStatus.FAILED, None)
    runner.registry.remove(gone.load)
    round_at(runner, datetime.now(UTC))
    run = gone.row(gone.load, SLOT)
    assert (run.status, run.error) == (RunStatus.FAILED, "TaskNotFound")
    runner.registry.remove(broken.load)


@pytest.mark.parametrize("trigger", [Trigger.RERUN, Trigger.BACKFILL])
def test_whoever_runs_a_slot_again_is_not_held(runner: TaskRunner, trigger: Trigger) -> None:
    chain = Chain(runner, trigger)
    chain.run(chain.load, SLOT)
    held = chain.row(chain.load, SLOT)
    run = chain.run(chain.load, SLOT, trigger=trigger, replaces=held.version)
    # A held row is no run that died.
    assert (run.status, run.trigger, run.history) == (RunStatus.SUCCEEDED, trigger, ())
    # Four states and a delivery, then eight or, in a backfill, which turns off first, ten, and a call.
    assert held.dollars == Decimal("4.000001")
    assert run.dollars == held.dollars + (Decimal("8.1") if trigger is Trigger.RERUN else Decimal("10.1"))


def test_what_a_held_slot_has_cost_is_in_the_cost_of_its_run(runner: TaskRunner) -> None:
    chain = Chain(runner, "cost")
    chain.run(chain.load, SLOT)
    assert chain.row(chain.load, SLOT).dollars == Decimal("4.000001")
    chain.run(chain.extract, EARLIER)
    runner.until(lambda: chain.row(chain.load, SLOT).status is RunStatus.SUCCEEDED)
    # Whoever releases it says what it has cost, so that its claim does not fail first.
    assert chain.row(chain.load, SLOT).dollars == Decimal("8.100001")


def test_a_person_ends_a_wait_and_sees_what_it_was_for(runner: TaskRunner) -> None:
    chain = Chain(runner, "stopped")
    chain.run(chain.load, SLOT)
    held = chain.row(chain.load, SLOT)
    assert why(held) == f"waits for {chain.extract} {EARLIER}"
    dynamodb, states = runner.aws.client("dynamodb"), runner.aws.client("stepfunctions")
    run = starting.stoppable(runner.ledger, chain.load, SLOT)
    starter = Runner(states, runner.applied.outputs["TaskRunnerArn"])
    starting.stop(starter, Recorder(dynamodb, STACK), run, "ann", datetime.now(UTC))
    stopped = chain.row(chain.load, SLOT)
    assert (stopped.status, stopped.error, stopped.cause) == (RunStatus.ABORTED, "StoppedByHand", "stopped by ann")
    chain.run(chain.extract, EARLIER)
    assert chain.row(chain.load, SLOT) == stopped


def test_a_start_by_hand_for_no_slot_waits_for_nobody(runner: TaskRunner) -> None:
    chain = Chain(runner, "by-hand")
    execution = runner.start({"taskId": chain.load})
    assert runner.end(execution, chain.load).status == "SUCCEEDED"


def test_the_twin_hands_over_what_is_to_be_held(runner: TaskRunner) -> None:
    chain = Chain(runner, "express", timeout_seconds=60, retry=RetryPolicy(max_attempts=1), express=True)
    given = {"taskId": chain.load, "scheduledTime": SLOT, "trigger": Trigger.SCHEDULE}
    assert runner.is_over(runner.start(given, machine="ExpressRunner"))
    runner.until(lambda: runner.ledger.get(chain.load, SLOT) is not None)
    assert chain.row(chain.load, SLOT).status is RunStatus.WAITING


def test_a_held_row_is_not_closed_with_the_execution_that_has_written_it(runner: TaskRunner) -> None:
    chain = Chain(runner, "old")
    chain.run(chain.load, SLOT)
    chain.row(chain.load, SLOT)
    tally = round_at(runner, datetime.now(UTC) + timedelta(hours=1))
    assert (tally["closed"], tally["released"]) == (0, 0)
    held = chain.row(chain.load, SLOT)
    assert held.hold is not None
    assert isinstance(held.hold, Hold)
    assert held.hold.kind is HoldKind.UPSTREAM


def test_a_plain_tasks_path_and_row_are_as_they_were(runner: TaskRunner) -> None:
    outcome = runner.run(runner.register("plain"))
    assert outcome.states == ["LookupTask", "ClaimSlot", "InvokeLambda", "RecordOutcome"]
    assert not {"hold", "linked"} & set(outcome.row)


@MOST
def test_every_value_is_the_reference_jsonatas(
    runner: TaskRunner, evaluations: list[Evaluation], most: int | None
) -> None:
    task_runner = definitions.ALL["TaskRunner"](STACK)
    # Faults of AWS are in test_task_runner.py.
    of_faults = {"$merge([$known, {'refusal': \"fault\"}])"}
    assert never_evaluated(task_runner, evaluations, only=OF_HOLDING) <= of_faults
    assert disagreements(task_runner, evaluations, most) == []

"""TaskRunner when a slot comes while the task still runs: it waits, is skipped, or takes the other's place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import definitions
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.run import Attention, EarlierRun, Run, RunStatus, Trigger
from orchestrator.schedules.calendars import Closure
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import OverlapPolicy
from tests.testbed.reference import MOST, OF_OVERLAP, disagreements, never_evaluated
from tests.testbed.task_runner import PATIENCE, SLOT, STACK, Outcome, TaskRunner

BEFORE, AFTER, LATER = "2026-11-23T07:00:00Z", "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"
ONCE = RetryPolicy(max_attempts=1)
FAR_AWAY = "99999999999"


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=200)):
        yield TaskRunner(embedded_aws, handlers=("system.follower",))
        embedded_aws.reset()


def row(outcome: Outcome) -> Run:
    assert outcome.run is not None
    return outcome.run


def moment(text: str | None) -> datetime:
    return datetime.fromisoformat(str(text))


def begin(
    runner: TaskRunner, task_id: str, slot: str = SLOT, status: RunStatus = RunStatus.RUNNING, **more: Any
) -> str:
    """Starts a slot, and returns the execution's ARN when its row says so."""
    arn = runner.start({"taskId": task_id, "scheduledTime": slot, **more})

    def begun() -> bool:
        run = runner.ledger.get(task_id, slot)
        return run is not None and run.status is status and run.execution_arn == arn

    runner.until(begun)
    return arn


def hold(runner: TaskRunner, task_id: str, seconds: int | None = None) -> None:
    """The lease of an execution that is gone, for so many seconds from now or for ever."""
    expires_at = FAR_AWAY if seconds is None else later(runner, seconds)
    lease = {"M": {"executionArn": {"S": "arn:of-another"}, "expiresAt": {"N": expires_at}}}
    runner.change(task_id, "SET lease = :lease", lease=lease)


def later(runner: TaskRunner, seconds: int) -> str:
    return str(int(runner.aws.clock.now().timestamp()) + seconds)


def place(runner: TaskRunner, task_id: str, slot: str, seconds: int) -> None:
    """The place of an execution that is gone, among those who wait."""
    one = {"M": {"executionArn": {"S": "arn:of-a-waiter"}, "expiresAt": {"N": later(runner, seconds)}}}
    runner.change(task_id, "SET waiting = :waiting", waiting={"M": {slot: one}})


def pause(runner: TaskRunner, task_id: str, until: str | None = None) -> None:
    end = {} if until is None else {"until": {"S": until}}
    runner.change(task_id, "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}, **end}})


def put(runner: TaskRunner, task_id: str, status: RunStatus) -> None:
    """The row of a slot that nobody ran."""
    item: Any = {"taskId": {"S": task_id}, "slot": {"S": SLOT}, "status": {"S": status}}
    runner.aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item)


def in_turn(runner: TaskRunner, *runs: Run) -> bool:
    """Whether each run's target was asked only when that of the one before it had answered."""
    asked: list[datetime] = []
    answered: list[datetime] = []
    for run in runs:
        client = runner.aws.client("stepfunctions")
        events: list[Any] = []
        events += client.get_execution_history(executionArn=run.execution_arn or "", maxResults=1000)["events"]
        for times, details in ((asked, "stateEnteredEventDetails"), (answered, "stateExitedEventDetails")):
            times += [one["timestamp"] for one in events if one.get(details, {}).get("name") == "InvokeLambda"]
    assert len(asked) == len(answered) == len(runs)
    return all(end <= turn for end, turn in zip(answered[:-1], asked[1:], strict=True))


# --- waiting


def test_of_those_that_come_while_a_run_goes_on_one_waits_and_the_others_are_skipped(runner: TaskRunner) -> None:
    task_id = runner.register("one", params={"seconds": 1}, overlap=OverlapPolicy.BUFFER_ONE)
    first = begin(runner, task_id)
    second = begin(runner, task_id, AFTER, RunStatus.WAITING)
    third = runner.run(task_id, LATER)
    ended, waited = runner.end(first, task_id, SLOT), runner.end(second, task_id, AFTER)
    assert (row(third).status, row(third).reason) == (RunStatus.SKIPPED, "overlap")
    assert (row(ended).status, row(waited).status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert in_turn(runner, row(ended), row(waited))
    assert "lease" not in waited.record
    assert waited.record["waiting"] == {"M": {}}
    assert waited.alerts == []


def test_the_duration_of_a_run_that_waited_is_without_the_wait(runner: TaskRunner) -> None:
    task_id = runner.register("how-long", overlap=OverlapPolicy.BUFFER_ONE)
    hold(runner, task_id, 100)
    run = row(runner.run(task_id))
    assert moment(run.ended_at) - moment(run.started_at) > timedelta(seconds=100)
    assert (run.duration_seconds or 0) < 80


def test_of_two_that_find_the_place_free_at_the_same_moment_one_is_skipped(runner: TaskRunner) -> None:
    task_id = runner.register("race", overlap=OverlapPolicy.BUFFER_ONE)
    hold(runner, task_id)
    runner.change(task_id, "SET waiting = :none", none={"M": {}})
    with runner.just_before("dynamodb", "UpdateItem", lambda: place(runner, task_id, AFTER, 10_000)):
        outcome = runner.run(task_id)
    assert "JoinQueue" in outcome.states
    assert (row(outcome).status, row(outcome).reason) == (RunStatus.SKIPPED, "overlap")
    assert list(outcome.record["waiting"]["M"]) == [AFTER]


def test_all_wait_and_run_one_after_the_other_in_the_order_of_their_slots(runner: TaskRunner) -> None:
    task_id = runner.register("all", params={"seconds": 0.3}, overlap=OverlapPolicy.BUFFER_ALL)
    slots = [BEFORE, LATER, AFTER, SLOT]
    hold(runner, task_id)
    runner.change(task_id, "SET waiting = :none", none={"M": {}})
    started = {slot: begin(runner, task_id, slot, RunStatus.WAITING) for slot in slots}
    runner.change(task_id, "REMOVE lease")
    runs = [row(runner.end(started[slot], task_id, slot)) for slot in sorted(slots)]
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    assert in_turn(runner, *runs)


def test_the_hundredth_waits_and_a_further_one_is_skipped(runner: TaskRunner) -> None:
    for taken, expected in ((99, "JoinQueue"), (100, "RecordSkip")):
        task_id = runner.register(f"full-{taken}", overlap=OverlapPolicy.BUFFER_ALL)
        hold(runner, task_id, 60)
        one = {"M": {"executionArn": {"S": "arn:of-a-waiter"}, "expiresAt": {"N": later(runner, 60)}}}
        slots = [f"2026-11-24T{n // 60:02}:{n % 60:02}:00Z" for n in range(taken)]
        runner.change(task_id, "SET waiting = :waiting", waiting={"M": dict.fromkeys(slots, one)})
        assert expected in runner.run(task_id).states


def test_a_further_delivery_of_a_slot_that_waits_is_counted_and_the_count_stays(runner: TaskRunner) -> None:
    task_id = runner.register("delivered-twice", overlap=OverlapPolicy.BUFFER_ALL)
    hold(runner, task_id)
    waiting = begin(runner, task_id, SLOT, RunStatus.WAITING)
    assert (runner.run(task_id).output or {})["status"] == "DUPLICATE"
    runner.change(task_id, "REMOVE lease")
    run = row(runner.end(waiting, task_id, SLOT))
    assert (run.status, run.duplicates, run.execution_arn) == (RunStatus.SUCCEEDED, 1, waiting)


def test_a_newcomer_does_not_pass_those_who_wait(runner: TaskRunner) -> None:
    skips = runner.register("no-passing", overlap=OverlapPolicy.SKIP)
    place(runner, skips, BEFORE, 10_000)
    assert row(runner.run(skips)).reason == "overlap"
    waits = runner.register("behind", overlap=OverlapPolicy.BUFFER_ALL)
    place(runner, waits, BEFORE, 30)
    run = row(runner.run(waits))
    assert run.status is RunStatus.SUCCEEDED
    assert moment(run.ended_at) - moment(run.started_at) > timedelta(seconds=25)


def test_a_waiter_that_died_is_in_nobodys_way_beyond_its_place_and_its_place_goes(runner: TaskRunner) -> None:
    task_id = runner.register("ghost")
    place(runner, task_id, BEFORE, -1)
    outcome = runner.run(task_id)
    assert row(outcome).status is RunStatus.SUCCEEDED
    assert outcome.record["waiting"] == {"M": {}}


def test_a_run_waits_for_a_holder_that_knows_of_no_queue(runner: TaskRunner) -> None:
    task_id = runner.register("no-queue", overlap=OverlapPolicy.BUFFER_ONE)
    hold(runner, task_id, 40)
    outcome = runner.run(task_id)
    assert row(outcome).status is RunStatus.SUCCEEDED
    assert outcome.states.count("WaitForTurn") >= 2


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_waiter_whose_reply_was_lost_finds_its_own_row_and_place(runner: TaskRunner, operation: str) -> None:
    task_id = runner.register(f"lost-{operation}", overlap=OverlapPolicy.BUFFER_ONE)
    hold(runner, task_id, 20)
    runner.change(task_id, "SET waiting = :none", none={"M": {}})
    with runner.faulty("dynamodb", operation, applied=True) as lost:
        outcome = runner.run(task_id)
    assert lost == [operation]
    assert (row(outcome).status, row(outcome).duplicates) == (RunStatus.SUCCEEDED, 0)


def test_a_run_that_cannot_begin_to_wait_is_a_failure(runner: TaskRunner) -> None:
    task_id = runner.register("cannot-wait", overlap=OverlapPolicy.BUFFER_ONE)
    hold(runner, task_id)
    with runner.faulty("dynamodb", "PutItem", applied=False, times=6) as lost:
        outcome = runner.run(task_id)
    assert len(lost) == 6
    assert (row(outcome).status, outcome.states[-3:]) == (
        RunStatus.FAILED,
        ["Refused", "RecordRefusal", "Failed"],
    )


def test_a_turn_whose_reply_was_lost_is_still_ones_own_even_if_another_joins(runner: TaskRunner) -> None:
    task_id = runner.register("lost-turn", overlap=OverlapPolicy.BUFFER_ALL)
    claims: list[str] = []

    def another_joins() -> None:
        claims.append("claim")
        if len(claims) == 2:
            place(runner, task_id, BEFORE, 10_000)

    # What is registered later comes first: the reply is lost, and another joins before the call is sent again.
    with (
        runner.faulty("dynamodb", "TransactWriteItems", applied=True) as lost,
        runner.just_before("dynamodb", "TransactWriteItems", another_joins),
    ):
        outcome = runner.run(task_id)
    assert lost == ["TransactWriteItems"]
    assert (row(outcome).status, row(outcome).duplicates) == (RunStatus.SUCCEEDED, 0)
    assert "ExplainRefusal" in outcome.states
    assert list(outcome.record["waiting"]["M"]) == [BEFORE]


def test_a_pause_ends_the_wait(runner: TaskRunner) -> None:
    task_id = runner.register("paused-meanwhile", overlap=OverlapPolicy.BUFFER_ALL)
    first = begin(runner, task_id, params={"seconds": 1})
    waiting = begin(runner, task_id, AFTER, RunStatus.WAITING)
    pause(runner, task_id)
    runner.end(first, task_id, SLOT)
    outcome = runner.end(waiting, task_id, AFTER)
    assert outcome.status == "SUCCEEDED"
    assert (row(outcome).status, row(outcome).reason) == (RunStatus.SKIPPED, "paused")
    assert outcome.record["waiting"] == {"M": {}}


def test_a_rerun_that_waits_keeps_the_history_of_its_slot_even_when_it_is_skipped(runner: TaskRunner) -> None:
    task_id = runner.register("rerun-waits", params={"refuse": True}, retry=ONCE, overlap=OverlapPolicy.BUFFER_ONE)
    failed = row(runner.run(task_id))
    hold(runner, task_id)
    waiting = begin(runner, task_id, SLOT, RunStatus.WAITING, trigger=Trigger.RERUN, replaces=failed.version)
    pause(runner, task_id)
    run = row(runner.end(waiting, task_id, SLOT))
    assert (run.status, [earlier.status for earlier in run.history]) == (RunStatus.SKIPPED, [RunStatus.FAILED])


# --- stopping


@pytest.mark.parametrize("policy", [OverlapPolicy.CANCEL_OTHER, OverlapPolicy.TERMINATE_OTHER])
def test_the_run_that_goes_on_is_stopped_with_its_workflow_and_the_new_one_runs(
    runner: TaskRunner, policy: OverlapPolicy
) -> None:
    task_id = runner.register(f"stop-{policy}", target="workflow/nested", overlap=policy)
    first = begin(runner, task_id, BEFORE, params={"pause": 200})
    runner.until(lambda: bool(children(runner, task_id)))
    second = runner.run(task_id)
    stopped = runner.end(first, task_id, BEFORE)
    assert (stopped.status, stopped.error) == ("ABORTED", "Stopped")
    assert stopped.cause == f"the overlap policy {policy}: {SLOT} takes the place of this run"
    run = row(stopped)
    assert (run.status, run.reason, run.error, run.cause) == (
        RunStatus.ABORTED,
        "overlap",
        stopped.error,
        stopped.cause,
    )
    assert run.ended_at is not None
    # What had been passed when it was at work, a call and a delivery.
    assert run.dollars == Decimal("3.100001")
    assert row(second).status is RunStatus.SUCCEEDED
    assert ("LookAtOther" in second.states) == (policy is OverlapPolicy.CANCEL_OTHER)
    runner.until(lambda: sorted(children(runner, task_id)) == ["ABORTED", "SUCCEEDED"])
    assert "lease" not in second.record
    assert second.record["consecutiveFailures"] == {"N": "0"}
    assert second.alerts == []


@pytest.mark.parametrize("refuse", [False, True])
def test_a_run_that_was_stopped_while_it_recorded_its_end_does_not_end_twice(runner: TaskRunner, refuse: bool) -> None:
    task_id = runner.register(f"stopped-late-{refuse}", overlap=OverlapPolicy.TERMINATE_OTHER, retry=ONCE)
    asked: list[str] = []
    second: list[str] = []

    def stop() -> None:
        # The first is the claim, the second the end; what comes then is the other run's.
        asked.append("TransactWriteItems")
        if len(asked) == 2:
            second.append(runner.start({"taskId": task_id, "scheduledTime": SLOT, "trigger": Trigger.SCHEDULE}))
            runner.until(lambda: (run := runner.ledger.get(task_id, BEFORE)) is not None and run.ended_at is not None)

    with runner.just_before("dynamodb", "TransactWriteItems", stop):
        stopped = runner.run(task_id, BEFORE, params={"refuse": refuse})
        other = runner.end(second[0], task_id, SLOT)
    assert stopped.status == "ABORTED"
    run = row(stopped)
    assert (run.status, run.reason, run.error, run.result) == (RunStatus.ABORTED, "overlap", "Stopped", None)
    assert row(other).status is RunStatus.SUCCEEDED
    assert "lease" not in other.record


def test_a_run_that_could_not_be_stopped_ends_as_it_ends(runner: TaskRunner) -> None:
    task_id = runner.register(
        "unstoppable", target="workflow/nested", overlap=OverlapPolicy.TERMINATE_OTHER, timeout_seconds=3600
    )
    first = begin(runner, task_id, BEFORE, params={"pause": 400})
    with runner.faulty(
        "stepfunctions", "StopExecution", applied=False, times=99, error="AccessDeniedException", status=400
    ):
        assert row(runner.run(task_id)).status is RunStatus.SUCCEEDED
    run = row(runner.end(first, task_id, BEFORE))
    assert (run.status, run.reason, run.error) == (RunStatus.SUCCEEDED, None, None)


def children(runner: TaskRunner, task_id: str) -> list[str]:
    nested = f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK.workflow_prefix}nested"
    listed = runner.aws.client("stepfunctions").list_executions(stateMachineArn=nested)["executions"]
    return [one["status"] for one in listed if one["name"].startswith(f"{task_id}-2026")]


def test_a_holder_that_is_gone_is_no_hindrance(runner: TaskRunner) -> None:
    task_id = runner.register("stop-gone", overlap=OverlapPolicy.CANCEL_OTHER)
    hold(runner, task_id)
    outcome = runner.run(task_id)
    assert row(outcome).status is RunStatus.SUCCEEDED
    assert "lease" not in outcome.record


def test_a_run_that_ends_before_it_is_stopped_keeps_its_outcome(runner: TaskRunner) -> None:
    task_id = runner.register("stop-late", params={"seconds": 0.5}, overlap=OverlapPolicy.TERMINATE_OTHER)
    first = begin(runner, task_id, BEFORE)

    def let_it_end() -> None:
        assert runner.aws.execution(first).over.wait(PATIENCE)

    with runner.just_before("stepfunctions", "StopExecution", let_it_end):
        second = runner.run(task_id)
    assert row(runner.end(first, task_id, BEFORE)).status is RunStatus.SUCCEEDED
    assert row(second).status is RunStatus.SUCCEEDED


def test_the_newest_run_does_not_wait_behind_those_who_do(runner: TaskRunner) -> None:
    task_id = runner.register("newest", overlap=OverlapPolicy.CANCEL_OTHER)
    place(runner, task_id, BEFORE, 10_000)
    outcome = runner.run(task_id)
    assert row(outcome).status is RunStatus.SUCCEEDED
    assert list(outcome.record["waiting"]["M"]) == [BEFORE]


@pytest.mark.proof
@pytest.mark.parametrize("policy", [OverlapPolicy.CANCEL_OTHER, OverlapPolicy.TERMINATE_OTHER])
def test_of_many_slots_that_come_close_after_each_other_none_fails_and_the_last_one_runs(
    runner: TaskRunner, policy: OverlapPolicy
) -> None:
    task_id = runner.register(f"crowd-{policy}", params={"seconds": 0.6}, overlap=policy)
    slots = [f"2026-11-22T10:{minute:02}:00Z" for minute in range(20)]
    started = [runner.start({"taskId": task_id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE}) for slot in slots]
    runs = [row(runner.end(arn, task_id, slot)) for arn, slot in zip(started, slots, strict=True)]
    assert {(run.status, run.reason) for run in runs} <= {
        (RunStatus.SUCCEEDED, None),
        (RunStatus.SKIPPED, "overlap"),
        (RunStatus.ABORTED, "overlap"),
    }
    assert runs[-1].status is RunStatus.SUCCEEDED


# --- catching up


def test_a_run_that_is_caught_up_waits_whatever_the_policy(runner: TaskRunner) -> None:
    task_id = runner.register("catch-up")
    hold(runner, task_id, 30)
    outcome = runner.run(task_id, trigger=Trigger.CATCH_UP)
    run = row(outcome)
    assert (run.status, run.trigger, run.start_delay_seconds) == (RunStatus.SUCCEEDED, Trigger.CATCH_UP, None)
    assert "WaitForTurn" in outcome.states
    assert json.loads(run.result or "")["event"]["scheduledTime"] == SLOT


def test_those_caught_up_at_once_run_one_after_the_other(runner: TaskRunner) -> None:
    task_id = runner.register("catch-up-many")
    slots = [f"2026-11-22T{hour:02}:00:00Z" for hour in range(6)]
    started = [runner.start({"taskId": task_id, "scheduledTime": slot, "trigger": "catch up"}) for slot in slots]
    runs = [row(runner.end(arn, task_id, slot)) for arn, slot in zip(started, slots, strict=True)]
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}
    assert in_turn(runner, *sorted(runs, key=lambda run: str(run.ended_at)))


def test_a_run_that_is_caught_up_waits_for_nobody_if_the_task_allows_all(runner: TaskRunner) -> None:
    task_id = runner.register("catch-up-all", overlap=OverlapPolicy.ALLOW_ALL)
    hold(runner, task_id)
    assert len(runner.run(task_id, trigger=Trigger.CATCH_UP).states) == 4


def test_a_run_that_is_caught_up_is_skipped_by_a_pause_and_not_by_a_closed_day(runner: TaskRunner) -> None:
    holiday = Closure(since=moment(SLOT), until=moment(AFTER), why="holidays")
    task_id = runner.register("catch-up-closed", closures=(holiday,))
    pause(runner, task_id)
    assert row(runner.run(task_id, BEFORE, trigger=Trigger.CATCH_UP)).reason == "paused"
    runner.change(task_id, "REMOVE pause")
    assert row(runner.run(task_id, trigger=Trigger.CATCH_UP)).status is RunStatus.SUCCEEDED


def test_a_catch_up_takes_the_place_of_the_row_that_it_names_and_leaves_it_when_it_is_skipped(
    runner: TaskRunner,
) -> None:
    task_id = runner.register("catch-up-row")
    put(runner, task_id, RunStatus.MISSED)
    pause(runner, task_id)
    skipped = runner.run(task_id, trigger=Trigger.CATCH_UP, replaces="MISSED")
    assert ((skipped.output or {})["status"], row(skipped).status) == ("SKIPPED", RunStatus.MISSED)
    runner.change(task_id, "REMOVE pause")
    run = row(runner.run(task_id, trigger=Trigger.CATCH_UP, replaces="MISSED"))
    assert (run.status, run.history) == (RunStatus.SUCCEEDED, (EarlierRun(status=RunStatus.MISSED),))


def test_an_original_that_comes_late_takes_the_place_of_the_row_that_says_it_was_missed(runner: TaskRunner) -> None:
    task_id = runner.register("late-original")
    put(runner, task_id, RunStatus.MISSED)
    run = row(runner.run(task_id))
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, Trigger.SCHEDULE)
    assert run.history == (EarlierRun(status=RunStatus.MISSED),)


@pytest.mark.parametrize("status", [RunStatus.EXPIRED, RunStatus.SKIPPED])
def test_an_original_that_comes_late_to_any_other_row_is_a_duplicate(runner: TaskRunner, status: RunStatus) -> None:
    task_id = runner.register(f"late-{status}")
    put(runner, task_id, status)
    outcome = runner.run(task_id)
    assert ((outcome.output or {})["status"], row(outcome).status) == ("DUPLICATE", status)


# --- a pause that ends


@pytest.mark.parametrize(
    ("until", "status"),
    [
        ("2026-01-01T00:00:00Z", RunStatus.SUCCEEDED),
        ("2999-01-01T00:00:00Z", RunStatus.SKIPPED),
        pytest.param("", RunStatus.SKIPPED, marks=pytest.mark.proof),
    ],
)
@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.BACKFILL])
def test_a_pause_is_over_when_its_end_has_come(
    runner: TaskRunner, until: str, status: RunStatus, trigger: Trigger
) -> None:
    task_id = runner.register(f"until-{until[:4]}-{trigger}")
    pause(runner, task_id, until)
    outcome = runner.run(task_id, trigger=trigger)
    assert (outcome.output or {})["status"] == status
    if trigger is Trigger.SCHEDULE and status is RunStatus.SUCCEEDED:
        assert len(outcome.states) == 4


# --- what deserves a word


@pytest.mark.parametrize(
    ("fields", "attention"),
    [
        ({}, ()),
        ({"grace_seconds": 1}, (Attention.LATE,)),
        ({"min_duration_seconds": 600}, (Attention.TOO_SHORT,)),
        ({"grace_seconds": 1, "max_duration_seconds": 1}, (Attention.LATE, Attention.TOO_LONG)),
    ],
)
def test_a_run_that_succeeded_says_what_deserves_a_word(
    runner: TaskRunner, fields: dict[str, Any], attention: tuple[Attention, ...]
) -> None:
    seconds = 1.1 if Attention.TOO_LONG in attention else 0
    task_id = runner.register(
        f"attention-{'-'.join(attention).replace(' ', '-')}", params={"seconds": seconds}, **fields
    )
    assert row(runner.run(task_id)).attention == attention


def test_a_task_that_failed_before_has_recovered(runner: TaskRunner) -> None:
    task_id = runner.register("recovered", retry=ONCE)
    assert row(runner.run(task_id, BEFORE, params={"refuse": True})).attention == ()
    assert row(runner.run(task_id, trigger=Trigger.BACKFILL)).attention == ()
    assert row(runner.run(task_id, AFTER)).attention == (Attention.RECOVERED,)
    assert row(runner.run(task_id, LATER)).attention == ()


def test_a_record_without_bounds_asks_for_no_attention(runner: TaskRunner) -> None:
    task_id = runner.register("no-bounds")
    runner.change(task_id, "REMOVE graceSeconds, minDurationSeconds, maxDurationSeconds")
    assert row(runner.run(task_id)).attention == ()


@MOST
def test_every_value_is_the_reference_jsonatas(
    runner: TaskRunner, evaluations: list[Evaluation], most: int | None
) -> None:
    task_runner = definitions.ALL["TaskRunner"](STACK)
    assert never_evaluated(task_runner, evaluations, only=OF_OVERLAP) == set()
    assert disagreements(task_runner, evaluations, most) == []


@pytest.mark.proof
def test_a_run_that_has_waited_a_day_is_skipped_and_its_history_is_far_from_full(embedded_aws: EmbeddedAws) -> None:
    embedded_aws.reset()
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=100_000)):
        runner = TaskRunner(embedded_aws)
        task_id = runner.register("a-day", overlap=OverlapPolicy.BUFFER_ALL)
        hold(runner, task_id)
        place(runner, task_id, AFTER, 100_000)
        arn = runner.start({"taskId": task_id, "scheduledTime": SLOT})
        outcome = runner.end(arn, task_id, SLOT)
        pages = embedded_aws.client("stepfunctions").get_paginator("get_execution_history")
        events = sum(len(page["events"]) for page in pages.paginate(executionArn=arn))
        ended = embedded_aws.client("stepfunctions").describe_execution(executionArn=arn)
        embedded_aws.reset()
    assert (row(outcome).status, row(outcome).reason) == (RunStatus.SKIPPED, "overlap")
    assert timedelta(hours=24) < ended["stopDate"] - ended["startDate"] < timedelta(hours=24, minutes=10)
    assert list(outcome.record["waiting"]["M"]) == [AFTER]
    assert events < 8_000

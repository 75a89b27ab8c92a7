"""Runs that wait for a place in a pool: held as rows, let in one by one, and held up by nobody who died."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import definitions
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.pools import Waiter
from orchestrator.runs.run import Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Pause
from orchestrator.stores.pools import Pools
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import OverlapPolicy, TaskSchedule
from orchestrator.tasks.upstream import Upstream
from tests.testbed.reference import MOST, OF_POOLS, disagreements, never_evaluated
from tests.testbed.rounds import round_at
from tests.testbed.task_runner import STACK, TaskRunner

ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    yield TaskRunner(embedded_aws, handlers=("system.follower", "system.failure_handler", "system.watchdog"))
    embedded_aws.reset()


class Shared:
    """A pool of its own name."""

    def __init__(self, runner: TaskRunner, name: str, at_once: int, per_minute: int | None = None) -> None:
        self.runner = runner
        self.limit = Limit(name=name, at_once=at_once, per_minute=per_minute)
        self.pools = Pools(runner.aws.client("dynamodb"), STACK)

    def task(self, task_id: str, **fields: Any) -> str:
        return self.runner.register(task_id, overlap=OverlapPolicy.ALLOW_ALL, pool=self.limit, retry=ONCE, **fields)

    def inside(self) -> list[str]:
        return [one.task_id for one in self.pools.get(self.limit).holders]

    def settled(self) -> None:
        """Whatever may run has run."""

        def over() -> bool:
            assert self.runner.aws.event_sources.settled(60)
            return not self.pools.get(self.limit).holders and not self._at_work()

        self.runner.until(over)
        assert self.runner.aws.event_sources.settled(60)

    def _at_work(self) -> bool:
        client, arn = self.runner.aws.client("stepfunctions"), self.runner.applied.outputs["TaskRunnerArn"]
        return bool(client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])

    def row(self, task_id: str, slot: str) -> Run:
        run = self.runner.ledger.get(task_id, slot)
        assert run is not None
        return run


def slot(number: int) -> str:
    return f"2026-11-23T08:{number:02}:00Z"


def given(task_id: str, number: int, **params: Any) -> dict[str, Any]:
    return {"taskId": task_id, "scheduledTime": slot(number), "trigger": Trigger.SCHEDULE, "params": params}


def test_a_run_waits_as_a_row_until_there_is_a_place_and_the_row_says_who_is_before_it(runner: TaskRunner) -> None:
    shared = Shared(runner, "one", at_once=1)
    first, second, third = (
        shared.task(f"one-{name}", priority=priority) for name, priority in (("a", 0), ("b", 0), ("c", 9))
    )
    runner.start(given(first, 0, seconds=1.4))
    runner.until(lambda: shared.inside() == [first])
    for number, task_id in ((1, second), (2, third)):
        assert runner.is_over(runner.start(given(task_id, number)))
        runner.until(lambda: bool((hold := shared.row(task_id, slot(number)).hold) and hold.why))  # noqa: B023 # now
    held, urgent = shared.row(second, slot(1)), shared.row(third, slot(2))
    assert held.status is urgent.status is RunStatus.WAITING
    assert held.hold is not None
    assert urgent.hold is not None
    assert held.hold.why == "waits for a place in the pool one (1 of 1 are in it): it is next"
    assert urgent.hold.why == held.hold.why
    shared.settled()
    rows = [shared.row(task_id, slot(number)) for number, task_id in enumerate((first, second, third))]
    assert [one.status for one in rows] == [RunStatus.SUCCEEDED] * 3
    # The greater priority went first.
    assert (rows[2].ended_at or "") <= (rows[1].started_at or "")
    assert shared.inside() == []


def test_never_more_are_at_work_than_there_are_places_and_who_dies_gives_back_its_own(runner: TaskRunner) -> None:
    shared = Shared(runner, "three", at_once=3)
    tasks = [shared.task(f"three-{number}") for number in range(4)]
    counted: list[int] = []
    for number in range(12):
        runner.start(given(tasks[number % 4], number, seconds=0.3))
        counted.append(sum(1 for _ in runner.ledger.with_status(RunStatus.RUNNING)))
    # Three of them die: nothing tells of it but the rule.
    client = runner.aws.client("stepfunctions")
    arn = runner.applied.outputs["TaskRunnerArn"]
    killed = 0
    while killed < 3:
        counted.append(sum(1 for _ in runner.ledger.with_status(RunStatus.RUNNING)))
        for run in list(runner.ledger.with_status(RunStatus.RUNNING))[: 3 - killed]:
            if run.execution_arn and client.describe_execution(executionArn=run.execution_arn)["status"] == "RUNNING":
                client.stop_execution(executionArn=run.execution_arn)
                killed += 1
    shared.settled()
    assert max(counted) <= 3
    rows = [shared.row(tasks[number % 4], slot(number)) for number in range(12)]
    assert sum(one.status is RunStatus.SUCCEEDED for one in rows) >= 9
    assert {one.status for one in rows} <= {RunStatus.SUCCEEDED, RunStatus.ABORTED}
    assert shared.inside() == []
    del arn


def test_where_the_stream_has_lost_an_end_the_watchdog_lets_in_the_next(runner: TaskRunner) -> None:
    shared = Shared(runner, "lost", at_once=1)
    gone, waiting = shared.task("lost-gone"), shared.task("lost-waiting")
    runner.run(gone, slot(0))
    shared.settled()
    # Its end was never heard.
    dynamodb = runner.aws.client("dynamodb")
    holder = {"taskId": gone, "slot": slot(0), "version": "x", "begins": "0", "until": "99999999999999"}
    item = {name: {"N" if text.isdigit() and name != "version" else "S": text} for name, text in holder.items()}
    dynamodb.update_item(
        TableName=STACK.limits_table,
        Key={"kind": {"S": "pool:lost"}, "name": {"S": "state"}},
        UpdateExpression="SET holders = :holders",
        ExpressionAttributeValues={":holders": {"L": [{"M": item}]}},
    )
    runner.run(waiting, slot(0))
    assert shared.row(waiting, slot(0)).status is RunStatus.WAITING
    round_at(runner, datetime.now(UTC))
    shared.settled()
    assert shared.row(waiting, slot(0)).status is RunStatus.SUCCEEDED
    assert shared.inside() == []


def test_the_runs_of_one_task_are_a_pool_of_their_own(runner: TaskRunner) -> None:
    shared = Shared(runner, "task:own", at_once=2)
    own = runner.register("own", overlap=OverlapPolicy.ALLOW_ALL, at_once=2, retry=ONCE)
    most = 0
    for number in range(5):
        runner.start(given(own, number, seconds=0.2))
    while (running := len(shared.inside())) or any(runner.ledger.with_status(RunStatus.WAITING)):
        most = max(most, running)
        assert most <= 2
    shared.settled()
    assert [shared.row(own, slot(number)).status for number in range(5)] == [RunStatus.SUCCEEDED] * 5


def test_a_slot_waits_for_its_upstream_first_and_then_for_its_place(runner: TaskRunner) -> None:
    shared = Shared(runner, "after", at_once=1)
    at = TaskSchedule(expression="cron(0 8 * * ? *)")
    extract = runner.register("after-extract", schedules=(at,), downstream=("after-load",))
    after = (Upstream(task_id=extract),)
    load = shared.task("after-load", schedules=(at,), after=after, deadline=str(10**8))
    runner.run(load, slot(0))
    shared.settled()
    held = shared.row(load, slot(0))
    assert held.hold is not None
    assert (held.hold.kind, shared.inside()) == ("upstream", [])
    runner.run(extract, slot(0))
    shared.settled()
    assert shared.row(load, slot(0)).status is RunStatus.SUCCEEDED


def test_a_run_that_is_let_in_and_skipped_gives_back_its_place(runner: TaskRunner) -> None:
    shared = Shared(runner, "skipped", at_once=1)
    first, paused, last = (shared.task(f"skipped-{name}") for name in "abc")
    runner.start(given(first, 0, seconds=1))
    runner.until(lambda: shared.inside() == [first])
    for number, task_id in enumerate((paused, last), 1):
        runner.is_over(runner.start(given(task_id, number)))
    runner.registry.pause(paused, Pause(who="ann", why="x", since=slot(0)))
    shared.settled()
    assert (shared.row(paused, slot(1)).reason, shared.row(last, slot(2)).status) == (
        SkipReason.PAUSED, RunStatus.SUCCEEDED
    )  # fmt: skip
    assert shared.inside() == []


def test_whoever_looks_late_takes_no_place_of_a_run_that_is_about_to_begin(runner: TaskRunner) -> None:
    """It has said "not yet", was let in again when it was time, and has not begun: then comes one who looks as of a
    moment before that.
    """
    shared = Shared(runner, "late", at_once=1)
    task_id = shared.task("late", params={"notYet": 600})
    runner.run(task_id, slot(1))
    runner.until(lambda: (run := shared.row(task_id, slot(1))).hold is not None and run.hold.kind is HoldKind.TIME)
    assert runner.aws.event_sources.settled(60)
    assert shared.inside() == []
    held, record, now = shared.row(task_id, slot(1)), runner.registry.get(task_id), runner.aws.clock.now()
    assert record is not None
    assert shared.pools.enter(shared.limit, Waiter.of(record.task, held, now), now)
    round_at(runner, now)
    assert shared.inside() == [task_id]


def test_a_run_that_begins_after_its_lease_has_expired_keeps_its_place(runner: TaskRunner) -> None:
    """Whoever let it in could not start it; whoever looks at it again does, and then looks at the next."""
    shared = Shared(runner, "belated", at_once=1)
    tasks = [shared.task(name, params={"notYet": 120}) for name in ("belated-a", "belated-b")]
    for number, task_id in enumerate(tasks):
        runner.run(task_id, slot(number))
    assert runner.aws.event_sources.settled(60)
    runner.until(lambda: shared.inside() == [])
    held, record, now = shared.row(tasks[0], slot(0)), runner.registry.get(tasks[0]), runner.aws.clock.now()
    assert record is not None
    waiter = Waiter.of(record.task, held, now)
    long_ago = now - timedelta(seconds=waiter.lease_seconds + 60)
    assert shared.pools.enter(shared.limit, waiter, long_ago)
    for number, task_id in enumerate(tasks):
        shared.task(task_id, params={"seconds": 0.5})
        event = {"taskId": task_id, "slot": slot(number), "at": (now + timedelta(seconds=130)).isoformat()}
        follower = STACK.function("follower", is_task=False)
        runner.aws.client("lambda").invoke(FunctionName=follower, Payload=json.dumps(event))
    shared.settled()
    first, second = (shared.row(task_id, slot(number)) for number, task_id in enumerate(tasks))
    assert (first.ended_at or "") <= (second.started_at or "")


def test_so_many_begin_in_a_minute_and_the_next_begins_in_the_next(runner: TaskRunner) -> None:
    shared = Shared(runner, "minute", at_once=10, per_minute=2)
    task_id = shared.task("minute-a")
    began = datetime.now(UTC)
    for number in range(3):
        runner.is_over(runner.start(given(task_id, number)), seconds=5)
    runner.until(lambda: [one.slot for one in shared.pools.get(shared.limit).holders] == [slot(2)])
    (third,) = shared.pools.get(shared.limit).holders
    assert timedelta(seconds=57) < datetime.fromtimestamp(third.begins, UTC) - began <= timedelta(seconds=63)
    client, arn = runner.aws.client("stepfunctions"), runner.applied.outputs["TaskRunnerArn"]
    (waiting,) = client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    events = client.get_execution_history(executionArn=waiting["executionArn"])["events"]
    entered = [one["stateEnteredEventDetails"]["name"] for one in events if "stateEnteredEventDetails" in one]
    assert entered == ["LookupTask", "ClaimSlot", "Refused", "WaitForMinute"]
    assert shared.row(task_id, slot(2)).status is RunStatus.WAITING
    client.stop_execution(executionArn=waiting["executionArn"])


def test_a_start_by_hand_and_a_backfill_wait_for_a_place_too(runner: TaskRunner) -> None:
    shared = Shared(runner, "by-hand", at_once=1)
    task_id = shared.task("by-hand-a")
    runner.start(given(task_id, 0, seconds=0.6))
    runner.until(lambda: shared.inside() == [task_id])
    runner.start({"taskId": task_id})
    for number in (5, 6):
        runner.start(given(task_id, number) | {"trigger": Trigger.BACKFILL})
    shared.settled()
    runs = runner.ledger.runs(task_id, limit=9)
    assert [one.status for one in runs] == [RunStatus.SUCCEEDED] * 4
    assert sorted(one.trigger for one in runs) == sorted([Trigger.AD_HOC, *[Trigger.BACKFILL] * 2, Trigger.SCHEDULE])
    assert shared.inside() == []


@MOST
def test_every_value_is_the_reference_jsonatas(
    runner: TaskRunner, evaluations: list[Evaluation], most: int | None
) -> None:
    task_runner = definitions.ALL["TaskRunner"](STACK)
    assert never_evaluated(task_runner, evaluations, only=OF_POOLS) == set()
    assert disagreements(task_runner, evaluations, most) == []

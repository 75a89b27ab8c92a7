"""Backfill on the real interpreter: slots of the past, each run once, so many at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from definitions.system import backfill
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.tasks.retries import RetryPolicy
from tests.testbed.reference import MOST, disagreements, never_evaluated
from tests.testbed.task_runner import STACK, TaskRunner

ONCE = RetryPolicy(max_attempts=1)
NOTHING = {"SUCCEEDED": 0, "FAILED": 0, "SKIPPED": 0, "WAITING": 0, "DUPLICATE": 0, "UNFINISHED": 0}

#: So that five slots are two pages.
DEFINITION = backfill.build(STACK, slots_per_page=4)


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, evaluations: list[Evaluation]) -> Iterator[TaskRunner]:
    with embedded_aws.on(VirtualClock(datetime.now(UTC), speed=50)):
        yield TaskRunner(embedded_aws, handlers=("system.follower",), Backfill=DEFINITION)
        embedded_aws.reset()


def slots(count: int) -> list[str]:
    return [f"2026-11-{day:02}T08:00:00Z" for day in range(1, count + 1)]


def start(runner: TaskRunner, task_id: str, wanted: Sequence[str], **more: Any) -> str:
    return start_with(runner, task_id, [{"slot": slot} for slot in wanted], **more)


def start_with(runner: TaskRunner, task_id: str, items: Sequence[Mapping[str, str]], **more: Any) -> str:
    started = runner.aws.client("stepfunctions").start_execution(
        stateMachineArn=runner.applied.outputs["BackfillArn"],
        input=json.dumps({"taskId": task_id, "slots": items, **more}),
    )
    return str(started["executionArn"])


def end(runner: TaskRunner, execution_arn: str) -> Any:
    assert runner.aws.execution(execution_arn).over.wait(60)
    return runner.aws.client("stepfunctions").describe_execution(executionArn=execution_arn)


def outcomes(runner: TaskRunner, execution_arn: str) -> dict[str, int]:
    """What there is of each outcome, without what there is none of."""
    described = end(runner, execution_arn)
    assert described["status"] == "SUCCEEDED", described
    return {name: count for name, count in json.loads(described["output"]).items() if count}


def rows(runner: TaskRunner, task_id: str) -> list[Run]:
    """The oldest slot first."""
    return list(reversed(runner.ledger.runs(task_id, limit=100)))


def events(runner: TaskRunner, execution_arn: str) -> list[Any]:
    client = runner.aws.client("stepfunctions")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def moment(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def most_at_once(runs: Sequence[Run]) -> int:
    return max(
        sum(moment(other.started_at) <= moment(one.started_at) < moment(other.ended_at) for other in runs)
        for one in runs
    )


def test_every_slot_is_run_under_its_own_key(runner: TaskRunner) -> None:
    arn = start(runner, runner.register("each"), slots(3), maxActive=3)
    assert outcomes(runner, arn) == {"SUCCEEDED": 3}
    found = rows(runner, "each")
    assert [run.slot for run in found] == slots(3)
    assert {(run.status, run.trigger, run.duplicates) for run in found} == {(RunStatus.SUCCEEDED, Trigger.BACKFILL, 0)}


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_runs_are_active_than_were_asked_for(runner: TaskRunner, most: int) -> None:
    task_id = runner.register(f"bounded-{most}", params={"seconds": 0.15})
    assert outcomes(runner, start(runner, task_id, slots(4), maxActive=most)) == {"SUCCEEDED": 4}
    assert most_at_once(rows(runner, task_id)) == most


def test_one_run_at_a_time_if_nothing_is_said_and_in_the_order_that_was_given(runner: TaskRunner) -> None:
    newest_first = slots(3)[::-1]
    outcomes(runner, start(runner, runner.register("newest-first"), newest_first))
    ran = sorted(rows(runner, "newest-first"), key=lambda run: moment(run.started_at))
    assert [run.slot for run in ran] == newest_first
    assert most_at_once(ran) == 1


def test_a_slot_that_fails_stops_no_other_and_fails_the_whole_at_its_end(runner: TaskRunner) -> None:
    runner.register("one-fails", params={"failsAt": slots(3)[1]}, retry=ONCE)
    described = end(runner, start(runner, "one-fails", slots(3)))
    assert (described["status"], described["error"]) == ("FAILED", "BackfillIncomplete")
    assert described["cause"] == "SUCCEEDED: 2, FAILED: 1, SKIPPED: 0, WAITING: 0, DUPLICATE: 0, UNFINISHED: 0"
    assert [run.status for run in rows(runner, "one-fails")] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_a_slot_that_waits_is_counted_and_holds_nothing_up(runner: TaskRunner) -> None:
    """Its handler says "not yet"."""
    runner.register("put-off", params={"notYet": 80_000})
    assert outcomes(runner, start(runner, "put-off", slots(2)))["WAITING"] == 2


def test_two_backfills_at_once_run_each_slot_once(runner: TaskRunner) -> None:
    runner.register("at-once")
    arns = [start(runner, "at-once", slots(4), maxActive=4) for _ in range(2)]
    found = [outcomes(runner, arn) for arn in arns]
    assert sum(one.get("SUCCEEDED", 0) for one in found) == 4
    assert sum(one.get("DUPLICATE", 0) for one in found) == 4
    assert [(run.attempts, run.duplicates, run.history) for run in rows(runner, "at-once")] == [(1, 1, ())] * 4


def test_two_backfills_at_once_run_each_slot_again_once(runner: TaskRunner) -> None:
    runner.register("again-at-once")
    outcomes(runner, start(runner, "again-at-once", slots(3), maxActive=3))
    again = [{"slot": run.slot, "replaces": run.version} for run in rows(runner, "again-at-once")]
    arns = [start_with(runner, "again-at-once", again, maxActive=3) for _ in range(2)]
    found = [outcomes(runner, arn) for arn in arns]
    assert sum(one.get("SUCCEEDED", 0) for one in found) == 3
    assert [(run.attempts, len(run.history)) for run in rows(runner, "again-at-once")] == [(2, 1)] * 3


def test_more_slots_than_a_history_holds_are_run_page_by_page(runner: TaskRunner) -> None:
    runner.register("pages", params={"seconds": 0.05})
    arn = start(runner, "pages", slots(9), maxActive=2)
    assert outcomes(runner, arn) == {"SUCCEEDED": 9}
    found = rows(runner, "pages")
    assert [run.slot for run in found] == slots(9)
    assert most_at_once(found) <= 2
    listed = runner.aws.client("stepfunctions").list_executions(stateMachineArn=runner.applied.outputs["BackfillArn"])
    name = arn.rsplit(":", 1)[1]
    pages = [one["name"] for one in listed["executions"] if one["name"].startswith(f"{name}-page-")]
    assert sorted(pages) == [f"{name}-page-{number}" for number in (1, 2, 3)]


def test_a_page_that_fails_a_slot_hands_its_numbers_on(runner: TaskRunner) -> None:
    runner.register("page-fails", params={"failsAt": slots(5)[1]}, retry=ONCE)
    described = end(runner, start(runner, "page-fails", slots(5), maxActive=5))
    assert described["cause"] == "SUCCEEDED: 4, FAILED: 1, SKIPPED: 0, WAITING: 0, DUPLICATE: 0, UNFINISHED: 0"


def test_a_page_that_is_stopped_is_unfinished_and_the_next_is_run(runner: TaskRunner) -> None:
    runner.register("page-stopped", params={"seconds": 0.3})
    arn = start(runner, "page-stopped", slots(5))
    page = f"{arn}-page-1"
    runner.until(lambda: bool(rows(runner, "page-stopped")))
    runner.aws.client("stepfunctions").stop_execution(executionArn=page)
    described = end(runner, arn)
    assert described["cause"] == "SUCCEEDED: 1, FAILED: 0, SKIPPED: 0, WAITING: 0, DUPLICATE: 0, UNFINISHED: 4"


def test_a_slot_that_cannot_be_started_is_unfinished_and_not_silent(runner: TaskRunner) -> None:
    runner.register("not-started")
    described = end(runner, start(runner, "not-started", ["no <name> of an execution", *slots(1)]))
    assert described["cause"] == "SUCCEEDED: 1, FAILED: 0, SKIPPED: 0, WAITING: 0, DUPLICATE: 0, UNFINISHED: 1"


def test_what_was_stopped_in_the_middle_is_continued(runner: TaskRunner) -> None:
    task_id = runner.register("stopped", params={"seconds": 0.6})
    arn = start(runner, task_id, slots(3))
    runner.until(lambda: len(rows(runner, task_id)) == 2)
    runner.aws.client("stepfunctions").stop_execution(executionArn=arn)
    first, second = rows(runner, task_id)
    assert second.execution_arn is not None
    # Step Functions stops what an execution waits for when it is stopped.
    assert end(runner, second.execution_arn)["status"] == "ABORTED"
    rest = [{"slot": second.slot, "replaces": second.version}, {"slot": slots(3)[2]}]
    assert outcomes(runner, start_with(runner, task_id, rest)) == {"SUCCEEDED": 2}
    found = rows(runner, task_id)
    assert [run.status for run in found] == [RunStatus.SUCCEEDED] * 3
    assert [[earlier.status for earlier in run.history] for run in found] == [[], [RunStatus.ABORTED], []]
    assert found[0] == first


def test_a_scheduled_run_is_not_skipped_because_of_a_backfill(runner: TaskRunner) -> None:
    runner.register("undisturbed", params={"seconds": 0.4})
    arn = start(runner, "undisturbed", slots(2), maxActive=2)
    runner.until(lambda: len(rows(runner, "undisturbed")) == 2)
    scheduled = runner.run("undisturbed")
    assert scheduled.run is not None
    assert scheduled.run.status is RunStatus.SUCCEEDED
    assert outcomes(runner, arn) == {"SUCCEEDED": 2}


def test_a_pause_in_the_middle_leaves_the_other_slots_to_be_done(runner: TaskRunner) -> None:
    task_id = runner.register("paused-midway")
    runner.change(task_id, "SET pause = :pause", pause={"M": {"who": {"S": "somebody"}}})
    assert outcomes(runner, start(runner, task_id, slots(2))) == {"SKIPPED": 2}
    assert rows(runner, task_id) == []


def test_a_slot_writes_eight_events_so_that_a_page_fits_a_history(runner: TaskRunner) -> None:
    runner.register("events")
    arn = start(runner, "events", slots(4), maxActive=2)
    outcomes(runner, arn)
    started, ended = "MapStateStarted", "MapStateSucceeded"
    kinds = [event["type"] for event in events(runner, arn)]
    within = kinds[kinds.index(started) + 1 : kinds.index(ended)]
    assert len(within) == 8 * 4
    tries = 1 + 5
    worst = len(within) // 4 + 2 + 3 * (tries - 1)
    assert worst == 25
    assert backfill.SLOTS_PER_PAGE * worst < 25_000


@MOST
def test_every_expression_has_the_reference_jsonatas_value(
    runner: TaskRunner, evaluations: list[Evaluation], most: int | None
) -> None:
    assert never_evaluated(DEFINITION, evaluations) == set()
    assert disagreements(DEFINITION, evaluations, most) == []

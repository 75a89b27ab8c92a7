"""Which slots a backfill runs, and in what groups."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.runs.backfill import MOST_SLOTS, Decision, PlannedSlot, Reprocess, batches, ended, plan, slots_between
from orchestrator.runs.run import Run, RunStatus
from orchestrator.schedules.calendars import Closure
from orchestrator.tasks.slots import Slot, key
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

FIRST = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOURLY = TaskSchedule(expression="cron(0 * * * ? *)")

#: What a state's input may hold ("Step Functions service quotas").
INPUT_LIMIT = 262_144


def task(**fields: Any) -> Task:
    return Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), schedules=(HOURLY,), **fields)


def slots(count: int) -> list[Slot]:
    return [Slot(at=FIRST + timedelta(hours=hour), schedule=HOURLY) for hour in range(count)]


def run(slot: Slot, status: RunStatus, started_at: str | None = "2026-11-02T08:00:00.123Z") -> Run:
    return Run(task_id="t", slot=key(slot.at), status=status, started_at=started_at)


def decisions(planned: Iterable[PlannedSlot]) -> list[Decision]:
    return [slot.decision for slot in planned]


def to_run(count: int) -> list[PlannedSlot]:
    return plan(slots(count), [], reprocess=Reprocess.NONE)


def test_from_and_to_are_within() -> None:
    found = slots_between(task(), FIRST, FIRST + timedelta(hours=2))
    assert [key(slot.at) for slot in found] == [f"2026-11-02T{hour:02}:00:00Z" for hour in (8, 9, 10)]


RUN, AGAIN, KEEP = Decision.RUN, Decision.RUN_AGAIN, Decision.KEEP


@pytest.mark.parametrize(
    ("status", "none", "failed", "completed"),
    [
        (None, RUN, RUN, RUN),
        (RunStatus.FAILED, KEEP, AGAIN, AGAIN),
        (RunStatus.TIMED_OUT, KEEP, AGAIN, AGAIN),
        (RunStatus.ABORTED, KEEP, AGAIN, AGAIN),
        (RunStatus.MISSED, KEEP, AGAIN, AGAIN),
        (RunStatus.SKIPPED, KEEP, KEEP, AGAIN),
        (RunStatus.SUCCEEDED, KEEP, KEEP, AGAIN),
        (RunStatus.RUNNING, Decision.WAIT, Decision.WAIT, Decision.WAIT),
    ],
)
def test_what_is_run_again_follows_from_what_became_of_it(
    status: RunStatus | None, none: Decision, failed: Decision, completed: Decision
) -> None:
    (slot,) = slots(1)
    rows = [run(slot, status)] if status else []
    found = [decisions(plan([slot], rows, reprocess=reprocess)) for reprocess in Reprocess]
    assert found == [[none], [failed], [completed]]


@pytest.mark.parametrize("reprocess", list(Reprocess))
def test_a_run_that_died_is_always_run_again(reprocess: Reprocess) -> None:
    (slot,) = slots(1)
    rows = [run(slot, RunStatus.RUNNING)]
    assert decisions(plan([slot], rows, reprocess=reprocess, died={key(slot.at)})) == [AGAIN]


def test_what_a_backfill_has_reprocessed_its_continuation_leaves_alone() -> None:
    old, new, unknown = slots(3)
    rows = [
        run(old, RunStatus.FAILED, "2026-11-02T08:00:00.999Z"),
        run(new, RunStatus.FAILED, "2026-11-02T08:00:01.000Z"),
        run(unknown, RunStatus.MISSED, None),
    ]
    before = FIRST + timedelta(seconds=1)
    assert decisions(plan([old, new, unknown], rows, reprocess=Reprocess.FAILED, before=before)) == [AGAIN, KEEP, AGAIN]


def test_a_closed_slot_is_not_run_and_says_why() -> None:
    closure = Closure(since=FIRST, until=FIRST + timedelta(hours=1), why="holidays")
    closed, open_ = slots_between(task(closures=(closure,)), FIRST, FIRST + timedelta(hours=1))
    planned = plan([closed, open_], [], reprocess=Reprocess.COMPLETED)
    assert [(slot.decision, slot.why) for slot in planned] == [(Decision.CLOSED, "holidays"), (RUN, "")]
    rows = [run(closed, RunStatus.SKIPPED)]
    assert decisions(plan([closed, open_], rows, reprocess=Reprocess.COMPLETED)) == [KEEP, RUN]


def test_only_a_run_that_is_to_be_replaced_is_named() -> None:
    first, second, third = slots(3)
    rows = [run(first, RunStatus.FAILED), run(second, RunStatus.MISSED, None)]
    planned = plan([first, second, third], rows, reprocess=Reprocess.FAILED)
    assert [slot.to_value() for slot in planned] == [
        {"slot": "2026-11-02T08:00:00Z", "replaces": "2026-11-02T08:00:00.123Z"},
        {"slot": "2026-11-02T09:00:00Z", "replaces": "MISSED"},
        {"slot": "2026-11-02T10:00:00Z"},
    ]


def test_slots_are_run_in_order_or_newest_first_and_only_those_to_be_run() -> None:
    first, second, third = slots(3)
    planned = plan([first, second, third], [run(second, RunStatus.SUCCEEDED)], reprocess=Reprocess.NONE)
    (forward,), (backward,) = batches(planned, reverse=False), batches(planned, reverse=True)
    assert [slot.slot for slot in forward] == [key(first.at), key(third.at)]
    assert list(backward) == list(forward)[::-1]
    assert list(batches([], reverse=False)) == []


def test_a_group_is_what_one_input_holds() -> None:
    planned = to_run(MOST_SLOTS + 1)
    assert [len(group) for group in batches(planned, reverse=False)] == [MOST_SLOTS, 1]
    rows = [run(slot, RunStatus.FAILED) for slot in slots(MOST_SLOTS)]
    again = plan(slots(MOST_SLOTS), rows, reprocess=Reprocess.FAILED)
    request = {"taskId": "t" * 48, "maxActive": 40, "slots": [slot.to_value() for slot in again]}
    assert len(json.dumps(request, separators=(",", ":"))) < INPUT_LIMIT * 0.9


def test_what_has_ended_is_told_from_what_was_there_before() -> None:
    one, other, third, last = slots(4)
    planned = plan([one, other, third, last], [run(one, RunStatus.FAILED)], reprocess=Reprocess.FAILED)
    rows = [
        run(last, RunStatus.FAILED, "2026-11-23T08:00:02.000Z"),
        run(third, RunStatus.RUNNING, "2026-11-23T08:00:01.000Z"),
        run(other, RunStatus.SUCCEEDED, "2026-11-23T08:00:00.000Z"),
        run(one, RunStatus.FAILED),
    ]
    assert [ended_run.slot for ended_run in ended(planned, rows)] == [key(other.at), key(last.at)]

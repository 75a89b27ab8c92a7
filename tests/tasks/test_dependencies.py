"""Which slots of other tasks a slot waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.schedules.calendars import Closure
from orchestrator.tasks.dependencies import deadline_of, same_day_is_closed, upstream_slots, waiting_span
from orchestrator.tasks.slots import key, upcoming
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import SlotOf, Upstream

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def task(expression: str, timezone: str = "UTC", **fields: Any) -> Task:
    return Task(
        id="one",
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=(TaskSchedule(expression=expression, timezone=timezone),),
        **fields,
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def slots(which: SlotOf, load: Task, extract: Task, slot: str) -> list[str]:
    return [key(one) for one in upstream_slots(Upstream(task_id="extract", slot=which), load, extract, at(slot))]


HOURLY, DAILY, MONTHLY = "cron(0 * * * ? *)", "cron(0 6 * * ? *)", "cron(0 6 1 * ? *)"


@pytest.mark.parametrize(
    ("which", "extract", "slot", "found"),
    [
        # At the same moment, or the latest before; of one a month, that of weeks ago.
        (SlotOf.SAME, DAILY, "2026-03-05T06:00:00Z", ["2026-03-05T06:00:00Z"]),
        (SlotOf.SAME, DAILY, "2026-03-05T08:00:00Z", ["2026-03-05T06:00:00Z"]),
        (SlotOf.SAME, DAILY, "2026-03-05T05:59:59Z", ["2026-03-04T06:00:00Z"]),
        (SlotOf.SAME, HOURLY, "2026-03-05T08:30:00Z", ["2026-03-05T08:00:00Z"]),
        (SlotOf.SAME, MONTHLY, "2026-03-29T08:00:00Z", ["2026-03-01T06:00:00Z"]),
        (SlotOf.SAME, "cron(0 6 29 2 ? *)", "2026-03-05T08:00:00Z", ["2024-02-29T06:00:00Z"]),
        (SlotOf.LATEST_BEFORE, DAILY, "2026-03-05T06:00:00Z", ["2026-03-04T06:00:00Z"]),
        (SlotOf.LATEST_BEFORE, DAILY, "2026-03-05T08:00:00Z", ["2026-03-05T06:00:00Z"]),
        (SlotOf.PREVIOUS, DAILY, "2026-03-05T06:00:00Z", ["2026-03-04T06:00:00Z"]),
        (SlotOf.PREVIOUS, DAILY, "2026-03-05T08:00:00Z", ["2026-03-04T06:00:00Z"]),
        # The day is that of whoever waits, and it may have to wait for what is later on it.
        (SlotOf.SAME_DAY, DAILY, "2026-03-05T02:00:00Z", ["2026-03-05T06:00:00Z"]),
        (SlotOf.SAME_DAY, "cron(0 6 ? * MON-FRI *)", "2026-03-07T08:00:00Z", []),
        (SlotOf.SAME, "at(2026-03-05T06:00:00)", "2026-03-05T05:00:00Z", []),
        (SlotOf.PREVIOUS, "at(2026-03-05T06:00:00)", "2026-03-05T07:00:00Z", []),
    ],
)  # fmt: skip
def test_a_slot_has_the_counterpart_that_its_task_asks_for(
    which: SlotOf, extract: str, slot: str, found: list[str]
) -> None:
    assert slots(which, task("cron(0 8 * * ? *)"), task(extract), slot) == found


def test_all_slots_of_the_day_count_on_the_clock_of_the_task_that_waits() -> None:
    # In Berlin that day has 23 hours, and begins at eleven at night in UTC.
    found = slots(SlotOf.SAME_DAY, task("cron(30 23 * * ? *)", BERLIN), task(HOURLY), "2026-03-29T21:30:00Z")
    assert (len(found), found[0], found[-1]) == (23, "2026-03-28T23:00:00Z", "2026-03-29T21:00:00Z")


def test_where_the_clock_is_set_forward_the_slot_that_does_not_exist_is_passed_over() -> None:
    extract = task("cron(30 2 * * ? *)", BERLIN)
    assert slots(SlotOf.SAME, task(DAILY, BERLIN), extract, "2026-03-29T04:00:00Z") == ["2026-03-28T01:30:00Z"]
    assert slots(SlotOf.SAME, task(DAILY, BERLIN), extract, "2026-03-30T04:00:00Z") == ["2026-03-30T00:30:00Z"]


def test_closed_days_are_passed_over_and_a_day_that_is_closed_asks_for_nothing() -> None:
    sunday = Closure(since=at("2026-03-08T00:00:00Z"), until=at("2026-03-09T00:00:00Z"), why="Sunday")
    extract, load = task(DAILY, closures=(sunday,)), task("cron(0 8 * * ? *)")
    assert slots(SlotOf.SAME, load, extract, "2026-03-08T08:00:00Z") == ["2026-03-07T06:00:00Z"]
    assert slots(SlotOf.PREVIOUS, load, extract, "2026-03-09T08:00:00Z") == ["2026-03-07T06:00:00Z"]
    assert slots(SlotOf.SAME_DAY, load, extract, "2026-03-08T08:00:00Z") == []
    assert same_day_is_closed(load, extract, at("2026-03-08T08:00:00Z"))
    assert not same_day_is_closed(load, task("cron(0 6 ? * MON-FRI *)"), at("2026-03-08T08:00:00Z"))


expressions = st.sampled_from(
    [HOURLY, DAILY, MONTHLY, "rate(40 minutes)", "cron(30 2 * * ? *)", "cron(0 9 ? * MON *)", "cron(15 0/6 * * ? *)"]
)
tasks = st.builds(task, expressions, st.sampled_from(["UTC", BERLIN, NEW_YORK, LORD_HOWE]))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SlotOf), tasks, tasks, st.integers(0, 300))
def test_whoever_waits_for_a_slot_is_found_from_that_slot(which: SlotOf, load: Task, extract: Task, days: int) -> None:
    edge = Upstream(task_id="extract", slot=which)
    for slot in islice(upcoming(load, BEGIN + timedelta(days=days)), 3):
        for upstream in upstream_slots(edge, load, extract, slot.at):
            since, until = waiting_span(edge, load, extract, upstream)
            assert since <= slot.at
            assert until is None or slot.at <= until
            assert which is SlotOf.SAME_DAY or upstream <= slot.at


@pytest.mark.parametrize(
    ("deadline", "slot", "moment"),
    [
        ("08:30", "2026-03-05T05:00:00Z", "2026-03-05T07:30:00Z"),
        # It is over for today, and is that of the day after, by a clock that is set forward in between.
        ("08:30", "2026-03-28T21:00:00Z", "2026-03-29T06:30:00Z"),
        ("02:30", "2026-03-28T21:00:00Z", "2026-03-29T01:30:00Z"),
        ("7200", "2026-03-05T05:00:00Z", "2026-03-05T07:00:00Z"),
        ("", "2026-03-05T05:00:00Z", "2026-03-12T05:00:00Z"),
    ],
)
def test_a_deadline_is_a_local_time_after_the_slot_or_a_length_of_time(deadline: str, slot: str, moment: str) -> None:
    load = task("cron(0 6 * * ? *)", BERLIN, deadline=deadline)
    assert key(deadline_of(load, at(slot), at(slot))) == moment


def test_a_deadline_that_had_passed_when_the_wait_began_is_none() -> None:
    load = task(DAILY, deadline="08:30")
    assert key(deadline_of(load, at("2026-03-05T06:00:00Z"), at("2026-03-05T09:00:00Z"))) == "2026-03-12T09:00:00Z"

"""The slots of a task: Scheduler's, and where its owner wants others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.schedules import Schedule
from orchestrator.schedules.calendars import Calendar, ClosedDays, Closure, OnClosed, closures
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.schedules.maintenance import Window
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.slots import (
    CLOCK_SET_BACK,
    Slot,
    expected,
    extra_schedules,
    key,
    next_run,
    nonexistent,
    times,
    upcoming,
    with_passed_over,
)
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NIGHTLY = "cron(30 2 * * ? *)"


def task(*expressions: str, timezone: str = "Europe/Berlin", **fields: Any) -> Task:
    schedules = tuple(TaskSchedule(expression=expression, timezone=timezone) for expression in expressions)
    plain = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), schedules=schedules, **fields)
    return with_passed_over(plain, NOW.date())


def during(found: Task, day: str, days: int = 1) -> list[Slot]:
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(microseconds=1)
    return expected(found, begin, begin + timedelta(days=days))


def shown(slots: list[Slot]) -> list[str]:
    return [key(slot.at) + (f" {slot.skipped}" if slot.skipped else "") for slot in slots]


def on_business_days(*holidays: str) -> Calendar:
    closed = tuple(ClosedDays(first=date.fromisoformat(day), last=date.fromisoformat(day)) for day in holidays)
    return Calendar(name="business", timezone="Europe/Berlin", open_weekdays=frozenset(range(2, 7)), closed=closed)


@cache
def business(*holidays: str) -> tuple[Closure, ...]:
    return closures([on_business_days(*holidays)], NOW.date())


# changes of clock


def test_by_default_a_local_time_that_does_not_exist_is_no_slot_and_one_that_occurs_twice_is_the_first() -> None:
    assert during(task(NIGHTLY), "2027-03-28") == []
    assert shown(during(task(NIGHTLY), "2027-10-31")) == ["2027-10-31T00:30:00Z"]
    assert extra_schedules(task(NIGHTLY), NOW) == []


def test_next_valid_runs_when_the_clock_is_set_forward() -> None:
    (slot,) = during(task(NIGHTLY, nonexistent=Nonexistent.NEXT_VALID), "2027-03-28")
    assert (key(slot.at), slot.delivered) == ("2027-03-28T01:00:00Z", False)
    assert f"{slot.local:%H:%M}" == "03:00"
    assert slot.moved_from == datetime(2027, 3, 28, 2, 30)


def test_several_local_times_that_do_not_exist_are_one_slot() -> None:
    often = task("cron(0/10 2 * * ? *)", nonexistent=Nonexistent.NEXT_VALID)
    assert shown(during(often, "2027-03-28")) == ["2027-03-28T01:00:00Z"]


def test_a_slot_that_scheduler_delivers_at_that_moment_needs_no_other() -> None:
    both = task(NIGHTLY, "cron(0 3 * * ? *)", nonexistent=Nonexistent.NEXT_VALID)
    (slot,) = during(both, "2027-03-28")
    assert (key(slot.at), slot.delivered) == ("2027-03-28T01:00:00Z", True)
    assert extra_schedules(both, NOW) == []


def test_second_runs_at_the_second_occurrence_and_passes_over_the_first() -> None:
    found = task(NIGHTLY, ambiguous=Ambiguous.SECOND)
    slots = during(found, "2027-10-31")
    assert shown(slots) == [f"2027-10-31T00:30:00Z {CLOCK_SET_BACK}", "2027-10-31T01:30:00Z"]
    assert [slot.delivered for slot in slots] == [True, False]
    assert all(slot.repeated for slot in slots)


def test_the_first_occurrence_is_published_as_a_closure() -> None:
    found = task(NIGHTLY, ambiguous=Ambiguous.SECOND)
    assert [(key(one.since), one.why) for one in found.closures] == [
        ("2026-10-25T00:30:00Z", CLOCK_SET_BACK),
        ("2027-10-31T00:30:00Z", CLOCK_SET_BACK),
    ]


def test_another_schedule_of_the_task_may_still_want_the_first_occurrence() -> None:
    schedules = (
        TaskSchedule(expression=NIGHTLY, timezone="Europe/Berlin"),
        TaskSchedule(expression="cron(30 0 * * ? *)", timezone="UTC"),
    )
    plain = Task(
        id="t",
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=schedules,
        ambiguous=Ambiguous.SECOND,
    )
    found = with_passed_over(plain, NOW.date())
    assert found.closures == ()
    assert shown(during(found, "2027-10-31")) == ["2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"]


def test_extra_schedules_reach_to_the_end_of_next_year() -> None:
    found = task(NIGHTLY, nonexistent=Nonexistent.NEXT_VALID, ambiguous=Ambiguous.SECOND)
    assert [one.expression for one in extra_schedules(found, NOW)] == [
        "at(2027-03-28T01:00:00)",
        "at(2027-10-31T01:30:00)",
    ]


def test_a_one_time_schedule_at_a_time_that_does_not_exist_runs_too_if_it_is_to() -> None:
    once = "at(2027-03-28T02:30:00)"
    assert during(task(once), "2027-03-28") == []
    assert shown(during(task(once, nonexistent=Nonexistent.NEXT_VALID), "2027-03-28")) == ["2027-03-28T01:00:00Z"]


def test_a_rate_knows_no_changes_of_clock() -> None:
    hourly = task("rate(1 hour)", nonexistent=Nonexistent.NEXT_VALID, ambiguous=Ambiguous.SECOND)
    assert len(during(hourly, "2027-03-28")) == len(during(hourly, "2027-10-31")) == 24
    assert all(slot.delivered and not slot.skipped for slot in during(hourly, "2027-10-31"))


def test_times_that_do_not_exist_can_be_named() -> None:
    found = task(NIGHTLY)
    assert list(nonexistent(found.schedules[0], NOW, NOW + timedelta(days=365))) == [
        (datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 3, 28, 2, 30))
    ]


# calendars


def test_a_slot_on_a_closed_day_is_expected_and_skipped() -> None:
    daily = task("cron(0 8 * * ? *)", closures=business("2026-12-25"))
    assert shown(during(daily, "2026-12-24", 3)) == [
        "2026-12-24T07:00:00Z",
        "2026-12-25T07:00:00Z business",
        "2026-12-26T07:00:00Z business",
    ]
    assert extra_schedules(daily, NOW) == []


def test_a_slot_moves_to_the_next_day_that_is_open() -> None:
    monthly = task("cron(0 8 25 * ? *)", closures=business("2026-12-25"), on_closed=OnClosed.NEXT_BUSINESS_DAY)
    slots = during(monthly, "2026-12-20", 14)
    assert shown(slots) == ["2026-12-25T07:00:00Z business", "2026-12-28T07:00:00Z"]
    assert (slots[1].delivered, slots[1].moved_from) == (False, datetime(2026, 12, 25, 8))


def test_a_slot_moves_to_the_last_day_that_was_open() -> None:
    monthly = task("cron(0 8 25 * ? *)", closures=business("2026-12-25"), on_closed=OnClosed.PREVIOUS_BUSINESS_DAY)
    assert shown(during(monthly, "2026-12-20", 14)) == ["2026-12-24T07:00:00Z", "2026-12-25T07:00:00Z business"]


def test_a_slot_that_moves_onto_another_is_one_with_it() -> None:
    daily = task("cron(0 8 * * ? *)", closures=business(), on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(during(daily, "2026-11-28", 3)) == [
        "2026-11-28T07:00:00Z business",
        "2026-11-29T07:00:00Z business",
        "2026-11-30T07:00:00Z",
    ]
    assert extra_schedules(daily, NOW) == []


def test_a_slot_that_moves_into_the_period_is_found_from_there() -> None:
    monthly = task("cron(0 8 25 * ? *)", closures=business("2026-12-25"), on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(during(monthly, "2026-12-28")) == ["2026-12-28T07:00:00Z"]


def test_where_nothing_is_open_for_a_year_nothing_is_moved() -> None:
    never = closures([Calendar(name="never", open_weekdays=frozenset())], NOW.date())
    yearly = task("cron(0 8 1 1 ? 2026)", closures=never, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(during(yearly, "2026-01-01", 365)) == ["2026-01-01T07:00:00Z never"]


# maintenance windows


def window(begins: str, hours: float, *, postpones: bool = True) -> list[Closure]:
    """The spans of a window of so many hours that begins by the schedule, in UTC."""
    length = timedelta(hours=hours)
    return list(Window(name="w", begins=Schedule.of(begins), length=length, postpones=postpones).closures(NOW.date()))


def closed_for(*windows: list[Closure], calendars: Sequence[Calendar] = ()) -> tuple[Closure, ...]:
    return closures(calendars, NOW.date(), [span for one in windows for span in one])


def test_slots_of_a_maintenance_window_are_skipped_or_run_once_at_its_end() -> None:
    hourly = "cron(30 * * * ? *)"
    skipping = task(hourly, closures=closed_for(window("at(2026-12-01T22:00:00)", 2, postpones=False)))
    postponing = task(hourly, closures=closed_for(window("at(2026-12-01T22:00:00)", 2)))
    during_it = datetime(2026, 12, 1, 22, tzinfo=UTC), datetime(2026, 12, 2, 0, 45, tzinfo=UTC)
    skipped = ["2026-12-01T22:30:00Z maintenance w", "2026-12-01T23:30:00Z maintenance w"]
    assert shown(expected(skipping, *during_it)) == [*skipped, "2026-12-02T00:30:00Z"]
    assert shown(expected(postponing, *during_it)) == [*skipped, "2026-12-02T00:00:00Z", "2026-12-02T00:30:00Z"]
    assert [one.expression for one in extra_schedules(postponing, NOW)] == ["at(2026-12-02T00:00:00)"]
    assert extra_schedules(skipping, NOW) == []


def test_windows_that_follow_each_other_postpone_a_slot_to_the_end_of_the_last() -> None:
    spans = closed_for(window("at(2026-12-01T22:00:00)", 2), window("at(2026-12-01T23:00:00)", 4))
    nightly = task("cron(30 22 * * ? *)", timezone="UTC", closures=spans)
    assert shown(during(nightly, "2026-12-01", 2)) == [
        "2026-12-01T22:30:00Z maintenance w",
        "2026-12-02T03:00:00Z",
        "2026-12-02T22:30:00Z",
    ]


def test_a_closed_day_is_stronger_than_a_window_that_postpones() -> None:
    calendar = Calendar(name="holidays", closed=(ClosedDays(first=date(2026, 12, 2), last=date(2026, 12, 2)),))
    spans = closed_for(window("at(2026-12-01T22:00:00)", 12), calendars=[calendar])
    half_hourly = task("cron(0 23,3 * * ? *)", timezone="UTC", closures=spans)
    assert shown(during(half_hourly, "2026-12-01", 2)) == [
        "2026-12-01T03:00:00Z",
        "2026-12-01T23:00:00Z maintenance w",
        "2026-12-02T03:00:00Z holidays",
        "2026-12-02T23:00:00Z holidays",
    ]
    # What a window postpones into a closed day moves as what the day itself closes does.
    moving = replace(half_hourly, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert "2026-12-03T10:00:00Z" in shown(during(moving, "2026-12-03"))


def nightly_and_closed_on(day: str, *, postpones: bool, on_closed: OnClosed) -> Task:
    """At 3:00 of a day that is closed, and a window around 3:00 of every night."""
    closed = date.fromisoformat(day)
    calendar = Calendar(name="holidays", closed=(ClosedDays(first=closed, last=closed),))
    spans = closed_for(window("cron(0 2 * * ? *)", 2, postpones=postpones), calendars=[calendar])
    return task(f"at({day}T03:00:00)", timezone="UTC", closures=spans, on_closed=on_closed)


def test_a_slot_that_moves_from_a_closed_day_into_a_window_is_postponed_to_its_end_or_skipped() -> None:
    found = nightly_and_closed_on("2026-12-02", postpones=True, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    held, moved = during(found, "2026-12-01", 30)
    assert shown([held, moved]) == ["2026-12-02T03:00:00Z holidays", "2026-12-03T04:00:00Z"]
    assert (moved.moved_from, moved.postponed) == (datetime(2026, 12, 2, 3), True)
    earlier = replace(found, on_closed=OnClosed.PREVIOUS_BUSINESS_DAY)
    assert shown(during(earlier, "2026-12-01", 30))[0] == "2026-12-01T04:00:00Z"
    skipping = nightly_and_closed_on("2026-12-02", postpones=False, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(during(skipping, "2026-12-01", 30)) == ["2026-12-02T03:00:00Z holidays"]


def test_a_window_that_skips_moves_no_slot_to_another_day() -> None:
    spans = closed_for(window("at(2026-12-01T22:00:00)", 2, postpones=False))
    once = task("at(2026-12-01T23:00:00)", timezone="UTC", closures=spans, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(during(once, "2026-12-01", 30)) == ["2026-12-01T23:00:00Z maintenance w"]
    assert task_of(item_of(once)).closures == once.closures


# in general


def test_a_rate_counts_from_its_place_in_the_spread() -> None:
    placed = TaskSchedule(expression="rate(1 day)", spread_minutes=7)
    assert times(placed).next_after(NOW) == NOW + timedelta(minutes=7)


def test_upcoming_goes_on_for_as_long_as_there_are_slots() -> None:
    leap_mondays = task("cron(0 0 ? 2 MON#5 *)", timezone="UTC")
    assert [slot.at.year for slot in islice(upcoming(leap_mondays, NOW), 3)] == [2044, 2072, 2112]
    assert list(upcoming(task("at(2026-01-01T00:00:00)"), NOW)) == []


def test_the_next_run_is_none_that_is_skipped() -> None:
    daily = task("cron(0 8 * * ? *)", closures=business())
    assert next_run(daily, datetime(2026, 11, 27, 12, tzinfo=UTC)) == datetime(2026, 11, 30, 7, tzinfo=UTC)
    assert next_run(task(), NOW) is None


@cache
def occupied(maintenance: str, postpones: bool, *holidays: str) -> tuple[Closure, ...]:
    """Business days, and a window of three hours."""
    spans = window(maintenance, 3, postpones=postpones) if maintenance else ()
    return closures([on_business_days(*holidays)], NOW.date(), spans)


_expressions = st.sampled_from(
    ["cron(30 2 * * ? *)", "cron(0/20 1-3 * * ? *)", "cron(0 8 1,15 * ? *)", "rate(7 hours)", "at(2027-10-31T02:30:00)"]
)
_zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
_moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))


# What Saturday's slot moved over the windows of three weeks, to the first night after a change of clock, and got lost.
@example(
    expressions=["cron(30 2 * * ? *)", "cron(0/20 1-3 * * ? *)"],
    zone="Europe/Berlin",
    nonexistent=Nonexistent.SKIP,
    ambiguous=Ambiguous.FIRST,
    on_closed=OnClosed.NEXT_BUSINESS_DAY,
    maintenance="cron(45 1 * * ? *)",
    postpones=True,
    after=datetime(2026, 3, 11, 1, tzinfo=UTC),
    days=19,
    cut=0.5,
)
@given(
    expressions=st.lists(_expressions, min_size=1, max_size=3, unique=True),
    zone=_zones,
    nonexistent=st.sampled_from(Nonexistent),
    ambiguous=st.sampled_from(Ambiguous),
    on_closed=st.sampled_from(OnClosed),
    maintenance=st.sampled_from(["", "cron(45 1 * * ? *)", "cron(0 22 ? * FRI *)"]),
    postpones=st.booleans(),
    after=_moments,
    days=st.integers(1, 60),
    cut=st.floats(0, 1),
)
def test_slots_do_not_depend_on_how_the_time_is_cut_and_extra_schedules_deliver_what_scheduler_does_not(
    expressions: list[str],
    zone: str,
    nonexistent: Nonexistent,
    ambiguous: Ambiguous,
    on_closed: OnClosed,
    maintenance: str,
    postpones: bool,
    after: datetime,
    days: int,
    cut: float,
) -> None:
    found = task(
        *expressions,
        timezone=zone,
        nonexistent=nonexistent,
        ambiguous=ambiguous,
        on_closed=on_closed,
        closures=occupied(maintenance, postpones, "2026-12-25", "2027-03-29"),
    )
    until = after + timedelta(days=days)
    middle = after + (until - after) * cut
    whole = expected(found, after, until)
    assert whole == expected(found, after, middle) + expected(found, middle, until)
    assert [slot.at for slot in whole] == sorted({slot.at for slot in whole})
    fired = {at for schedule in found.schedules for at in times(schedule).between(after, until)}
    extra = {times(one).next_after(after) for one in extra_schedules(found, after)}
    assert {slot.at for slot in whole} == fired | {at for at in extra if at and at <= until}
    assert {slot.at for slot in whole if slot.delivered} == fired


@pytest.mark.parametrize("expression", ["cron(0 8 * * ? *)", "rate(12 hours)", "rate(7 hours)"])
def test_a_window_takes_slots_away_and_moves_none(expression: str) -> None:
    def slots(schedule: TaskSchedule) -> list[str]:
        plain = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), schedules=(schedule,))
        return [key(slot.at) for slot in expected(plain, NOW, NOW + timedelta(days=30))]

    start, end = "2026-12-02T01:00:00Z", "2026-12-03T08:00:00Z"
    within = slots(TaskSchedule(expression=expression, start=start, end=end))
    assert within == [slot for slot in slots(TaskSchedule(expression=expression)) if start <= slot <= end]
    assert within

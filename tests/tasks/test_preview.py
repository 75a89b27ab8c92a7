"""A preview holds every slot, and what is out of the ordinary about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from orchestrator.schedules.calendars import Calendar, ClosedDays, Closure, OnClosed, closures
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.tasks.preview import lines, value, waiting, zone_name
from orchestrator.tasks.slots import key, with_passed_over
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import Upstream

NIGHTLY = TaskSchedule(expression="cron(30 2 * * ? *)", timezone="Europe/Berlin")
SPRING = datetime(2027, 3, 27, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)


def task(schedule: TaskSchedule = NIGHTLY, **fields: Any) -> Task:
    plain = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), schedules=(schedule,), **fields)
    return with_passed_over(plain, date(2026, 11, 23))


def shown(found: Task, begin: datetime, count: int | None = 2, until: datetime | None = None) -> list[Any]:
    return [
        (line.slot and key(line.slot), line.runs, *line.marks) for line in lines(found, begin, count=count, until=until)
    ]


def test_a_local_time_that_does_not_exist_stands_between_the_slots_and_is_none() -> None:
    assert shown(task(), SPRING) == [
        ("2027-03-27T01:30:00Z", True),
        (None, False, "does not exist: no slot"),
        ("2027-03-29T00:30:00Z", True),
    ]


def test_a_slot_for_a_local_time_that_does_not_exist_names_it() -> None:
    _, slot = shown(task(nonexistent=Nonexistent.NEXT_VALID), SPRING)
    assert slot == ("2027-03-28T01:00:00Z", True, "for 02:30, which does not exist")


def test_of_a_local_time_that_occurs_twice_it_says_which_runs() -> None:
    assert shown(task(), AUTUMN, 1) == [("2026-10-25T00:30:00Z", True, "the first of two")]
    assert shown(task(ambiguous=Ambiguous.SECOND), AUTUMN) == [
        (
            "2026-10-25T00:30:00Z",
            False,
            "skipped: the clock is set back: the second occurrence runs",
            "the first of two",
        ),
        ("2026-10-25T01:30:00Z", True, "the second of two"),
    ]


def test_a_closed_day_and_where_its_slot_went_are_marked() -> None:
    christmas = ClosedDays(first=date(2026, 12, 25), last=date(2026, 12, 26), why="Christmas")
    closed = closures([Calendar(name="holidays", closed=(christmas,))], date(2026, 11, 23))
    monthly = TaskSchedule(expression="cron(0 8 25 * ? *)")
    found = task(monthly, closures=closed, on_closed=OnClosed.NEXT_BUSINESS_DAY)
    assert shown(found, datetime(2026, 12, 1, tzinfo=UTC)) == [
        ("2026-12-25T08:00:00Z", False, "skipped: holidays: Christmas"),
        ("2026-12-27T08:00:00Z", True, "moved from Fri 2026-12-25"),
    ]


def test_a_place_in_the_spread_is_marked() -> None:
    placed = TaskSchedule(expression="cron(7 8 * * ? *)", spread_minutes=7)
    assert shown(task(placed), SPRING, 1) == [("2027-03-27T08:07:00Z", True, "spread by 7 min")]


def test_until_and_count_bound_it_and_the_first_moment_is_in_it() -> None:
    hourly = task(TaskSchedule(expression="rate(1 hour)"))
    until = SPRING + timedelta(hours=3)
    assert len(shown(hourly, SPRING, None, until)) == 4
    assert len(shown(hourly, SPRING, 3, until)) == 3
    assert len(shown(hourly, SPRING, 9, until)) == 4


def test_a_program_gets_utc_and_local_time_with_its_offset() -> None:
    (line,) = lines(task(), SPRING, count=1, until=None)
    assert value(line) == {
        "slot": "2027-03-27T01:30:00Z",
        "local": "2027-03-27T02:30:00+01:00",
        "timezone": "Europe/Berlin",
        "weekday": "Saturday",
        "expression": "cron(30 2 * * ? *)",
        "runs": True,
        "marks": [],
    }


def test_the_zone_has_the_name_of_that_day() -> None:
    winter, gap, summer = lines(task(), SPRING, count=2, until=None)
    assert [zone_name(line) for line in (winter, gap, summer)] == ["CET", "", "CEST"]


def test_a_slot_that_maintenance_postpones_says_from_when() -> None:
    ends = datetime(2026, 12, 2, 4, tzinfo=UTC)
    since, why = ends - timedelta(hours=6), "maintenance upgrade"
    window = Closure(since=since, until=ends, why=why, maintenance=True, postponed_to=ends)
    assert shown(task(closures=(window,)), datetime(2026, 12, 2, tzinfo=UTC)) == [
        ("2026-12-02T01:30:00Z", False, "skipped: maintenance upgrade"),
        ("2026-12-02T04:00:00Z", True, "postponed from Wed 02:30"),
    ]


def test_a_line_says_which_slots_of_other_tasks_its_slot_waits_for() -> None:
    schedule = TaskSchedule(expression="cron(0 6 * * ? *)")
    extract = Task(id="extract", target=Target(kind=TargetKind.LAMBDA, name="x"), schedules=(schedule,))
    at_eight = TaskSchedule(expression="cron(0 8 * * ? *)", timezone="Europe/Berlin")
    load = replace(extract, id="load", schedules=(at_eight,), after=(Upstream(task_id="extract"),))
    (line,) = lines(load, datetime(2026, 12, 1, tzinfo=UTC), count=1, until=None)
    waits = waiting(line, load, {"extract": extract, "load": load})
    assert waits.after == ("extract 2026-12-01T06:00:00Z",)
    assert value(waits)["after"] == ["extract 2026-12-01T06:00:00Z"]
    assert "after" not in value(line)

"""A forecast counts every slot, and says which minutes are near a quota."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.pricing.forecast import BusyMinute, forecast
from orchestrator.schedules.calendars import Calendar
from orchestrator.schedules.calendars import closures as worked_out
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.slots import expected, with_passed_over
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.testbed.calendars import TODAY, WEEKDAYS

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
WEEKENDS = worked_out([Calendar(name="business-days", open_weekdays=WEEKDAYS)], TODAY)


def task(*expressions: str, task_id: str = "t", timezone: str = "UTC", **fields: Any) -> Task:
    schedules = tuple(TaskSchedule(expression=expression, timezone=timezone) for expression in expressions)
    target = Target(kind=TargetKind.LAMBDA, name="work")
    one = Task(id=task_id, target=target, schedules=schedules, **fields)
    return one if one.ambiguous is Ambiguous.FIRST else with_passed_over(one, TODAY)


def test_runs_are_counted_from_the_first_moment_to_the_last_day() -> None:
    found = forecast([task("cron(0 0 * * ? *)"), task("rate(6 hours)"), task()], BEGIN, 7)
    assert [one.expected.runs for one in found.tasks] == [7, 28, 0]
    assert found.runs == 35


def test_slots_on_closed_days_are_fired_and_do_not_run() -> None:
    found = forecast([task("cron(0 8 * * ? *)", closures=WEEKENDS)], BEGIN, 7)
    assert (found.tasks[0].expected.runs, found.tasks[0].expected.skipped) == (5, 2)
    assert found.minutes.total() == 7


def test_two_schedules_at_one_moment_are_one_run() -> None:
    assert forecast([task("cron(0 8 * * ? *)", "cron(0 8 1 * ? *)")], BEGIN, 2).runs == 2


def test_the_busiest_minutes_come_first() -> None:
    tasks = [task("cron(0 0 * * ? *)", task_id=str(number)) for number in range(3)] + [task("cron(0 * * * ? *)")]
    busiest = forecast(tasks, BEGIN, 2).busiest(3)
    assert [(one.at, one.runs) for one in busiest] == [
        (BEGIN, 4),
        (BEGIN + timedelta(days=1), 4),
        (BEGIN + timedelta(hours=1), 1),
    ]


def test_a_minute_is_measured_against_what_aws_takes_in_one() -> None:
    busy = BusyMinute(at=BEGIN, runs=1300 + 60 * 300)
    assert busy.share_of_start_execution == 1
    assert busy.share_of_scheduler == 19_300 / 60_000


def test_the_day_is_that_of_a_zone() -> None:
    minutes = forecast([task("cron(30 8 * * ? *)")], BEGIN, 3).by_minute_of_day(ZoneInfo("Europe/Berlin"))
    assert len(minutes) == 1440
    assert minutes[9 * 60 + 30] == sum(minutes) == 3


def test_as_many_runs_are_expected_of_events_as_the_task_says() -> None:
    each = EventStart(pattern={"source": ["shop"]}, per_day=500)
    (one, batched) = forecast(
        [
            Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="x"), starts=(start,))
            for start in (each, replace(each, within_seconds=3600))
        ],
        datetime(2026, 12, 1, tzinfo=UTC),
        30,
    ).tasks
    assert (one.expected.runs, one.expected.by_events, one.expected.events) == (15_000, 15_000, 15_000)
    assert (batched.expected.runs, batched.expected.by_events, batched.expected.events) == (720, 720, 15_000)


@given(
    st.lists(st.sampled_from(["cron(30 2 * * ? *)", "cron(0/20 * * * ? *)", "rate(7 hours)"]), max_size=3, unique=True),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from(Nonexistent),
    st.sampled_from(Ambiguous),
    st.booleans(),
    st.integers(1, 25),
)
def test_every_slot_is_counted_once(
    expressions: list[str], zone: str, nonexistent: Nonexistent, ambiguous: Ambiguous, closed: bool, days: int
) -> None:
    closures = WEEKENDS if closed else ()
    one = task(*expressions, timezone=zone, nonexistent=nonexistent, ambiguous=ambiguous, closures=closures)
    begin = datetime(2026, 10, 10, tzinfo=UTC)
    found = forecast([one], begin, days)
    instant = timedelta(microseconds=1)
    slots = expected(one, begin - instant, begin + timedelta(days=days) - instant)
    assert found.minutes.total() == len(slots) == found.tasks[0].expected.runs + found.tasks[0].expected.skipped
    assert sum(found.by_minute_of_day(ZoneInfo(zone))) == len(slots)


def test_hours_and_checks_of_the_watchdog_are_counted_once() -> None:
    (often, twice) = forecast([task("rate(1 minute)"), task("cron(0,30 8 * * ? *)")], BEGIN, 1).tasks
    assert (often.expected.hours, often.expected.checks) == (24, 288)
    assert (twice.expected.hours, twice.expected.checks) == (1, 2)

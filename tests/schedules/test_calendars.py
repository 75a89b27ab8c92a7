"""Calendars say which days are closed, and closures when that is in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from orchestrator.schedules.calendars import (
    Calendar,
    ClosedDays,
    Closure,
    closure_at,
    closures,
    longest_run,
    published_years,
)
from tests.testbed.calendars import TODAY, WEEKDAYS


def christmas(timezone: str = "UTC") -> Calendar:
    days = ClosedDays(first=date(2026, 12, 25), last=date(2026, 12, 26), why="Christmas")
    return Calendar(name="holidays", timezone=timezone, closed=(days,))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_closed_day_says_the_calendar_and_the_reason() -> None:
    assert christmas().why_closed(date(2026, 12, 26)) == "holidays: Christmas"
    assert christmas().why_closed(date(2026, 12, 27)) is None


def test_a_weekday_that_is_not_open_is_closed() -> None:
    business = Calendar(name="business-days", open_weekdays=WEEKDAYS)
    week = [business.why_closed(date(2026, 11, 23) + timedelta(days=day)) for day in range(7)]
    assert week == [None] * 5 + ["business-days"] * 2


def test_closed_days_are_those_of_the_place() -> None:
    (closure,) = closures([christmas("America/New_York")], TODAY)
    assert closure == Closure(
        since=moment("2026-12-25T05:00:00"), until=moment("2026-12-27T05:00:00"), why="holidays: Christmas"
    )


def test_closures_are_worked_out_through_the_end_of_next_year() -> None:
    first, beyond = published_years(TODAY)
    assert (first, beyond) == (date(2026, 1, 1), date(2028, 1, 1))
    weekends = closures([Calendar(name="business-days", open_weekdays=WEEKDAYS)], TODAY)
    assert len(weekends) == 104
    assert weekends[-1].since == moment("2027-12-25T00:00:00")


def test_closures_of_several_calendars_are_in_order_and_apart() -> None:
    found = closures([Calendar(name="business-days", open_weekdays=WEEKDAYS), christmas("Asia/Tokyo")], TODAY)
    assert all(one.until <= other.since for one, other in pairwise(found))
    assert closure_at(found, moment("2026-12-24T15:00:00")) is not None, "it is Friday in Tokyo"
    assert closure_at(found, moment("2026-12-24T14:59:59")) is None


def test_a_closure_holds_its_beginning_and_not_its_end() -> None:
    found = closures([christmas()], TODAY)
    times = ("2026-12-24T23:59:59", "2026-12-25T00:00:00", "2026-12-26T23:59:59", "2026-12-27T00:00:00")
    assert [closure_at(found, moment(text)) is not None for text in times] == [False, True, True, False]


def test_the_longest_run_goes_over_spans_that_adjoin_or_overlap_and_over_short_gaps() -> None:
    business = Calendar(name="business-days", open_weekdays=WEEKDAYS)
    # Friday and Saturday are Christmas; the weekend goes on to Monday.
    spans = [(one.since, one.until) for one in closures([business, christmas()], TODAY)]
    assert longest_run(spans) == timedelta(days=3)
    assert longest_run([]) == timedelta(0)
    hours = [moment(f"2026-12-01T{hour:02}:00:00") for hour in range(24)]
    assert longest_run([(hours[1], hours[9]), (hours[2], hours[3])]) == timedelta(hours=8)
    parted = [(hours[1], hours[2]), (hours[4], hours[5])]
    assert longest_run(parted, gap=timedelta(hours=1)) == timedelta(hours=1)
    assert longest_run(parted, gap=timedelta(hours=2)) == timedelta(hours=4)

"""Changes of clock, found in the time zone database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from orchestrator.schedules.clock_changes import ClockChange, clock_changes

HOUR = timedelta(hours=1)


def of(zone: str, year: int) -> list[ClockChange]:
    begin = datetime(year, 1, 1, tzinfo=UTC)
    return list(clock_changes(ZoneInfo(zone), begin, begin.replace(year=year + 1)))


def test_berlin_sets_its_clock_forward_in_march_and_back_in_october() -> None:
    forward, back = of("Europe/Berlin", 2026)
    assert (forward.at, forward.is_forward) == (datetime(2026, 3, 29, 1, tzinfo=UTC), True)
    assert (forward.first, forward.end) == (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3))
    assert (back.at, back.is_forward) == (datetime(2026, 10, 25, 1, tzinfo=UTC), False)
    assert (back.first, back.end) == (datetime(2026, 10, 25, 2), datetime(2026, 10, 25, 3))


@pytest.mark.parametrize(
    ("zone", "year", "at", "by"),
    [
        ("Australia/Lord_Howe", 2026, "2026-10-03T15:30:00+00:00", HOUR / 2),
        ("Africa/Casablanca", 2026, "2026-02-15T02:00:00+00:00", -HOUR),
        ("Pacific/Apia", 2011, "2011-12-30T10:00:00+00:00", 24 * HOUR),
        ("America/Nuuk", 2024, "2024-03-31T01:00:00+00:00", HOUR),
    ],
)
def test_odd_changes_are_found_to_the_second(zone: str, year: int, at: str, by: timedelta) -> None:
    assert (datetime.fromisoformat(at), by) in [(change.at, change.after - change.before) for change in of(zone, year)]


def test_a_zone_without_changes_has_none() -> None:
    assert of("UTC", 2026) == of("Asia/Tokyo", 2026) == []


def test_only_changes_within_the_bounds_are_given() -> None:
    berlin, at = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert [change.at for change in clock_changes(berlin, at - HOUR, at)] == [at]
    assert not list(clock_changes(berlin, at, at + HOUR))

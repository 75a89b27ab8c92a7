"""How busy hours are."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.console.heat import heat


def hours(*of: int) -> list[datetime]:
    return [datetime(2026, 12, 1, hour, 30, tzinfo=UTC) for hour in of]


def test_the_busiest_hour_of_all_days_is_the_darkest() -> None:
    past, coming = heat({"past": hours(1, 1, 1, 1, 1, 1, 5), "coming": hours(2, 2)})
    assert (past.name, past.counts[1], past.counts[5], past.counts[0]) == ("past", (6, 3), (1, 1), (0, 0))
    assert coming.counts[2] == (2, 1)
    assert len(coming.counts) == 24


def test_days_without_runs_are_not_dark() -> None:
    (day,) = heat({"past": []})
    assert set(day.counts) == {(0, 0)}

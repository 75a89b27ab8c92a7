"""Spreading moves a task's times to a stable place in a window, within the day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.schedules import Cron, Schedule, parse
from orchestrator.schedules.spreading import spread

DAY = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_task_keeps_its_place() -> None:
    first, second = (
        spread(parse("cron(0 0 * * ? *)"), window_minutes=15, task_id="daily-sales-report") for _ in range(2)
    )
    assert first == second
    assert 0 <= first.minutes < 15


def test_a_thousand_tasks_at_midnight_fall_on_every_minute_of_the_window() -> None:
    midnight = parse("cron(0 0 * * ? *)")
    places = Counter(spread(midnight, window_minutes=15, task_id=f"task-{number}").minutes for number in range(1000))
    assert sorted(places) == list(range(15))
    assert max(places.values()) < 3 * min(places.values())


@pytest.mark.parametrize(
    ("text", "window", "moved"),
    [
        ("cron(0 8 ? * MON-FRI *)", 60, "cron({m} 8 ? * MON-FRI *)"),
        ("cron(0/15 * * * ? *)", 15, "cron({m}/15 * * * ? *)"),
        ("cron(0 9-17 L * ? 2027)", 30, "cron({m} 9-17 L * ? 2027)"),
        ("at(2026-12-01T08:00:00)", 30, "at(2026-12-01T08:{m:02}:00)"),
        ("rate(1 hour)", 30, "rate(1 hour)"),
    ],
)
def test_the_rest_of_an_expression_stays_as_it_is(text: str, window: int, moved: str) -> None:
    for task in ("a", "b", "c"):
        placed = spread(parse(text), window_minutes=window, task_id=task)
        assert str(placed.expression) == moved.format(m=placed.minutes)


def test_a_window_passes_the_full_hour_but_not_midnight() -> None:
    expression = parse("cron(50 22 * * ? *)")
    places = {spread(expression, window_minutes=180, task_id=str(number)).minutes for number in range(2000)}
    assert places == set(range(70))


def test_no_window_is_no_spreading() -> None:
    expression = parse("cron(0 8 * * ? *)")
    placed = spread(expression, window_minutes=0, task_id="a")
    assert (placed.expression, placed.minutes) == (expression, 0)


_minutes = st.lists(st.integers(0, 59), min_size=1, max_size=6, unique=True)
_hours = st.lists(st.integers(0, 23), min_size=1, max_size=6, unique=True)


@given(minutes=_minutes, hours=_hours, window=st.integers(0, 1440), task=st.text(min_size=1, max_size=8))
def test_every_slot_of_a_day_is_moved_by_the_same_time_and_stays_on_its_day(
    minutes: list[int], hours: list[int], window: int, task: str
) -> None:
    written = parse(f"cron({','.join(map(str, minutes))} {','.join(map(str, hours))} 1 12 ? 2026)")
    placed = spread(written, window_minutes=window, task_id=task)
    assert isinstance(placed.expression, Cron)
    assert placed.minutes == 0 or placed.minutes < window
    before, after = (
        list(Schedule(expression=one).between(DAY - timedelta(days=3), DAY + timedelta(days=4)))
        for one in (written, placed.expression)
    )
    assert after == [slot + timedelta(minutes=placed.minutes) for slot in before]

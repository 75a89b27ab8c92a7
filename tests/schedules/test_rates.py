"""A rate that divides an hour or a day has the same slots as a cron expression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.schedules import Rate, Schedule, parse
from orchestrator.schedules.rates import as_cron

#: Days on which a clock is set somewhere, and a leap day.
SPAN = (datetime(2028, 2, 28, tzinfo=UTC), datetime(2028, 3, 27, tzinfo=UTC))


def rate(text: str) -> Rate:
    found = parse(text)
    assert isinstance(found, Rate)
    return found


@pytest.mark.parametrize(
    ("text", "phase", "cron"),
    [
        ("rate(1 minute)", 0, "cron(* * * * ? *)"),
        ("rate(20 minutes)", 7, "cron(7,27,47 * * * ? *)"),
        ("rate(1 hour)", 0, "cron(0 * * * ? *)"),
        ("rate(60 minutes)", 59, "cron(59 * * * ? *)"),
        ("rate(6 hours)", 95, "cron(35 1,7,13,19 * * ? *)"),
        ("rate(1 day)", 0, "cron(0 0 * * ? *)"),
        ("rate(1440 minutes)", 1439, "cron(59 23 * * ? *)"),
    ],
)
def test_what_divides_an_hour_or_a_day_is_a_cron_expression(text: str, phase: int, cron: str) -> None:
    assert str(as_cron(rate(text), phase)) == cron


@pytest.mark.parametrize("text", ["rate(7 minutes)", "rate(90 minutes)", "rate(5 hours)", "rate(2 days)"])
def test_what_divides_neither_is_none(text: str) -> None:
    assert as_cron(rate(text)) is None


@pytest.mark.parametrize("minutes", [m for m in range(1, 1441) if 60 % m == 0 or (m % 60 == 0 and 1440 % m == 0)])
def test_its_slots_are_those_of_the_rate(minutes: int) -> None:
    one = rate(f"rate({minutes} minutes)")
    for phase in {0, minutes // 3, minutes - 1}:
        anchor = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=phase)
        cron = as_cron(one, phase)
        assert cron is not None
        span = (SPAN[0], SPAN[0] + timedelta(days=2)) if minutes < 60 else SPAN
        written = list(Schedule(expression=cron).between(*span))
        assert written == list(Schedule(expression=one, anchor=anchor).between(*span))
        assert written

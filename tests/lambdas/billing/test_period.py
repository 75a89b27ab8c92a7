"""The period is the month before the slot's, on the clock of the task's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lambdas.billing.period import Period


@pytest.mark.parametrize(
    ("slot", "timezone", "period", "begin", "end"),
    [
        ("2026-12-01T00:00:00", "UTC", "2026-11", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("2026-12-01T00:00:00", "Europe/Berlin", "2026-11", "2026-10-31T23:00", "2026-11-30T23:00"),
        ("2026-11-30T23:00:00", "Europe/Berlin", "2026-11", "2026-10-31T23:00", "2026-11-30T23:00"),
        ("2026-12-01T05:00:00", "America/New_York", "2026-11", "2026-11-01T04:00", "2026-12-01T05:00"),
        # It is still November in New York.
        ("2026-12-01T00:00:00", "America/New_York", "2026-10", "2026-10-01T04:00", "2026-11-01T04:00"),
        ("2027-01-01T00:00:00", "UTC", "2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_a_slot_bills_the_month_before_it(slot: str, timezone: str, period: str, begin: str, end: str) -> None:
    found = Period.before(datetime.fromisoformat(slot).replace(tzinfo=UTC), timezone)
    assert str(found) == period
    assert (f"{found.begin:%Y-%m-%dT%H:%M}", f"{found.end:%Y-%m-%dT%H:%M}") == (begin, end)
    assert found.begin in found
    assert found.end not in found

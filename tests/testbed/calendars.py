"""Days that tests of calendars have in common."""

from __future__ import annotations

from datetime import date

TODAY = date(2026, 11, 23)


WEEKDAYS = frozenset(range(2, 7))

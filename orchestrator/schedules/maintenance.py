"""Maintenance windows: spans of time, once or again and again, in which tasks do not run.

A window is a closure with another name (:mod:`orchestrator.schedules.calendars`): whatever knows of closed days knows
of it, from ``preview`` to TaskRunner and the watchdog.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from orchestrator.schedules import Rate
from orchestrator.schedules.calendars import Closure, published_years
from orchestrator.schedules.schedule import Schedule

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """A maintenance window that begins whenever its schedule is due."""

    name: str
    begins: Schedule
    length: timedelta
    why: str = ""
    #: Whether its slots run when it ends, instead of being skipped.
    postpones: bool = False

    def closures(self, today: date) -> Iterator[Closure]:
        """Its spans of this year and the next, in order; they overlap where it begins anew before it has ended."""
        first, beyond = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in published_years(today))
        said = f"maintenance {self.name}: {self.why}" if self.why else f"maintenance {self.name}"
        for since in self._begins(first - self.length, beyond):
            until = since + self.length
            to = until if self.postpones else None
            yield Closure(since=since, until=until, why=said, maintenance=True, postponed_to=to)

    def _begins(self, first: datetime, beyond: datetime) -> Iterator[datetime]:
        """When it begins. Unlike a slot, a window takes place at a local time that the clock skips, too: by PEP 495's
        rule, just after the change.
        """
        if isinstance(self.begins.expression, Rate):
            yield from self.begins.between(first, beyond - _INSTANT)
            return
        written = Schedule(expression=self.begins.expression)
        for local in written.between(first - _DAY, beyond + _DAY):
            since = local.replace(tzinfo=self.begins.zone).astimezone(UTC)
            if first < since < beyond:
                yield since

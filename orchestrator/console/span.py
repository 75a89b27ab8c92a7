"""A span of time, as the overview and the timeline divide it into columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from orchestrator.instants import order, to_second

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Length:
    """The length of a span, and of each column in it."""

    name: str
    past: timedelta
    future: timedelta
    column: timedelta


#: By name. Each has about a hundred columns.
LENGTHS = {
    length.name: length
    for length in (
        Length(name="day", past=timedelta(days=1), future=timedelta(hours=6), column=timedelta(minutes=15)),
        Length(name="week", past=timedelta(days=7), future=timedelta(days=1), column=timedelta(hours=2)),
        Length(name="month", past=timedelta(days=30), future=timedelta(days=5), column=timedelta(hours=8)),
    )
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time from ``since`` until just before ``until``, both in UTC and at the edge of a column."""

    length: Length
    since: datetime
    until: datetime

    @property
    def columns(self) -> int:
        return (self.until - self.since) // self.length.column

    @cached_property
    def edges(self) -> tuple[str, ...]:
        """The begin of each column and the end of the last, as slots sort (:func:`orchestrator.instants.order`)."""
        return tuple(order(to_second(self.begin(column))) for column in range(self.columns + 1))

    def column(self, moment: datetime) -> int:
        """The column that holds ``moment``; below 0, or :attr:`columns` and more, where none does."""
        return (moment - self.since) // self.length.column

    def begin(self, column: int) -> datetime:
        """When a column begins."""
        return self.since + column * self.length.column


def span(name: str, now: datetime, at: datetime | None = None) -> Span:
    """The span called ``name`` around ``at``, a moment in UTC; around now, where it is None.

    Raises :class:`KeyError` for a name that is none of :data:`LENGTHS`.
    """
    length = LENGTHS[name]
    middle = at or now
    edge = _EPOCH + (middle - _EPOCH) // length.column * length.column + length.column
    return Span(length=length, since=edge - length.past, until=edge + length.future)

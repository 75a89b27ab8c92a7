"""Calendars: days on which tasks do not run, by name (holidays, freezes, business days).

TaskRunner has no time zones, so what it is given are *closures*: spans of UTC, worked out through the end of next year
(:func:`closures`). A deploy in a new year adds a year.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)

#: Every day of the week, as Scheduler counts them: 1 is Sunday.
ALL_WEEKDAYS = frozenset(range(1, 8))


class OnClosed(StrEnum):
    """The policies for a slot on a closed day. Its row says SKIPPED in any case."""

    SKIP = "skip"
    #: It runs at the same local time of the next day that is open.
    NEXT_BUSINESS_DAY = "next_business_day"
    #: It runs at the same local time of the last day that was open.
    PREVIOUS_BUSINESS_DAY = "previous_business_day"


@dataclass(frozen=True, kw_only=True)
class ClosedDays:
    """A span of days, both included."""

    first: date
    last: date
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Which days of a place are closed."""

    name: str
    #: A day is a day of this zone.
    timezone: str = "UTC"
    #: 1 is Sunday.
    open_weekdays: frozenset[int] = ALL_WEEKDAYS
    closed: tuple[ClosedDays, ...] = ()

    def why_closed(self, day: date) -> str | None:
        """The calendar's name and what is known of the reason; None if the day is open."""
        for span in self.closed:
            if span.first <= day <= span.last:
                return f"{self.name}: {span.why}" if span.why else self.name
        return None if day.isoweekday() % 7 + 1 in self.open_weekdays else self.name


@dataclass(frozen=True, kw_only=True)
class Closure:
    """A span of UTC in which no scheduled slot runs: ``since`` is in it, ``until`` is not."""

    since: datetime
    until: datetime
    why: str
    #: Whether it is of a maintenance window and not of a closed day, whose slots may move to another day.
    maintenance: bool = False
    #: When its slots run instead, if they do: the end of a maintenance window.
    postponed_to: datetime | None = None


def published_years(today: date) -> tuple[date, date]:
    """Returns the first day for which closures are worked out, and the first day beyond: this year and the next."""
    return date(today.year, 1, 1), date(today.year + 2, 1, 1)


def closures(calendars: Iterable[Calendar], today: date, windows: Iterable[Closure] = ()) -> tuple[Closure, ...]:
    """When any of the calendars is closed, in order and without overlap.

    ``windows`` are spans of maintenance; what lies on a closed day is a closed day's, since no slot would have run.
    """
    first, beyond = published_years(today)
    closed = _apart(span for calendar in calendars for span in _spans(calendar, first, beyond))
    pieces = [piece for window in _apart(windows) for piece in _outside(window, closed)]
    return tuple(sorted((*closed, *pieces), key=lambda span: span.since))


def _apart(spans: Iterable[Closure]) -> list[Closure]:
    """The spans in order; where two overlap the later one begins when the earlier one ends."""
    disjoint: list[Closure] = []
    for span in sorted(spans, key=lambda span: span.since):
        since = max(span.since, disjoint[-1].until) if disjoint else span.since
        if since < span.until:
            disjoint.append(replace(span, since=since))
    return disjoint


def _outside(span: Closure, others: Sequence[Closure]) -> Iterator[Closure]:
    """The pieces of a span that lie in none of the others, which are in order and do not overlap."""
    since = span.since
    for other in others[max(0, bisect_right(others, since, key=lambda one: one.since) - 1) :]:
        if other.since >= span.until:
            break
        if since < other.since:
            yield replace(span, since=since, until=other.since)
        since = max(since, other.until)
    if since < span.until:
        yield replace(span, since=since)


def closure_at(closures: Sequence[Closure], moment: datetime) -> Closure | None:
    """The closure that holds the moment; they are in order and do not overlap."""
    index = bisect_right(closures, moment, key=lambda closure: closure.since) - 1
    return closures[index] if index >= 0 and moment < closures[index].until else None


def longest_run(spans: Iterable[tuple[datetime, datetime]], *, gap: timedelta = timedelta(0)) -> timedelta:
    """Returns the longest time in spans that follow each other; ``gap`` is the longest break that does not part two.

    The spans are in the order of their beginnings.
    """
    longest, since, until = timedelta(0), None, None
    for first, end in spans:
        if since is None or until is None or first - until > gap:
            since, until = first, end
        until = max(until, end)
        longest = max(longest, until - since)
    return longest


def _spans(calendar: Calendar, first: date, beyond: date) -> Iterator[Closure]:
    zone = ZoneInfo(calendar.timezone)
    day = first
    while day < beyond:
        why, begin = calendar.why_closed(day), day
        day += _DAY
        while why and day < beyond and calendar.why_closed(day) == why:
            day += _DAY
        if why:
            yield Closure(since=_midnight(begin, zone), until=_midnight(day, zone), why=why)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)

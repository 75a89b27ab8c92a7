"""Where a time zone's clock is set forward or back: local times that do not exist, and local times that occur twice."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Since 1970 the shortest time between two changes of a zone has been a week less an hour, nor are there rules by which
#: one will be shorter, so that no change and its reverse fall between two looks.
_SAMPLE = timedelta(days=6)
_SECOND = timedelta(seconds=1)

#: A local year begins and ends less than this from that of UTC.
_MARGIN = timedelta(days=2)


class Nonexistent(StrEnum):
    """The policies for a local time that the clock never shows."""

    #: There is no slot: what EventBridge Scheduler does.
    SKIP = "skip"
    #: The slot is the moment at which the clock is set forward, the first that exists.
    NEXT_VALID = "next_valid"


class Ambiguous(StrEnum):
    """Which occurrence of a local time that the clock shows twice is the slot."""

    #: What EventBridge Scheduler does.
    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, kw_only=True)
class ClockChange:
    """A moment at which a zone's offset from UTC changes."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def is_forward(self) -> bool:
        return self.after > self.before

    @property
    def first(self) -> datetime:
        """The first local time that does not exist, or occurs twice; without a zone."""
        return self.at.replace(tzinfo=None) + min(self.before, self.after)

    @property
    def end(self) -> datetime:
        """The first local time after those."""
        return self.at.replace(tzinfo=None) + max(self.before, self.after)


def clock_changes(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[ClockChange]:
    """The changes later than ``after`` and not later than ``until``, in order."""
    for year in range(after.year, until.year + 1):
        yield from (change for change in _of_year(zone, year) if after < change.at <= until)


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """A zone's offset from UTC on each day of a local year."""

    #: From which days on the next of ``values`` holds, as month * 32 + day.
    days: tuple[int, ...]
    values: tuple[timedelta | None, ...]

    def on(self, month: int, day: int) -> timedelta | None:
        """None on a day on which the clock is set."""
        return self.values[bisect_right(self.days, month * 32 + day)]


@lru_cache(maxsize=4096)
def offsets(zone: ZoneInfo, year: int) -> Offsets:
    """Nearly every day has one offset, which spares looking for that of every moment."""
    begin = datetime(year, 1, 1, tzinfo=UTC) - _MARGIN
    days: list[int] = []
    values: list[timedelta | None] = [_offset(zone, begin)]
    for change in clock_changes(zone, begin, datetime(year + 1, 1, 1, tzinfo=UTC) + _MARGIN):
        days += [_day(change.first, year), _day(change.end, year) + 1]
        values += [None, change.after]
    return Offsets(days=tuple(days), values=tuple(values))


def _day(local: datetime, year: int) -> int:
    return (local.year - year) * 13 * 32 + local.month * 32 + local.day


@lru_cache(maxsize=4096)
def _of_year(zone: ZoneInfo, year: int) -> tuple[ClockChange, ...]:
    return tuple(_find(zone, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))


def _find(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[ClockChange]:
    low, before = begin - _SECOND, _offset(zone, begin - _SECOND)
    while low < end - _SECOND:
        high = min(low + _SAMPLE, end - _SECOND)
        after = _offset(zone, high)
        if after != before:
            yield ClockChange(at=_moment(zone, low, high), before=before, after=after)
        low, before = high, after


def _moment(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first second with the offset that ``high`` has, by halving."""
    offset = _offset(zone, high)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (low, middle) if _offset(zone, middle) == offset else (middle, high)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset

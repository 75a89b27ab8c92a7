"""Exactly when EventBridge Scheduler fires an expression in a time zone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.errors import InvalidTimezone
from orchestrator.schedules.clock_changes import offsets
from orchestrator.schedules.expressions import At, Cron, Expression, Rate, parse

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)

#: Past every year that an expression can name.
_FOREVER = datetime(2200, 1, 2, tzinfo=UTC)
_NEVER = datetime(1969, 12, 30, tzinfo=UTC)

#: Year, month and day of a local date.
_Day = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """An expression in a time zone, within bounds. Every moment it takes and gives is aware, in UTC."""

    expression: Expression
    timezone: str = "UTC"
    #: Bounds of a recurring schedule; a one-time schedule has none ("start and end dates are ignored").
    start: datetime | None = None
    end: datetime | None = None
    #: From when a rate counts: its StartDate, or the moment it was created.
    anchor: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @classmethod
    def of(cls, expression: str, timezone: str = "UTC") -> Schedule:
        """Raises :class:`InvalidSchedule` or :class:`InvalidTimezone`."""
        schedule = cls(expression=parse(expression), timezone=timezone)
        _ = schedule.zone
        return schedule

    @cached_property
    def zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
            raise InvalidTimezone(self.timezone) from fault

    def next_after(self, moment: datetime) -> datetime | None:
        """The first slot after ``moment``, or None if there is none."""
        return next(self.between(moment, _FOREVER), None)

    def previous_before(self, moment: datetime) -> datetime | None:
        """The last slot before ``moment``, or None if there is none."""
        if isinstance(self.expression, At):
            return max(self.between(_NEVER, moment - _INSTANT), default=None)
        before = min(moment, self.end + _INSTANT) if self.end else moment
        if isinstance(self.expression, Rate):
            begin, period = self.start or self.anchor, self.expression.period
            return begin + period * ((before - begin - _INSTANT) // period) if before > begin else None
        slot = next((slot for slot in self._cron_backwards(before) if slot < before), None)
        return slot if slot and (self.start is None or slot >= self.start) else None

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every slot later than ``after`` and not later than ``until``, in order."""
        match self.expression:
            case At():
                slot = self._utc(self.expression.local)
                return iter([slot] if slot is not None and after < slot <= until else [])
            case Rate():
                return self._rate(after, until)
            case Cron():
                return self._cron(max(after, self.start - _INSTANT) if self.start else after, until)

    def _rate(self, after: datetime, until: datetime) -> Iterator[datetime]:
        assert isinstance(self.expression, Rate)
        period = self.expression.period
        begin = self.start or self.anchor
        until = min(until, self.end) if self.end else until
        first, last = max(0, (after - begin) // period + 1), (until - begin) // period
        for number in range(first, last + 1):
            yield begin + period * number

    def _cron(self, after: datetime, until: datetime) -> Iterator[datetime]:
        cron = self.expression
        assert isinstance(cron, Cron)
        until = min(until, self.end) if self.end else until
        # A day early: a clock set back over midnight brings the day before again.
        first = max(after, _NEVER).astimezone(self.zone) - _DAY
        for year in cron.years[bisect_left(cron.years, first.year) :]:
            for month in cron.months:
                if year == first.year and month < first.month:
                    continue
                days = self._days_of(year, month)
                if year == first.year and month == first.month:
                    days = days[bisect_left(days, first.day) :]
                for slot in self._slots_of(year, month, days):
                    if slot > until:
                        return
                    if slot > after:
                        yield slot

    def _days_of(self, year: int, month: int) -> Sequence[int]:
        """Caches :meth:`Days.in_month`: a search for slots looks into the same months again and again."""
        assert isinstance(self.expression, Cron)
        known = self._known_days
        if (year, month) not in known:
            known[year, month] = self.expression.days.in_month(year, month)
        return known[year, month]

    @cached_property
    def _known_days(self) -> dict[tuple[int, int], Sequence[int]]:
        return {}

    def _cron_backwards(self, before: datetime) -> Iterator[datetime]:
        for year, month, day in self._days_backwards(before):
            yield from reversed(list(self._slots_of(year, month, (day,))))

    def _days_backwards(self, before: datetime) -> Iterator[_Day]:
        cron = self.expression
        assert isinstance(cron, Cron)
        last = min(before, _FOREVER).astimezone(self.zone) + _DAY
        for year in reversed(cron.years[: bisect_right(cron.years, last.year)]):
            for month in reversed(cron.months):
                for day in reversed(self._days_of(year, month)):
                    if (year, month, day) <= (last.year, last.month, last.day):
                        yield year, month, day

    def _slots_of(self, year: int, month: int, days: Sequence[int]) -> Iterator[datetime]:
        """The slots of local days, in order: on nearly every day the clock is not set, and one offset serves."""
        of_year = offsets(self.zone, year)
        last: timedelta | None = None
        shifts: list[timedelta] = []
        for day in days:
            offset = of_year.on(month, day)
            if offset is None:
                local = datetime(year, month, day)  # local
                yield from (slot for time in self._times if (slot := self._utc(local + time)) is not None)
                continue
            if offset is not last:
                last, shifts = offset, [time - offset for time in self._times]
            midnight = datetime(year, month, day, tzinfo=UTC)
            for shift in shifts:
                yield midnight + shift

    @cached_property
    def _times(self) -> tuple[timedelta, ...]:
        cron = self.expression
        assert isinstance(cron, Cron)
        return tuple(timedelta(hours=hour, minutes=minute) for hour in cron.hours for minute in cron.minutes)

    def _utc(self, local: datetime) -> datetime | None:
        """The moment of a local time, the first of two; None if the clock never shows it."""
        moment = local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        return moment if moment.astimezone(self.zone).replace(tzinfo=None) == local else None

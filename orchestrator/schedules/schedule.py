"""Exactly when EventBridge Scheduler fires an expression in a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.errors import InvalidTimezone
from orchestrator.schedules.expressions import At, Cron, Expression, Rate, parse

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)

#: Past every year that an expression can name.
_FOREVER = datetime(2200, 1, 2, tzinfo=UTC)
_NEVER = datetime(1969, 12, 30, tzinfo=UTC)


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
        if isinstance(self.expression, Cron):
            slot = next((slot for slot in self._cron_backwards(moment) if slot < moment), None)
        else:
            slot = max(self.between(moment - self._span, moment - timedelta(microseconds=1)), default=None)
        return slot if slot is None or self._within(slot) else self._last_within(slot)

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every slot later than ``after`` and not later than ``until``, in order."""
        match self.expression:
            case At():
                slot = self._utc(self.expression.local)
                return iter([slot] if slot is not None and after < slot <= until else [])
            case Rate():
                return self._rate(after, until)
            case Cron():
                return self._cron(max(after, self.start - _MINUTE) if self.start else after, until)

    def _within(self, slot: datetime) -> bool:
        if isinstance(self.expression, At):
            return True
        return (self.start is None or slot >= self.start) and (self.end is None or slot <= self.end)

    def _last_within(self, slot: datetime) -> datetime | None:
        """Past the end there may be earlier slots; before the start there are none."""
        if self.end and slot > self.end:
            return self.previous_before(self.end + timedelta(microseconds=1))
        return None

    @property
    def _span(self) -> timedelta:
        return self.expression.period * 2 if isinstance(self.expression, Rate) else _FOREVER - _NEVER

    def _rate(self, after: datetime, until: datetime) -> Iterator[datetime]:
        assert isinstance(self.expression, Rate)
        period = self.expression.period
        anchor = self.start or self.anchor
        slot = anchor + period * max(0, (after - anchor) // period + 1)
        until = min(until, self.end) if self.end else until
        while slot <= until:
            yield slot
            slot += period

    def _cron(self, after: datetime, until: datetime) -> Iterator[datetime]:
        until = min(until, self.end) if self.end else until
        # A day early: a clock set back over midnight brings yesterday again.
        first = max(after, _NEVER).astimezone(self.zone).replace(tzinfo=None) - _DAY
        for day in self._days(first):
            slots = self._slots_of(day)
            if slots and slots[0] > until:
                return
            for slot in slots:
                if slot > until:
                    return
                if slot > after and self._within(slot):
                    yield slot

    def _cron_backwards(self, before: datetime) -> Iterator[datetime]:
        last = min(before, _FOREVER).astimezone(self.zone).replace(tzinfo=None) + _DAY
        for day in self._days_backwards(last):
            yield from reversed(self._slots_of(day))

    def _days(self, first: datetime) -> Iterator[datetime]:
        """The days that match, from ``first`` on, at local midnight."""
        cron = self.expression
        assert isinstance(cron, Cron)
        for year in cron.years:
            if year < first.year:
                continue
            for month in cron.months:
                if (year, month) < (first.year, first.month):
                    continue
                for day in cron.days.in_month(year, month):
                    if (year, month, day) >= (first.year, first.month, first.day):
                        yield datetime(year, month, day)  # local

    def _days_backwards(self, last: datetime) -> Iterator[datetime]:
        cron = self.expression
        assert isinstance(cron, Cron)
        for year in reversed(cron.years):
            if year > last.year:
                continue
            for month in reversed(cron.months):
                if (year, month) > (last.year, last.month):
                    continue
                for day in reversed(cron.days.in_month(year, month)):
                    if (year, month, day) <= (last.year, last.month, last.day):
                        yield datetime(year, month, day)  # local

    def _slots_of(self, day: datetime) -> list[datetime]:
        """The slots of a local day, in order: on nearly every day the clock is not changed, and one offset serves."""
        zone = self.zone
        opening = day.replace(tzinfo=zone).utcoffset()
        closing = (day + _DAY).replace(tzinfo=zone).utcoffset()
        if opening == closing and opening is not None:
            midnight = day.replace(tzinfo=UTC) - opening
            return [midnight + time for time in self._times]
        slots = [slot for time in self._times if (slot := self._utc(day + time)) is not None]
        assert all(earlier < later for earlier, later in pairwise(slots))
        return slots

    @cached_property
    def _times(self) -> tuple[timedelta, ...]:
        cron = self.expression
        assert isinstance(cron, Cron)
        return tuple(timedelta(hours=hour, minutes=minute) for hour in cron.hours for minute in cron.minutes)

    def _utc(self, local: datetime) -> datetime | None:
        """The moment of a local time, the first of two; None if the clock never shows it."""
        moment = local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        return moment if moment.astimezone(self.zone).replace(tzinfo=None) == local else None

"""Schedule expressions as values that print themselves in AWS's syntax."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

from orchestrator.errors import InvalidSchedule
from orchestrator.schedules.fields import HOUR, MINUTE, MONTH, WEEKDAYS, YEAR, Days

#: "CreateSchedule": the length of ScheduleExpression.
LONGEST_EXPRESSION = 256

_CALL = re.compile(r"(cron|rate|at)\((.*)\)", re.DOTALL)
_RATE = re.compile(r"([0-9]{1,9}) +(minute|hour|day)s?")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class Cron:
    """``cron(minute hour day-of-month month day-of-week year)``, on the clock of a time zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: tuple[int, ...]
    years: tuple[int, ...]
    #: The fields as written, names in capitals.
    text: str = field(compare=False)

    def __str__(self) -> str:
        return f"cron({self.text})"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """``rate(value unit)``: elapsed time; a day is 24 hours whatever the clocks do."""

    value: int
    unit: str

    def __str__(self) -> str:
        return f"rate({self.value} {self.unit}{'' if self.value == 1 else 's'})"

    @cached_property
    def period(self) -> timedelta:
        return timedelta(**{f"{self.unit}s": self.value})


@dataclass(frozen=True, kw_only=True)
class At:
    """``at(yyyy-mm-ddThh:mm:ss)``: once, on the clock of a time zone."""

    #: Without a time zone.
    local: datetime

    def __str__(self) -> str:
        return f"at({self.local.isoformat(timespec='seconds')})"


Expression = Cron | Rate | At


# Ten thousand tasks share few expressions, and each is asked for when it is checked, spread and planned.
@lru_cache(maxsize=16384)
def parse(text: str) -> Expression:
    """Parses ``text``. Raises :class:`InvalidSchedule`, which names the field, its value and what is allowed there."""
    if len(text) > LONGEST_EXPRESSION:
        length = f"{len(text)} characters"
        raise InvalidSchedule(text[:40] + "…", "expression", length, f"at most {LONGEST_EXPRESSION} characters")
    match = _CALL.fullmatch(text.strip())
    if match is None:
        fields = text.split()
        meant = _from_unix(fields) if len(fields) == 5 else f"cron({text.strip()})" if len(fields) == 6 else ""
        hint = f"did you mean {meant}?" if meant else ""
        raise InvalidSchedule(text, "expression", text, "cron(…), rate(…) or at(…)", hint)
    kind, inside = match.groups()
    readers: dict[str, Callable[[str, str], Expression]] = {"cron": _cron, "rate": _rate, "at": _at}
    return readers[kind](text, inside.strip())


def _cron(text: str, inside: str) -> Cron:
    fields = inside.upper().split()
    if len(fields) != 6:
        unix = "Unix cron has five fields, Scheduler a sixth for the year"
        hint = f"{unix}: {_from_unix(fields)}" if len(fields) == 5 else ""
        allowed = "six fields: minute hour day-of-month month day-of-week year"
        raise InvalidSchedule(text, "expression", f"{len(fields)} fields", allowed, hint)
    minute, hour, of_month, month, of_week, year = fields
    cron = Cron(
        minutes=tuple(sorted(MINUTE.values(text, minute))),
        hours=tuple(sorted(HOUR.values(text, hour))),
        days=Days.parse(text, of_month, of_week),
        months=tuple(sorted(MONTH.values(text, month))),
        years=tuple(sorted(YEAR.values(text, year))),
        text=" ".join(fields),
    )
    if not any(cron.days.in_month(year, month) for year in cron.years for month in cron.months):
        raise InvalidSchedule(text, "day-of-month", f"{of_month} in month {month}", "a date that some year has")
    return cron


def _from_unix(fields: list[str]) -> str:
    """Translates Unix cron's five fields into Scheduler's six.

    In Unix both day fields may be ``*``, and Sunday is 0 or 7, where Scheduler has 1 for it.
    """
    minute, hour, day, month, weekday = (field.upper() for field in fields)
    named = re.sub(r"(?<![0-9/#])[0-7](?![0-9])", lambda number: WEEKDAYS[int(number[0]) % 7], weekday)
    weekday, day = ("?", day) if weekday == "*" else (named, "?" if day == "*" else day)
    return f"cron({minute} {hour} {day} {month} {weekday} *)"


def _rate(text: str, inside: str) -> Rate:
    match = _RATE.fullmatch(inside)
    if match is None or int(match[1]) == 0:
        raise InvalidSchedule(
            text, "rate", inside, "a positive number and minutes, hours or days, like rate(5 minutes)"
        )
    return Rate(value=int(match[1]), unit=match[2])


def _at(text: str, inside: str) -> At:
    allowed = "a date and time without zone, like at(2026-12-01T08:00:00)"
    if not _AT.fullmatch(inside):
        raise InvalidSchedule(text, "at", inside, allowed)
    try:
        return At(local=datetime.fromisoformat(inside))
    except ValueError as fault:
        raise InvalidSchedule(text, "at", inside, allowed, str(fault)) from fault

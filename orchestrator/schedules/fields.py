"""The fields of a cron expression: what each allows, and what its text means."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from orchestrator.errors import InvalidSchedule

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_PART = re.compile(r"(?P<first>\*|[0-9A-Z]+)(?:-(?P<last>[0-9A-Z]+))?(?:/(?P<step>[0-9]+))?")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One of the six."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        names = f" or {next(iter(self.names))}–{list(self.names)[-1]}" if self.names else ""
        return f"{self.low}–{self.high}{names}, with , - / and *"

    def refuse(self, expression: str, given: str, hint: str = "") -> InvalidSchedule:
        return InvalidSchedule(expression, self.name, given, self.allowed, hint)

    def values(self, expression: str, text: str) -> frozenset[int]:
        """The values of a list of numbers, names, ranges and steps. Raises :class:`InvalidSchedule`."""
        return frozenset(value for part in text.split(",") for value in self._part(expression, part))

    def _part(self, expression: str, text: str) -> range:
        match = _PART.fullmatch(text)
        if match is None:
            raise self.refuse(expression, text)
        first, last, step = match["first"], match["last"], match["step"]
        if first == "*":
            if last:
                raise self.refuse(expression, text)
            low, high = self.low, self.high
        else:
            low = self.number(expression, first)
            # `5/10` begins at 5 and goes on to the end; `5` is 5.
            high = self.number(expression, last) if last else self.high if step else low
        if low > high:
            raise self.refuse(expression, text, f"a range goes upwards: write {first}-{self.high},{self.low}-{last}")
        if step is not None and int(step) == 0:
            raise self.refuse(expression, text, "a step is at least 1")
        return range(low, high + 1, int(step or 1))

    def number(self, expression: str, text: str) -> int:
        value = self.names.get(text) or (int(text) if text.isdecimal() and len(text) <= 4 else None)
        if value is None or not self.low <= value <= self.high:
            hint = "Scheduler counts SUN as 1 and SAT as 7" if self.name == "day-of-week" and text == "0" else ""
            raise self.refuse(expression, text, hint)
        return value


MINUTE = Field(name="minute", low=0, high=59)
HOUR = Field(name="hour", low=0, high=23)
DAY_OF_MONTH = Field(name="day-of-month", low=1, high=31)
MONTH = Field(name="month", low=1, high=12, names=dict(zip(_MONTHS, range(1, 13), strict=True)))
DAY_OF_WEEK = Field(name="day-of-week", low=1, high=7, names=dict(zip(WEEKDAYS, range(1, 8), strict=True)))
YEAR = Field(name="year", low=1970, high=2199)


@dataclass(frozen=True, kw_only=True)
class Days:
    """The days of a month that the two day fields name; one of the fields is ``?``, which is None here."""

    of_month: frozenset[int] | None = None
    #: 1 is Sunday.
    of_week: frozenset[int] | None = None
    #: ``L``: the last day; ``LW``: the last weekday.
    last: bool = False
    last_weekday: bool = False
    #: ``15W``: the weekday nearest to these days, in the same month.
    nearest_weekday: frozenset[int] = frozenset()
    #: ``6L``: the last of these weekdays.
    last_of_week: frozenset[int] = frozenset()
    #: ``6#3``: the third Friday.
    nth_of_week: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def parse(cls, expression: str, of_month: str, of_week: str) -> Days:
        """Raises :class:`InvalidSchedule`, also unless exactly one of the two is ``?``."""
        if (of_month == "?") == (of_week == "?"):
            hint = "write ? in the day-of-week field" if of_week == "*" else "write ? in the day-of-month field"
            both = f"{of_month} and {of_week}"
            raise InvalidSchedule(expression, "day-of-month and day-of-week", both, "exactly one of them to be ?", hint)
        return cls._of_month(expression, of_month) if of_week == "?" else cls._of_week(expression, of_week)

    @classmethod
    def _of_month(cls, expression: str, text: str) -> Days:
        parts = text.split(",")
        plain = [part for part in parts if part not in ("L", "LW") and not part.endswith("W")]
        return cls(
            of_month=DAY_OF_MONTH.values(expression, ",".join(plain)) if plain else frozenset(),
            last="L" in parts,
            last_weekday="LW" in parts,
            nearest_weekday=frozenset(
                DAY_OF_MONTH.number(expression, part[:-1]) for part in parts if part.endswith("W") and part != "LW"
            ),
        )

    @classmethod
    def _of_week(cls, expression: str, text: str) -> Days:
        parts = ["SAT" if part == "L" else part for part in text.split(",")]
        nth = [part for part in parts if "#" in part]
        lasts = [part for part in parts if part.endswith("L") and part not in nth]
        plain = [part for part in parts if part not in nth and part not in lasts]
        if len(nth) > 1:
            raise DAY_OF_WEEK.refuse(expression, text, "only one # is allowed")
        return cls(
            of_week=DAY_OF_WEEK.values(expression, ",".join(plain)) if plain else frozenset(),
            last_of_week=frozenset(DAY_OF_WEEK.number(expression, part[:-1]) for part in lasts),
            nth_of_week=frozenset(cls._nth(expression, part) for part in nth),
        )

    @staticmethod
    def _nth(expression: str, part: str) -> tuple[int, int]:
        weekday, _, nth = part.partition("#")
        if nth not in {"1", "2", "3", "4", "5"}:
            raise DAY_OF_WEEK.refuse(expression, part, "a month has the 1st to the 5th of a weekday")
        return DAY_OF_WEEK.number(expression, weekday), int(nth)

    def in_month(self, year: int, month: int) -> tuple[int, ...]:
        """The days of that month, in order."""
        return _in_month(self, *calendar.monthrange(year, month))

    def _matching(self, first: int, length: int) -> Iterator[int]:
        # calendar counts Monday as 0, Scheduler counts Sunday as 1.
        weekdays = {day: (first + day) % 7 + 1 for day in range(1, length + 1)}
        for day, weekday in weekdays.items():
            if (
                day in (self.of_month or ())
                or weekday in (self.of_week or ())
                or (self.last and day == length)
                or (weekday in self.last_of_week and day + 7 > length)
                or (weekday, (day + 6) // 7) in self.nth_of_week
            ):
                yield day
        working = [day for day, weekday in weekdays.items() if 2 <= weekday <= 6]
        if self.last_weekday:
            yield working[-1]
        for day in self.nearest_weekday:
            if day <= length:
                yield min(working, key=lambda other: abs(other - day))


@lru_cache(maxsize=4096)
def _in_month(days: Days, first: int, length: int) -> tuple[int, ...]:
    """Returns the days in a month of this first weekday and length; there are only 28 such months."""
    return tuple(sorted(set(days._matching(first, length))))

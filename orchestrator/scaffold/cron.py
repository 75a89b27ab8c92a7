"""Unix cron as crontabs and Airflow write it: when it fires, and the same for EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.errors import InvalidSchedule
from orchestrator.schedules import Schedule

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

#: Name, first and last value, and names of values from the first on.
_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)

#: "crontab(5)": what the words stand for.
PRESETS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

#: Nothing later is looked for: 29 February may be eight years away.
_DAYS_AHEAD = 366 * 41


@dataclass(frozen=True, kw_only=True)
class UnixCron:
    """Five fields, as texts and as the values that they hold."""

    texts: tuple[str, ...]
    values: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, text: str) -> UnixCron:
        """Raises ValueError, which says what is wrong."""
        texts = tuple(PRESETS.get(text, text).upper().split())
        if len(texts) != len(_FIELDS):
            raise ValueError(f"expected five fields, found {text!r}")
        return cls(texts=texts, values=tuple(_values(one, *spec) for one, spec in zip(texts, _FIELDS, strict=True)))

    def fires(self, after: datetime, timezone: str) -> Iterator[datetime]:
        """Yields each moment in UTC at which cron fires, without local times that do not exist."""
        zone = ZoneInfo(timezone)
        local = after.astimezone(zone)
        for number in range(_DAYS_AHEAD):
            day = local.date() + timedelta(days=number)
            if day.month in self.values[3] and self._is_day(day.day, day.isoweekday() % 7):
                for hour in sorted(self.values[1]):
                    for minute in sorted(self.values[0]):
                        moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)
                        there = moment.astimezone(zone)
                        if (there.hour, there.minute) == (hour, minute) and moment > after:
                            yield moment

    def expressions(self) -> tuple[str, ...]:
        """The same in EventBridge Scheduler's words: two where cron fires on either of two kinds of days.

        Raises ValueError where a day must be of both kinds, which one expression cannot say there, and where cron never
        fires.
        """
        made = self._made()
        try:
            for expression in made:
                Schedule.of(expression)
        except InvalidSchedule as fault:
            raise ValueError(f"it never fires: {fault}") from fault
        return made

    def _made(self) -> tuple[str, ...]:
        minute, hour, day, month, weekday = self.texts
        time = f"{_written(minute, self.values[0], 0)} {_written(hour, self.values[1], 0)}"
        months, days = _written(month, self.values[3], 1), _written(day, self.values[2], 1)
        by_month, by_week = (
            f"cron({time} {days} {months} ? *)",
            f"cron({time} ? {months} {_weekdays(self.values[4])} *)",
        )
        if weekday == "*":
            return (by_month,)
        if day == "*":
            return (by_week,)
        if self._is_both:
            raise ValueError(
                f"days that are both {day} of the month and {weekday} of the week: no expression says that"
            )
        return (by_month, by_week)

    @property
    def _is_both(self) -> bool:
        """Whether a day must be of both kinds: else, where both are restricted, either is enough ("crontab(5)")."""
        return self.texts[2].startswith("*") or self.texts[4].startswith("*")

    def _is_day(self, day: int, weekday: int) -> bool:
        of_month, of_week = day in self.values[2], weekday in self.values[4]
        return of_month and of_week if self._is_both else of_month or of_week


def _values(text: str, name: str, first: int, last: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        try:
            low = first if begin == "*" else _number(begin, first, names)
            high = last if begin == "*" or (step and not end) else _number(end, first, names) if end else low
            wanted = range(low, high + 1, int(step) if step else 1)
        except ValueError:
            raise ValueError(f"{name}: {part!r} is not what cron knows") from None
        if low < first or high > last or not wanted:
            raise ValueError(f"{name}: {part!r} is not within {first}-{last}")
        found.update(wanted)
    # Both 0 and 7 are Sunday.
    return frozenset(value % 7 for value in found) if last == 7 else frozenset(found)


def _number(text: str, first: int, names: tuple[str, ...]) -> int:
    return names.index(text[:3]) + first if text[:3] in names else int(text)


def _written(text: str, values: frozenset[int], first: int) -> str:
    if text == "*":
        return "*"
    begin, _, step = text.partition("/")
    if begin == "*" and step:
        return f"{first}/{step}"
    return ",".join(map(str, sorted(values)))


def _weekdays(values: frozenset[int]) -> str:
    if values == frozenset(range(1, 6)):
        return "MON-FRI"
    return ",".join(_DAYS[value] for value in sorted(values))

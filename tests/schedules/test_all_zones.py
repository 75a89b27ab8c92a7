"""Fire times agree with two oracles in every zone of the time zone database, over two years; the proof has eleven.

Both are written otherwise than the code. One asks of each local minute that an expression names, at which moments a
clock of the zone shows it, trying every offset that the zone has: it covers every day. The other goes through the
minutes of elapsed time around each change of clock and remembers which local times it has seen: it covers every minute
of every gap and every fold.
"""

from __future__ import annotations

import calendar
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from orchestrator.schedules import Schedule

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

#: Each expression, and what it means of a local minute.
MEANINGS: dict[str, Callable[[datetime], bool]] = {
    "cron(30 0-3,23 * * ? *)": lambda at: at.minute == 30 and at.hour in {23, 0, 1, 2, 3},
    "cron(0 2 ? * SUN *)": lambda at: (at.hour, at.minute) == (2, 0) and at.isoweekday() == 7,
    "cron(15 1 L * ? *)": lambda at: (at.hour, at.minute) == (1, 15) and (at + DAY).day == 1,
    "cron(59 23 LW 3,10 ? *)": lambda at: (
        (at.hour, at.minute) == (23, 59) and at.month in {3, 10} and at.day == last_weekday(at.year, at.month)
    ),
    "cron(0 0 ? 3-11 1#2 *)": lambda at: (
        (at.hour, at.minute) == (0, 0) and 3 <= at.month <= 11 and at.isoweekday() == 7 and 8 <= at.day <= 14
    ),
    "cron(45 2 ? * 1L *)": lambda at: (
        (at.hour, at.minute) == (2, 45) and at.isoweekday() == 7 and (at + 7 * DAY).month != at.month
    ),
}

Transition = tuple[datetime, timedelta, timedelta]

#: Where the years end.
UNTIL = pytest.mark.parametrize(
    "end",
    [
        pytest.param(datetime(2028, 1, 1, tzinfo=UTC), id="2028"),
        pytest.param(datetime(2037, 1, 1, tzinfo=UTC), id="2037", marks=pytest.mark.proof),
    ],
)


def last_weekday(year: int, month: int) -> int:
    return max(week[day] for week in calendar.monthcalendar(year, month) for day in range(5))


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found


def transitions(zone: ZoneInfo, end: datetime) -> Iterator[Transition]:
    """When the offset changes: found day by day, then hour by hour, then minute by minute."""
    before, moment = offset(zone, BEGIN - DAY), BEGIN - DAY
    while moment < end + DAY:
        after = offset(zone, moment + DAY)
        if after != before:
            at = moment
            for step in (HOUR, MINUTE):
                while offset(zone, at + step) == before:
                    at += step
            yield at + MINUTE, before, after
        before, moment = after, moment + DAY


@cache
def clocks(end: datetime) -> list[tuple[ZoneInfo, list[Transition]]]:
    """One zone for each of the different clocks of all zones, and how it is set."""
    found: dict[tuple[object, ...], tuple[ZoneInfo, list[Transition]]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        changes = list(transitions(zone, end))
        found.setdefault((offset(zone, BEGIN), *changes), (zone, changes))
    return list(found.values())


@cache
def named(expression: str, end: datetime) -> Sequence[datetime]:
    """The local minutes that an expression names: each minute of the calendar is asked."""
    means = MEANINGS[expression]
    local, last = BEGIN.replace(tzinfo=None) - DAY, end.replace(tzinfo=None) + DAY
    found = []
    while local < last:
        if means(local):
            found.append(local)
        local += MINUTE
    return found


@UNTIL
def test_every_clock_of_the_world_is_among_them(end: datetime) -> None:
    assert len(zoneinfo.available_timezones()) > 500
    assert 60 < len(clocks(end)) < 300
    # Dozens of clocks change twice a year.
    assert sum(len(changes) for _, changes in clocks(end)) > 45 * (end.year - BEGIN.year)


@UNTIL
@pytest.mark.parametrize(
    "expression",
    [pytest.param(one, marks=[] if number == 0 else [pytest.mark.proof]) for number, one in enumerate(MEANINGS)],
)
def test_each_local_minute_is_due_when_a_clock_first_shows_it_and_never_if_none_does(
    expression: str, end: datetime
) -> None:
    wrong = defaultdict(list)
    for zone, changes in clocks(end):
        offsets = {offset(zone, BEGIN)} | {after for _, _, after in changes} | {before for _, before, _ in changes}
        due = []
        for local in named(expression, end):
            moments = [(local - by).replace(tzinfo=UTC) for by in offsets]
            shown = [moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == local]
            if shown:
                due.append(min(shown))
        found = Schedule.of(expression, zone.key).between(BEGIN, end)
        if list(found) != [moment for moment in due if BEGIN < moment <= end]:
            wrong[expression].append(zone.key)
    assert not wrong


@UNTIL
@pytest.mark.parametrize("expression", ["cron(* * * * ? *)", "cron(0/7 * ? * SUN,WED-FRI *)"])
def test_each_minute_around_a_change_of_clock_is_due_when_its_local_time_is_new(expression: str, end: datetime) -> None:
    every_day = "SUN" not in expression
    wrong = []
    for zone, changes in clocks(end):
        schedule = Schedule.of(expression, zone.key)
        for at, before, after in changes:
            reach = abs(after - before) + HOUR
            due, seen, moment = [], set(), at - 2 * reach
            while (moment := moment + MINUTE) <= at + reach:
                local = moment.astimezone(zone).replace(tzinfo=None)
                matches = every_day or (local.minute % 7 == 0 and local.isoweekday() in {7, 3, 4, 5})
                if matches and local not in seen and moment > at - reach:
                    due.append(moment)
                seen.add(local)
            if list(schedule.between(at - reach, at + reach)) != due:
                wrong.append((zone.key, at))
    assert not wrong

"""A year of thousands of schedules, with duplicates and outages: `make simulate`, or `… SEED=7`.

It prints what happened and exits with 1 if an expected slot has no row that has ended, if a row stands where no slot
was expected, or if a slot's target was called twice.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Pause
from orchestrator.tasks.slots import expected, key
from orchestrator.tasks.task import CatchUp, OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from tests.simulation.model import Outages, TaskYear, World
from tests.simulation.showing import shown

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

#: After the last slot that is looked at: grace, two rounds, and the longest that anything is out.
_AFTERMATH = timedelta(days=1)

_POLICIES = (OverlapPolicy.SKIP, OverlapPolicy.SKIP, OverlapPolicy.BUFFER_ALL, OverlapPolicy.ALLOW_ALL)
_ZONES = ("UTC", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a checker found, and what there was."""

    schedules: int = 0
    slots: int = 0
    statuses: Counter[str]
    #: Expected slots without a row that has ended.
    missed: int = 0
    #: Rows where no slot was expected, and calls of a target beyond the first for a slot.
    extra: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            schedules=self.schedules + other.schedules,
            slots=self.slots + other.slots,
            statuses=self.statuses + other.statuses,
            missed=self.missed + other.missed,
            extra=self.extra + other.extra,
        )

    @property
    def wrong(self) -> int:
        return self.missed + self.extra


def world(seed: int, days: int, **more: object) -> World:
    """The outages of a seed: some hours of each part, now and then all at once."""
    chance = Random(f"world {seed}")
    begin, end = BEGIN.timestamp(), (BEGIN + timedelta(days=days) + _AFTERMATH).timestamp()
    common = _outages(chance, begin, days, 60)
    scheduler, runner, watchdog = (_together(common, _outages(chance, begin, days, 20)) for _ in range(3))
    return World(begin=begin, end=end, scheduler=scheduler, runner=runner, watchdog=watchdog, **more)  # type: ignore[arg-type]


def _outages(chance: Random, begin: float, days: int, every_days: int) -> list[tuple[float, float]]:
    count = max(1, days // every_days)
    starts = sorted(begin + chance.random() * days * 86_400 for _ in range(count))
    return [(start, start + chance.expovariate(1 / 5400)) for start in starts]


def _together(*lists: list[tuple[float, float]]) -> Outages:
    merged: list[list[float]] = []
    for start, end in sorted(outage for outages in lists for outage in outages):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    return Outages(begins=tuple(one[0] for one in merged), ends=tuple(one[1] for one in merged))


def task(number: int, seed: int) -> Task:
    """A task of this number: weekly and monthly ones most of all, daily ones, some that run all the time."""
    chance = Random(f"task {seed} {number}")
    minute, hour = chance.randrange(60), chance.randrange(24)
    kind = number % 1000
    expression = (
        "rate(15 minutes)" if kind == 0
        else "rate(1 hour)" if kind < 3
        else f"cron({minute} {hour} * * ? *)" if kind < 220
        else f"cron({minute} {hour} ? * {chance.randrange(1, 8)} *)" if kind < 600
        else f"cron({minute} {hour} {chance.choice(['1', '15', 'L', '31'])} * ? *)" if kind < 900
        else f"cron({minute} {hour} {chance.randrange(1, 29)} {chance.randrange(1, 13)} ? *)"
    )  # fmt: skip
    return Task(
        id=f"task-{number}",
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=(TaskSchedule(expression=expression, timezone=chance.choice(_ZONES)),),
        overlap=chance.choice(
            [OverlapPolicy.SKIP, OverlapPolicy.SKIP, OverlapPolicy.BUFFER_ALL, OverlapPolicy.ALLOW_ALL]
        ),
        catch_up=chance.choice(list(CatchUp)),
        catch_up_window_seconds=chance.choice([3600, 86_400]),
        grace_seconds=chance.choice([300, 900]),
    )


def _pause(chance: Random, days: int) -> Pause | None:
    if chance.random() < 0.8:
        return None
    since = BEGIN + timedelta(days=chance.random() * days)
    return Pause(who="ann", why="migration", since=key(since), until=key(since + timedelta(days=chance.random() * 14)))


def live(number: int, seed: int, days: int, around: World, *, watched: bool = True) -> Figures:
    """A task's time, and what the checker says of it."""
    chance = Random(f"life {seed} {number}")
    one = task(number, seed)
    until = BEGIN + timedelta(days=days)
    wanted = expected(one, BEGIN, until + _AFTERMATH)
    if not watched:
        never = Outages(begins=(around.begin,), ends=(around.end * 2,))
        around = replace(around, watchdog=never)
    year = TaskYear(task=one, world=around, chance=chance, pause=_pause(chance, days))
    year.live([slot.at.timestamp() for slot in wanted])
    checked = {key(slot.at) for slot in wanted if slot.at <= until}
    unfinished = year.unfinished()
    there = {slot for slot, row in year.rows.items() if row.status is not RunStatus.SKIPPED or slot in checked}
    return Figures(
        schedules=1,
        slots=len(checked),
        statuses=Counter(row.status for slot, row in year.rows.items() if slot in checked),
        missed=sum(slot not in year.rows or slot in unfinished for slot in checked),
        extra=len(there - {key(slot.at) for slot in wanted}) + sum(count - 1 for count in year.effects.values()),
    )


def _part(given: tuple[range, int, int, World]) -> Figures:
    numbers, seed, days, around = given
    return sum((live(number, seed, days, around) for number in numbers), Figures(statuses=Counter()))


def simulate(count: int, days: int, seed: int, *, workers: int = 2) -> Figures:
    around = world(seed, days)
    parts = 20
    work = [(range(first, count, parts), seed, days, around) for first in range(parts)]
    with ProcessPoolExecutor(workers) as pool:
        return sum(pool.map(_part, work), Figures(statuses=Counter()))


def lines(found: Figures) -> Iterator[str]:
    yield f"{found.schedules} schedules, {found.slots} slots: missed {found.missed}, extra {found.extra}"
    yield ", ".join(f"{status} {count}" for status, count in found.statuses.most_common())


def main(seed: int = 1, count: int = 5000, days: int = 365) -> int:
    return shown(lambda: simulate(count, days, seed), lines, seed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

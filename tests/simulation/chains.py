"""A year of chains of tasks that wait for each other: `.venv/bin/python -m tests.simulation.chains`, or `… 7`.

What decides is real: which slots wait (:mod:`orchestrator.tasks.dependencies`), what becomes of them
(:mod:`orchestrator.operations.releasing`) and what runs again with them (:mod:`orchestrator.operations.chains`), on
stores in memory. Scheduler, TaskRunner, stream and watchdog fail at times. The checker knows each task's slots from a
list alone, and asks when a slot is released whether what it waits for has succeeded. Exits with 1 if not, if a slot
waits for ever, has no row, or runs too often.
"""

from __future__ import annotations

import heapq
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from orchestrator.instants import to_millisecond
from orchestrator.operations.chains import Chains
from orchestrator.operations.releasing import Releasing
from orchestrator.runs.claims import gates
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, Run, RunEnd, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Checkpoint, Record
from orchestrator.schedules.calendars import Closure
from orchestrator.tasks.dependencies import deadline_of
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.slots import expected, key
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import OnDeadline, OnFailure, SlotOf, Upstream
from tests.simulation.model import GIVEN_UP_SECONDS, ROUND_SECONDS, World
from tests.simulation.showing import shown
from tests.simulation.year import world

_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago")
_MONTHLY, _WEEKLY = ("1", "2", "15", "L"), ("MON", "FRI", "SUN")

#: A slot waits for a week at most, and so does one that waits for it, from its own time on.
_AFTERMATH = timedelta(days=40)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a checker found, and what there was."""

    chains: int = 0
    slots: int = 0
    held: int = 0
    again: int = 0
    statuses: Counter[str]
    #: Slots that ran before what they wait for had succeeded, and nothing allowed it.
    violated: int = 0
    #: Slots that still wait when everything is over.
    waiting: int = 0
    #: Expected slots without a row that has ended.
    missed: int = 0
    #: Rows where no slot was expected, and runs beyond the first for which nobody has asked.
    extra: int = 0

    def __add__(self, other: Figures) -> Figures:
        mine, others = vars(self), vars(other)
        return Figures(**{name: mine[name] + others[name] for name in mine})

    @property
    def wrong(self) -> int:
        return self.violated + self.waiting + self.missed + self.extra


def tasks_of(number: int, seed: int) -> list[Task]:
    """Two to four tasks, each after one or two of those before it; a few are hourly, most are daily or rarer."""
    chance = Random(f"chain {seed} {number}")
    made: list[Task] = []
    for place in range(chance.randrange(2, 5)):
        hourly = number % 100 == 0 and place < 2
        earlier = chance.sample(made, k=min(len(made), chance.choice([1, 1, 2])))
        kinds = [SlotOf.SAME, SlotOf.SAME, SlotOf.LATEST_BEFORE, SlotOf.PREVIOUS]
        after = [Upstream(task_id=one.id, slot=chance.choice(kinds)) for one in earlier]
        if made and chance.random() < 0.1:
            after[0] = replace(after[0], slot=SlotOf.SAME_DAY)
        if chance.random() < 0.1:
            after.append(Upstream(task_id=f"task-{place}", slot=SlotOf.PREVIOUS))
        made.append(
            Task(
                id=f"task-{place}",
                target=Target(kind=TargetKind.LAMBDA, name="work"),
                schedules=(
                    TaskSchedule(expression=_expression(chance, hourly=hourly), timezone=chance.choice(_ZONES)),
                ),
                after=tuple(after),
                deadline=chance.choice(["", "", "14400", "08:30"]),
                on_upstream_failure=chance.choice(list(OnFailure)),
                on_deadline=chance.choice(list(OnDeadline)),
                closures=_sundays() if chance.random() < 0.15 else (),
            )
        )
    return [replace(one, downstream=tuple(_waiting(one.id, made))) for one in made]


def _waiting(task_id: str, tasks: list[Task]) -> Iterator[str]:
    return (one.id for one in tasks if any(edge.task_id == task_id for edge in one.after))


def _expression(chance: Random, *, hourly: bool) -> str:
    minute, hour = chance.randrange(60), chance.randrange(24)
    if hourly:
        return f"cron({minute} * * * ? *)"
    kind = chance.random()
    if kind < 0.55:
        return f"cron({minute} {hour} * * ? *)"
    if kind < 0.75:
        return f"cron({minute} {hour} ? * {chance.choice(_WEEKLY)} *)"
    return f"cron({minute} {hour} {chance.choice(_MONTHLY)} * ? *)"


def _sundays() -> tuple[Closure, ...]:
    first = datetime(2025, 12, 7, tzinfo=UTC)
    days = (first + timedelta(weeks=weeks) for weeks in range(70))
    return tuple(Closure(since=day, until=day + timedelta(days=1), why="Sunday") for day in days)


Place = tuple[str, str]


@dataclass(kw_only=True)
class Chain:
    """A chain's time, and the stores that it lives on: registry, ledger, recorder and runner in one."""

    tasks: Mapping[str, Task]
    world: World
    chance: Random
    lost: float = 0.05
    watched: bool = True
    gated: bool = True
    rows: dict[Place, Run] = field(default_factory=dict)
    effects: Counter[Place] = field(default_factory=Counter)
    asked: Counter[Place] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    #: Of those rows, the held ones.
    held: set[Place] = field(default_factory=set)
    now: float = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self.begin, self.end = (datetime.fromtimestamp(at, UTC) for at in (self.world.begin, self.world.end))
        self.slots = {
            one.id: expected(one, self.begin - timedelta(days=60), self.end + _AFTERMATH) for one in self.tasks.values()
        }
        self.running = {name: [one.at for one in slots if not one.skipped] for name, slots in self.slots.items()}
        self.due = {
            name: [one for one in slots if self.begin < one.at <= self.end] for name, slots in self.slots.items()
        }
        stores = cast(Any, self)
        ledger = cast(Any, _Ledger(self))
        self.releasing = Releasing(registry=stores, ledger=ledger, recorder=stores, runner=stores, pools=stores)
        self.chains = Chains(registry=stores, ledger=ledger)

    def live(self) -> None:
        for name, slots in self.due.items():
            for slot in slots:
                self._deliver(name, slot.at, slot.skipped)
        last = (self.end + _AFTERMATH).timestamp()
        while self._events and self._events[0][0] <= last:
            self.now, _, do = heapq.heappop(self._events)
            do()

    def _in(self, seconds: float, do: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + seconds, self._number, do))

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    # --- Scheduler, TaskRunner and the watchdog

    def _deliver(self, name: str, at: datetime, closed: str | None) -> None:
        slot, due = key(at), at.timestamp()
        delivered = self.world.runner.over(self.world.scheduler.over(due + self.chance.random() * 30))
        if delivered - due > GIVEN_UP_SECONDS or self.chance.random() < 0.001:
            self._at_round(due + 900, lambda: self._missed(name, slot, closed))
            return
        self.now = delivered
        self._in(0, lambda: self._start(name, slot, closed))
        if self.chance.random() < self.world.duplicated:
            self._in(self.chance.random() * 900, lambda: self._start(name, slot, closed))

    def _missed(self, name: str, slot: str, closed: str | None) -> None:
        status, reason = (RunStatus.SKIPPED, SkipReason.CLOSED) if closed else (RunStatus.MISSED, None)
        if (name, slot) not in self.rows:
            self._write(Run(task_id=name, slot=slot, status=status, reason=reason))

    def _start(self, name: str, slot: str, closed: str | None) -> None:
        if (name, slot) in self.rows:
            return
        run = Run(task_id=name, slot=slot, status=RunStatus.WAITING, started_at=self._stamp())
        if closed:
            self._write(replace(run, status=RunStatus.SKIPPED, reason=SkipReason.CLOSED))
        elif self.gated and gates(self.tasks[name], Trigger.SCHEDULE, slot):
            self.figures["held"] += 1
            self._write(replace(run, hold=Hold(kind=HoldKind.UPSTREAM, since=self._stamp())))
        else:
            self._check(run, self.tasks[name], Hold(kind=HoldKind.UPSTREAM, since=self._stamp()))
            self._run(run)

    def _stamp(self) -> str:
        # No two starts are at the same moment.
        self._number += 1
        return to_millisecond(self.moment + timedelta(milliseconds=self._number % 1000))

    def _run(self, run: Run) -> None:
        place = (run.task_id, run.slot)
        running = replace(run, status=RunStatus.RUNNING, started_at=self._stamp(), hold=None)
        self.effects[place] += 1
        self._put(running)
        died, failed = self.chance.random() < 0.005, self.chance.random() < 0.04
        status = RunStatus.ABORTED if died else RunStatus.FAILED if failed else RunStatus.SUCCEEDED
        seconds = self.chance.expovariate(1 / 600)

        def end() -> None:
            if self.rows[place] == running:
                self._write(replace(running, status=status))
                if status in UNSUCCESSFUL and self.chance.random() < 0.5:
                    self._in(self.chance.expovariate(1 / 20_000), lambda: self._again(place))

        if died:
            self._at_round(self.now + seconds + 300, end)
        else:
            self._in(seconds, end)

    def _again(self, place: Place) -> None:
        """A person runs a slot again, mostly with all that is downstream."""
        run = self.rows[place]
        if run.status not in TERMINAL or self.moment > self.end:
            return
        if self.chance.random() < 0.7:
            chain = self.chains.downstream([place], self.moment)
            for held in self.chains.hold(cast(Any, self), chain, self.moment):
                self.asked[held.task_id, held.slot] += 1
                self.figures["again"] += 1
        self.asked[place] += 1
        self.figures["again"] += 1
        self.now += 1
        self._run(replace(run, trigger=Trigger.RERUN))

    def _at_round(self, at: float, do: Callable[[], None]) -> None:
        """By the watchdog, when it works next."""
        if not self.watched:
            return
        at = self.world.watchdog.over(at)
        at += ROUND_SECONDS - at % ROUND_SECONDS
        before, self.now = self.now, at
        self._in(0, do)
        self.now = before

    # --- the stream

    def _write(self, run: Run) -> None:
        """And whoever follows the stream hears of it, unless the record is lost; the watchdog looks later on."""
        self._put(run)
        if self.chance.random() >= self.lost:
            self._in(0.1 + self.chance.random(), lambda: self._follow(run))
        else:
            self._at_round(self.now + 1, self._look)

    def _put(self, run: Run) -> None:
        place = (run.task_id, run.slot)
        self.rows[place] = run
        (self.held.add if run.hold is not None else self.held.discard)(place)

    def _follow(self, run: Run) -> None:
        if run.hold is not None:
            self.releasing.consider(run.task_id, run.slot, self.moment)
        elif run.status in TERMINAL:
            self.releasing.ended(run, self.moment)

    def _look(self) -> None:
        """All other rounds find what they have found before."""
        for name, slot in sorted(self.held):
            self.releasing.consider(name, slot, self.moment)

    # --- what Releasing and Chains read and write

    def get(self, task_id: str) -> Record:
        since = Checkpoint(checked_until=key(self.begin), next_run=None, since=key(self.begin))
        return Record(task=self.tasks[task_id], checkpoint=since)

    def hold(self, run: Run, hold: Hold) -> bool:
        place = (run.task_id, run.slot)
        if self.rows[place].version != run.version or self.rows[place].hold is None:
            return False
        self._put(replace(self.rows[place], hold=hold))
        if hold.deadline and not (run.hold and run.hold.deadline):
            due = datetime.fromisoformat(hold.deadline).timestamp()
            self._at_round(due, lambda: self._consider(place))
        return True

    def _consider(self, place: Place) -> None:
        self.releasing.consider(*place, self.moment)

    def end_held(self, run: Run, end: RunEnd) -> bool:
        self._write(replace(self.rows[run.task_id, run.slot], status=end.status, reason=end.reason, hold=None))
        return True

    def hold_again(self, task_id: str, slot: str, run: Run | None, hold: Hold, now: datetime) -> bool:
        del run, now
        row = Run(task_id=task_id, slot=slot, status=RunStatus.WAITING, started_at=self._stamp(), hold=hold)
        self._write(replace(row, trigger=Trigger.BACKFILL))
        return True

    def release(self, run: Run, hold: Hold, now: datetime) -> None:
        """Twice at times; the claim takes the place of a version once."""
        self._check(run, self.tasks[run.task_id], hold)

        def take() -> None:
            row = self.rows[run.task_id, run.slot]
            if row.hold is not None and row.version == run.version:
                self._run(row)

        for _ in range(2 if self.chance.random() < 0.1 else 1):
            at = self.world.runner.over(now.timestamp() + self.chance.random())
            self._in(max(at - self.now, 0), take)

    # --- the checker

    def _check(self, run: Run, task: Task, hold: Hold) -> None:
        """Whether a slot may run now, by the lists of slots."""
        at = datetime.fromisoformat(run.slot)
        late = deadline_of(task, at, datetime.fromisoformat(hold.since)) <= self.moment
        if late and task.on_deadline is OnDeadline.RUN:
            return
        for edge in task.after:
            for upstream in self._upstreams(edge, task, at):
                row = self.rows.get((edge.task_id, key(upstream)))
                if row is None:
                    self.figures["violated"] += upstream > self.begin
                    continue
                has_ended = row.status in TERMINAL
                may = has_ended and task.on_upstream_failure is OnFailure.RUN
                fresh = (
                    f"{edge.task_id}#{key(upstream)}" not in hold.fresh or (row.started_at or "") >= hold.fresh_since
                )
                self.figures["violated"] += not ((row.status is RunStatus.SUCCEEDED or may) and fresh)

    def _upstreams(self, edge: Upstream, task: Task, at: datetime) -> list[datetime]:
        slots = self.running[edge.task_id]
        match edge.slot:
            case SlotOf.SAME:
                return slots[: bisect_right(slots, at)][-1:]
            case SlotOf.LATEST_BEFORE:
                return slots[: bisect_left(slots, at)][-1:]
            case SlotOf.PREVIOUS:
                return slots[: bisect_right(slots, at)][-2:-1]
            case SlotOf.SAME_DAY:
                zone = ZoneInfo(task.schedules[0].timezone)
                near = slots[bisect_left(slots, at - timedelta(days=2)) : bisect_right(slots, at + timedelta(days=2))]
                return [one for one in near if one.astimezone(zone).date() == at.astimezone(zone).date()]

    def found(self) -> Figures:
        due = {(name, key(slot.at)) for name, slots in self.due.items() for slot in slots}
        unfinished = [place for place, run in self.rows.items() if run.status not in TERMINAL]
        too_often = sum(max(0, n - 1 - self.asked[place]) for place, n in self.effects.items())
        return Figures(
            chains=1,
            slots=len(due),
            held=self.figures["held"],
            again=self.figures["again"],
            statuses=Counter(str(run.status) for run in self.rows.values()),
            violated=self.figures["violated"],
            waiting=len(unfinished),
            missed=len(due - self.rows.keys()),
            extra=len(self.rows.keys() - due) + too_often,
        )


class _Ledger:
    """Of a chain's rows; the registry has a ``get`` of its own."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def get(self, task_id: str, slot: str) -> Run | None:
        return self._chain.rows.get((task_id, slot))

    def held(self, task_id: str, since: str, until: str) -> list[Run]:
        mine = sorted((name, slot) for name, slot in self._chain.held if name == task_id and since <= slot <= until)
        return [self._chain.rows[place] for place in mine]


def live(number: int, seed: int, around: World, **more: Any) -> Figures:
    tasks = {task.id: task for task in tasks_of(number, seed)}
    chain = Chain(tasks=tasks, world=around, chance=Random(f"life {seed} {number}"), **more)
    chain.live()
    return chain.found()


def _part(given: tuple[range, int, World]) -> Figures:
    numbers, seed, around = given
    return sum((live(number, seed, around) for number in numbers), Figures(statuses=Counter()))


def simulate(count: int, days: int, seed: int, *, workers: int = 2) -> Figures:
    around, parts = world(seed, days), 40
    work = [(range(first, count, parts), seed, around) for first in range(parts)]
    with ProcessPoolExecutor(workers) as pool:
        return sum(pool.map(_part, work), Figures(statuses=Counter()))


def lines(found: Figures) -> Iterator[str]:
    yield f"{found.chains} chains, {found.slots} slots, {found.held} held, {found.again} run again:"
    yield (
        f"edges violated {found.violated}, waiting for ever {found.waiting}, missed {found.missed}, extra {found.extra}"
    )
    yield ", ".join(f"{status} {count}" for status, count in found.statuses.most_common())


def main(seed: int = 1, count: int = 1000, days: int = 365) -> int:
    return shown(lambda: simulate(count, days, seed), lines, seed)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

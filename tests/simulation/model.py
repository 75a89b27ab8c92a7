"""One task's year, event by event: Scheduler, runner and watchdog, each of which fails at times.

The watchdog's rules are the real ones (:mod:`orchestrator.runs.missed_slots`), and so are the slots and the claim
(:mod:`orchestrator.runs.claims`, which tests/definitions/test_claims.py holds equal to the definition). Times are
seconds since 1970.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from orchestrator.instants import to_millisecond
from orchestrator.runs.claims import Claim, Decision, Standing, Taken, decide
from orchestrator.runs.missed_slots import detect, first_checkpoint
from orchestrator.runs.run import TERMINAL, RunStatus, Trigger
from orchestrator.runs.task_state import Checkpoint, Lease, Pause
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task

#: A round of the watchdog begins so often.
ROUND_SECONDS = 300

#: Scheduler gives a slot up after this (see :mod:`orchestrator.stores.schedule_group`).
GIVEN_UP_SECONDS = 3600

#: The watchdog looks into a run that is older.
_YOUNG_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Outages:
    """When a part does not work: begins and ends in order, apart from each other."""

    begins: tuple[float, ...]
    ends: tuple[float, ...]

    def over(self, at: float) -> float:
        """The moment itself, or the end of the outage that it lies in."""
        index = bisect_right(self.begins, at) - 1
        return max(at, self.ends[index]) if index >= 0 else at


@dataclass(frozen=True, kw_only=True)
class World:
    """What all tasks have in common."""

    begin: float
    end: float
    scheduler: Outages
    runner: Outages
    watchdog: Outages
    #: Of deliveries, that there is another one.
    duplicated: float = 0.05
    #: Of runs, that the execution dies without a word.
    dying: float = 0.002
    #: Of those, that the event of its death arrives.
    heard: float = 0.9
    #: The claim asks whether the row is taken; without, it is a runner that only starts what it is told.
    claims: bool = True


@dataclass(kw_only=True)
class Row:
    status: RunStatus
    owner: int
    began: float


@dataclass(kw_only=True)
class TaskYear:
    """What becomes of a task. Run it with :meth:`live`."""

    task: Task
    world: World
    chance: Random
    pause: Pause | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    #: How often each slot's target was called.
    effects: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    lease: tuple[int, float] | None = None
    _events: list[tuple[float, int, str, Any]] = field(default_factory=list)
    _number: int = 0
    #: Runs whose execution died unheard: whose, and when.
    _dead: dict[str, tuple[int, float]] = field(default_factory=dict)

    def live(self, slots: list[float]) -> None:
        """``slots`` are those that Scheduler is to deliver."""
        self.checkpoint: Checkpoint = first_checkpoint(self.task, _moment(self.world.begin))
        for slot in slots:
            self._deliver(slot)
        self._plan_round(self.world.begin)
        while self._events:
            at, _, what, given = heapq.heappop(self._events)
            if at > self.world.end:
                return
            getattr(self, f"_on_{what}")(at, given)

    def _at(self, when: float, what: str, given: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, what, given))

    # --- Scheduler

    def _deliver(self, slot: float) -> None:
        at = self.world.runner.over(self.world.scheduler.over(slot + self.chance.random() * 30))
        if at - slot > GIVEN_UP_SECONDS:
            # To the dead-letter queue, whose handler records a failure; but the queue can be out of reach, too.
            if self.chance.random() < 0.5:
                self._at(at, "lost", slot)
            return
        self._at(at, "start", (key(_moment(slot)), False))
        if self.chance.random() < self.world.duplicated:
            self._at(at + self.chance.random() * 900, "start", (key(_moment(slot)), False))

    def _on_lost(self, at: float, slot: float) -> None:
        self.rows.setdefault(key(_moment(slot)), Row(status=RunStatus.FAILED, owner=0, began=at))

    # --- the runner

    def _on_start(self, at: float, given: tuple[str, bool]) -> None:
        slot, catches_up = given
        self._number += 1
        self._claim(at, (slot, catches_up, self._number))

    def _claim(self, at: float, given: tuple[str, bool, int]) -> None:
        slot, catches_up, me = given
        decision = self._decide(at, slot, Trigger.CATCH_UP if catches_up else Trigger.SCHEDULE, me)
        if decision is Decision.DUPLICATE:
            return
        if decision is Decision.WAIT:
            self.rows.setdefault(slot, Row(status=RunStatus.WAITING, owner=me, began=at))
            self._at(at + 60, "turn", given)
            return
        if decision is not Decision.FREE:
            self.rows[slot] = Row(status=RunStatus.SKIPPED, owner=me, began=at)
            return
        self.rows[slot] = Row(status=RunStatus.RUNNING, owner=me, began=at)
        self.lease = (me, at + self.task.lease_seconds)
        self.effects[slot] += 1
        end = at + self.chance.expovariate(1 / 60)
        if self.chance.random() >= self.world.dying:
            self._at(end, "ended", (slot, me, RunStatus.SUCCEEDED))
        elif self.chance.random() < self.world.heard:
            self._at(end, "ended", (slot, me, RunStatus.ABORTED))
        else:
            self._dead[slot] = (me, end)

    def _decide(self, at: float, slot: str, trigger: Trigger, me: int) -> Decision:
        row = self.rows.get(slot) if self.world.claims else None
        is_missed = row is not None and row.status is RunStatus.MISSED
        taken = None
        if row is not None:
            started_at = None if is_missed else to_millisecond(_moment(row.began))
            taken = Taken(status=row.status, execution_arn=str(row.owner), started_at=started_at)
        has_waited = row is not None and row.owner == me and row.status is RunStatus.WAITING
        standing = Standing(
            overlap=self.task.overlap,
            pause=self.pause if self.pause and self.pause.since <= key(_moment(at)) else None,
            lease=self.lease and Lease(execution_arn=str(self.lease[0]), expires_at=int(self.lease[1])),
        )
        claim = Claim(
            execution_arn=str(me), slot=slot, trigger=trigger, waiting_since=row.began if row and has_waited else None
        )
        return decide(claim, taken, standing, _moment(at))

    def _on_turn(self, at: float, given: tuple[str, bool, int]) -> None:
        row = self.rows[given[0]]
        if row.owner == given[2] and row.status is RunStatus.WAITING:
            self._claim(at, given)

    def _on_ended(self, at: float, given: tuple[str, int, RunStatus]) -> None:
        slot, me, status = given
        row = self.rows[slot]
        if row.owner == me and row.status is RunStatus.RUNNING:
            row.status = status
        if self.lease is not None and self.lease[0] == me:
            self.lease = None

    # --- the watchdog

    def _plan_round(self, after: float) -> None:
        """The next round that has anything to do with the task; no other changes anything."""
        due = after
        if self.checkpoint.next_run is not None:
            due = max(after, datetime.fromisoformat(self.checkpoint.next_run).timestamp())
        elif not self.rows:
            return
        self._at(self._round_after(due), "round", None)

    def _round_after(self, at: float) -> float:
        """It works at that time, and every five minutes."""
        at = self.world.watchdog.over(at)
        return at + ROUND_SECONDS - at % ROUND_SECONDS

    def _on_round(self, at: float, _: None) -> None:
        if self.world.watchdog.over(at) > at:
            self._plan_round(at)
            return
        now = _moment(at)
        for slot, owner in [(slot, owner) for slot, (owner, died) in self._dead.items() if at - died > _YOUNG_SECONDS]:
            del self._dead[slot]
            self._on_ended(at, (slot, owner, RunStatus.ABORTED))
        detection = detect(self.task, self.checkpoint, self.pause, self.rows.keys(), now)
        for verdict in detection.verdicts:
            self.rows.setdefault(verdict.slot, Row(status=verdict.status, owner=0, began=at))
            self.told[verdict.status] += verdict.status is RunStatus.MISSED
        for slot in detection.starts:
            self._at(self.world.runner.over(at), "start", (slot, True))
        self.checkpoint = detection.checkpoint
        self._plan_round(at)

    def unfinished(self) -> set[str]:
        return {slot for slot, row in self.rows.items() if row.status not in TERMINAL}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

"""Pools: how many runs of the tasks that share one may be at work at once, how many may begin in a minute, and who is
next.

Who waits is next by priority, then by slot, then by how long it has waited. So that nobody waits for ever, waiting
counts: :data:`AGEING_SECONDS` of it are as good as one priority more. Time is counted in whole periods of that length
since 1970, which makes the order a fixed one (:func:`place`): whoever comes so many periods later as there are
priorities between the two goes behind, whatever it is.

A run that is let in holds its place until its row has ended, or, if nobody hears of that, until its lease expires. It
may begin long after it was let in: whoever lets in is told late, or cannot start it and tries again. So before a place
is given away its row is asked (:func:`kept`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.instants import order
from orchestrator.runs.run import BELATED, TERMINAL, Run
from orchestrator.tasks.limits import PRIORITIES, Limit
from orchestrator.tasks.task import LONGEST_WAIT_SECONDS, OverlapPolicy, Task

#: So long a wait is worth one priority.
AGEING_SECONDS = 300

#: Who has no place yet is let in so long before its minute comes: at the most.
AHEAD_SECONDS = 60

#: Who was let in so long ago and waits to begin loses its place; every round of the watchdog tries to start it.
LATE_SECONDS = 3600

_MINUTE_SECONDS = 60

#: The policies by which a run begins, or is skipped, at once.
_UNDELAYED = (OverlapPolicy.SKIP, OverlapPolicy.TERMINATE_OTHER, OverlapPolicy.ALLOW_ALL)


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """A held slot that has no place yet."""

    task_id: str
    slot: str
    #: Of the held row: :attr:`orchestrator.runs.run.Run.version`.
    version: str
    priority: int = 0
    #: Seconds since 1970.
    since: float
    #: How long its run may take.
    lease_seconds: int
    #: How many runs of its task may be in the pool at once, where the task says so.
    at_once: int | None = None

    @classmethod
    def of(cls, task: Task, run: Run, since: datetime) -> Waiter:
        """The waiter of a held slot, which has been held so since."""
        waits = run.trigger in BELATED or task.overlap not in _UNDELAYED
        return cls(
            task_id=run.task_id,
            slot=run.slot,
            version=run.version,
            priority=task.priority,
            since=since.timestamp(),
            # Whoever is let in may have to wait for its own task's runs.
            lease_seconds=task.lease_seconds + AHEAD_SECONDS + (LONGEST_WAIT_SECONDS if waits else 0),
            at_once=task.at_once or None,
        )


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A slot that was let in. Times are seconds since 1970."""

    task_id: str
    slot: str
    version: str
    #: When its run may begin: now, or when the minute has room for it.
    begins: float
    #: From then on it is in nobody's way.
    until: float

    def is_of(self, task_id: str, slot: str, version: str) -> bool:
        return (self.task_id, self.slot, self.version) == (task_id, slot, version)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Who is in a pool, in the order in which they came, and when the last of them began or will."""

    holders: tuple[Holder, ...] = ()
    #: In order; no more than a minute may have.
    begins: tuple[float, ...] = ()

    def has(self, task_id: str, slot: str) -> bool:
        """Whether a run of the slot is in it, whatever row it was let in for."""
        return any((one.task_id, one.slot) == (task_id, slot) for one in self.holders)

    def without(self, task_id: str, slot: str, version: str | None = None, *, but: str | None = None) -> Pool:
        """The pool when the slot's run has ended: that of the row of this ``version``, if one is given, or that of any
        row ``but`` one.
        """
        gone = [
            one
            for one in self.holders
            if (one.task_id, one.slot) == (task_id, slot) and version in (None, one.version) and one.version != but
        ]
        return replace(self, holders=tuple(one for one in self.holders if one not in gone))

    def living(self, now: float) -> Pool:
        """The pool without those whose lease has expired."""
        return replace(self, holders=tuple(one for one in self.holders if one.until > now))


def kept(holder: Holder, run: Run | None, now: float) -> Holder | None:
    """A holder whose lease has expired, with the lease that its slot's row gives it; None if it is in nobody's way.

    A run that has begun has its lease from then on. One that waits to begin keeps its place for :data:`LATE_SECONDS`.
    """
    if run is None or run.status in TERMINAL:
        return None
    if run.hold is not None:
        until = holder.begins + LATE_SECONDS if run.version == holder.version else now
    else:
        began = datetime.fromisoformat(run.started_at).timestamp() if run.started_at else holder.begins
        until = began + holder.until - holder.begins
    return replace(holder, until=until) if until > now else None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What has become of a pool."""

    pool: Pool
    #: Who was let in now, in order.
    admitted: tuple[Holder, ...] = field(default=())


def place(waiter: Waiter) -> str:
    """Where a waiter stands: the least text is next."""
    period = int(waiter.since // AGEING_SECONDS) - waiter.priority + len(PRIORITIES)
    return f"{period:010d}#{order(waiter.slot)}#{int(waiter.since * 1000):015d}#{waiter.task_id}#{waiter.slot}"


def admit(limit: Limit, pool: Pool, waiting: Iterable[Waiter], now: float, *, most: int | None = None) -> Admission:
    """Lets in who may begin now, or within :data:`AHEAD_SECONDS`, no more than ``most`` at a time: ``waiting`` are the
    next, in their order.

    No more of them are looked at than it takes. Whoever is let in ahead of its minute has its place already, so that
    its end lets in others: as long as somebody waits there is somebody in the pool whose end is heard.
    """
    pool = pool.living(now)
    per_task = Counter(one.task_id for one in pool.holders)
    admitted: list[Holder] = []
    begins = list(pool.begins)
    room = limit.at_once - len(pool.holders)
    for waiter in waiting if room > 0 else ():
        begin = _begin(limit, begins, now)
        if len(admitted) >= min(room, most or room) or begin > now + AHEAD_SECONDS:
            break
        if any(one.is_of(waiter.task_id, waiter.slot, waiter.version) for one in (*pool.holders, *admitted)):
            continue
        if waiter.at_once is not None and per_task[waiter.task_id] >= waiter.at_once:
            continue
        per_task[waiter.task_id] += 1
        begins.append(begin)
        admitted.append(
            Holder(
                task_id=waiter.task_id,
                slot=waiter.slot,
                version=waiter.version,
                begins=begin,
                until=begin + waiter.lease_seconds,
            )
        )
    kept = begins[-limit.per_minute :] if limit.per_minute else []
    return Admission(
        pool=Pool(holders=(*pool.holders, *admitted), begins=tuple(kept)),
        admitted=tuple(admitted),
    )


def why(limit: Limit, pool: Pool, before: Sequence[Waiter]) -> str:
    """What a slot waits for, for people; ``before`` are those that go first."""
    rate = f", {limit.per_minute} a minute" if limit.per_minute else ""
    inside = f"{len(pool.holders)} of {limit.at_once} are in it"
    first = f"{len(before)} before it, next is {before[0].task_id} {before[0].slot}" if before else "it is next"
    return f"waits for a place in the pool {limit.name} ({inside}{rate}): {first}"


def _begin(limit: Limit, begins: Sequence[float], now: float) -> float:
    """When the next may begin: so many begin in a minute, and none before whoever was let in before it."""
    if not limit.per_minute:
        return now
    full = begins[-limit.per_minute] + _MINUTE_SECONDS if len(begins) >= limit.per_minute else now
    return max(now, full, *begins[-1:])

"""What becomes of held slots: each kind of hold is asked, and the slot is started, ended, or left to wait.

It can be done by several at once, and again: whoever starts a slot names the version of its row, and a claim takes the
place of a version once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil

from orchestrator.errors import TaskNotFound
from orchestrator.instants import to_millisecond, to_second
from orchestrator.operations.upstreams import Upstreams
from orchestrator.runs import approval, pools
from orchestrator.runs.claims import gates
from orchestrator.runs.hold import Hold
from orchestrator.runs.pools import Holder, Waiter
from orchestrator.runs.run import TERMINAL, Run, RunEnd, RunStatus, SkipReason
from orchestrator.runs.task_state import Record
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.limits import Limit


class Release(StrEnum):
    """What became of a held slot that was considered."""

    #: TaskRunner was started in its place.
    STARTED = "started"
    #: Its row has ended without a run.
    ENDED = "ended"
    #: It goes on waiting.
    WAITS = "waits"
    #: It is not held, or not any more.
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A held slot, and all that a rule may ask about it."""

    run: Run
    hold: Hold
    record: Record
    now: datetime


#: What a rule says of a slot that is not to run now: how it ends, or with what it goes on waiting.
Answer = RunEnd | Hold | None
#: None if there is nothing, of this kind, to wait for any more.
Rule = Callable[[Held], Answer]


def of_time(held: Held) -> Answer:
    """Whether the moment has come."""
    wake_at = held.hold.wake_at
    return held.hold if wake_at is not None and held.now < datetime.fromtimestamp(wake_at, UTC) else None


def of_approval(held: Held) -> Answer:
    """Whether somebody has approved of the slot; nobody is asked for ever."""
    said = held.run.approval
    if said is not None and said.answer is not None:
        refused = RunEnd(status=RunStatus.SKIPPED, reason=SkipReason.REFUSED, cause=f"{said.who}: {said.reason}")
        return refused if said.answer is approval.Answer.REFUSED else None
    since = datetime.fromisoformat(held.hold.since)
    deadline = since + timedelta(seconds=held.record.task.approval_seconds)
    if held.now >= deadline:
        return RunEnd(status=RunStatus.EXPIRED, cause=f"nobody has approved of it until {to_second(deadline)}")
    why, wake_at = "waits for somebody's approval", ceil(deadline.timestamp())
    return replace(held.hold, why=why, deadline=to_second(deadline), wake_at=wake_at)


@dataclass(frozen=True, kw_only=True)
class Releasing:
    """Considers held slots, with the stores of a stack."""

    registry: Registry
    ledger: Ledger
    recorder: Recorder
    runner: Runner
    pools: Pools
    #: The pools in which those who ended unheard have been looked for; None: nobody looks.
    searched: set[str] | None = None

    def consider(self, task_id: str, slot: str, now: datetime) -> Release:
        """Reads the row and the record as they are, and does what follows.

        Raises :class:`~orchestrator.errors.InvalidRecord` and :class:`~orchestrator.errors.InvalidRow`.
        """
        run = self.ledger.get(task_id, slot)
        if run is None or run.hold is None or run.status is not RunStatus.WAITING:
            return Release.NONE
        record = self.registry.get(task_id)
        if record is None:
            gone = "the registry has no task of this id any more"
            end = RunEnd(status=RunStatus.FAILED, error=TaskNotFound.__name__, cause=gone)
            return self._end(run, end, now)
        held = Held(run=run, hold=run.hold, record=record, now=now)
        for kind in _to_ask(held):
            hold = run.hold if kind is run.hold.kind else _next_hold(run.hold, kind, now)
            if kind is HoldKind.POOL:
                return self._enter(replace(held, hold=hold))
            answer = self._rule(kind)(replace(held, hold=hold))
            if isinstance(answer, RunEnd):
                return self._end(run, answer, now)
            if isinstance(answer, Hold):
                if answer != run.hold:
                    self.recorder.hold(run, answer)
                self._give_back(held, kind)
                return Release.WAITS
        self.runner.release(run, run.hold, now)
        return Release.STARTED

    def ended(self, run: Run, now: datetime) -> int:
        """Considers the slots of other tasks that may have waited for ``run``, which has ended: how many. It gives back
        its place in its pool, too.
        """
        record = self.registry.get(run.task_id)
        if record is None:
            return 0
        if record.task.limit is not None:
            self._leave(record.task.limit, run.task_id, run.slot, now)
        waiting = Upstreams(registry=self.registry, ledger=self.ledger).waiting_for(run, record, now)
        for one in waiting:
            self.consider(one.task_id, one.slot, now)
        return len(waiting)

    def _enter(self, held: Held) -> Release:
        """A slot that waits for nothing but a place."""
        run, limit, now = held.run, held.record.task.limit, held.now
        if limit is None:
            self.runner.release(run, held.hold, now)
            return Release.STARTED
        if self.searched is not None and limit.name not in self.searched:
            self.searched.add(limit.name)
            for holder in self.pools.get(limit).holders:
                self._leave(limit, holder.task_id, holder.slot, now)
        waiter = Waiter.of(held.record.task, run, datetime.fromisoformat(held.hold.since))
        admitted = self.pools.enter(limit, waiter, now)
        mine = [one for one in admitted if one.is_of(run.task_id, run.slot, run.version)]
        if mine:
            self._begin(run, held.hold, mine[0], now)
        else:
            why = pools.why(limit, self.pools.get(limit), self.pools.before(limit, waiter))
            if (hold := replace(held.hold, why=why)) != run.hold:
                self.recorder.hold(run, hold)
        self._let_in(limit, [one for one in admitted if one not in mine], now)
        return Release.STARTED if mine else Release.WAITS

    def _give_back(self, held: Held, kind: HoldKind) -> None:
        """A run that has said "not yet" is not at work until it is looked at again.

        Whoever comes late looks as of a moment that has passed: somebody may have let in the held row meanwhile, whose
        place is that of the next run.
        """
        run, limit = held.run, held.record.task.limit
        if kind is HoldKind.TIME and limit is not None:
            admitted = self.pools.leave(limit, run.task_id, run.slot, held.now, but=run.version)
            self._let_in(limit, admitted, held.now)

    def _leave(self, limit: Limit, task_id: str, slot: str, now: datetime) -> None:
        """Gives back the place of a slot whose run has ended: the row may be that of another one by now."""
        run = self.ledger.get(task_id, slot)
        if run is None or run.status in TERMINAL:
            self._let_in(limit, self.pools.leave(limit, task_id, slot, now), now)

    def _let_in(self, limit: Limit, admitted: Iterable[Holder], now: datetime) -> None:
        """Starts those who have a place and are still held; one that waits no more gives its own to the next."""
        left, seen = list(admitted), set[Holder]()
        while left:
            holder = left.pop(0)
            if holder in seen:
                continue
            seen.add(holder)
            run = self.ledger.get(holder.task_id, holder.slot)
            is_held = run is not None and run.status is RunStatus.WAITING and run.hold is not None
            if run is not None and run.hold is not None and is_held and run.version == holder.version:
                self._begin(run, run.hold, holder, now)
            elif run is None or run.status in TERMINAL or is_held:
                left += self.pools.leave(limit, holder.task_id, holder.slot, now, version=holder.version)

    def _begin(self, run: Run, hold: Hold, holder: Holder, now: datetime) -> None:
        begins = datetime.fromtimestamp(holder.begins, UTC)
        self.runner.release(run, hold, now, not_before=begins if begins > now else None)

    def _rule(self, kind: HoldKind) -> Rule:
        rules: Mapping[HoldKind, Rule] = {
            HoldKind.UPSTREAM: lambda held: Upstreams(registry=self.registry, ledger=self.ledger).answer(
                held.run, held.hold, held.record, held.now
            ),
            HoldKind.APPROVAL: of_approval,
            HoldKind.TIME: of_time,
        }
        return rules[kind]

    def _end(self, run: Run, end: RunEnd, now: datetime) -> Release:
        ended = self.recorder.end_held(run, replace(end, ended_at=to_millisecond(now)))
        return Release.ENDED if ended else Release.NONE


def _to_ask(held: Held) -> tuple[HoldKind, ...]:
    """What is left to ask: the kind of the hold, if it still applies, and the task's gates after it."""
    kinds = gates(held.record.task, held.run.trigger, held.run.slot)
    order = list(HoldKind)
    later = tuple(kind for kind in kinds if order.index(kind) > order.index(held.hold.kind))
    applies = held.hold.kind in kinds or held.hold.kind is HoldKind.TIME or bool(held.hold.fresh)
    return (held.hold.kind, *later) if applies else later


def _next_hold(hold: Hold, kind: HoldKind, now: datetime) -> Hold:
    """The hold of the next kind, after what it has waited for has come."""
    return Hold(kind=kind, since=to_millisecond(now), params=hold.params)

"""Whether a slot that waits for slots of other tasks may run, and what becomes of it if not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from math import ceil

from orchestrator.errors import UpstreamLate
from orchestrator.instants import of_slot, order, to_second
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import TERMINAL, Run, RunEnd, RunStatus, SkipReason
from orchestrator.tasks.dependencies import deadline_of
from orchestrator.tasks.task import Task
from orchestrator.tasks.upstream import OnDeadline, OnFailure

#: A slot that was skipped for these reasons was none: nobody waits for it.
_NO_SLOT = (SkipReason.CLOSED, SkipReason.NONEXISTENT)


class Condition(Enum):
    """How it stands with a slot that another one waits for."""

    #: It has succeeded, or there is nothing to wait for.
    WELL = auto()
    #: It goes on, or is still to come.
    OPEN = auto()
    #: It has ended otherwise.
    NOT_WELL = auto()


@dataclass(frozen=True, kw_only=True)
class UpstreamSlot:
    """A slot of another task, and what is known of it."""

    task_id: str
    slot: str
    #: Its row.
    run: Run | None = None
    #: Whether the registry has its task.
    known: bool = True
    #: Since when the task has had its present schedules; nobody was to run earlier slots of theirs.
    watched_since: str | None = None

    @property
    def key(self) -> str:
        """As :attr:`orchestrator.runs.hold.Hold.fresh` names it."""
        return f"{self.task_id}#{self.slot}"


def condition(one: UpstreamSlot, hold: Hold) -> Condition:
    """Reads it off the slot's row; a slot that is being run again counts from its new run on."""
    run = one.run
    if run is None:
        is_older = one.watched_since is not None and order(one.slot) <= order(one.watched_since)
        return Condition.WELL if is_older else Condition.OPEN if one.known else Condition.NOT_WELL
    if run.status not in TERMINAL or _is_of_before(one, run, hold):
        return Condition.OPEN
    is_well = run.status is RunStatus.SUCCEEDED or run.reason in _NO_SLOT
    return Condition.WELL if is_well else Condition.NOT_WELL


def answer(task: Task, run: Run, hold: Hold, found: Sequence[UpstreamSlot], now: datetime) -> RunEnd | Hold | None:
    """What becomes of a held slot of ``task``: how it ends, what it goes on waiting for, or None if it may run."""
    conditions = {one.key: condition(one, hold) for one in found}
    bad = [one for one in found if conditions[one.key] is Condition.NOT_WELL]
    if bad and task.on_upstream_failure is OnFailure.SKIP:
        return RunEnd(status=RunStatus.SKIPPED, reason=SkipReason.UPSTREAM, cause=_not_well(bad))
    waited_for = [one for one in found if conditions[one.key] is Condition.OPEN]
    if task.on_upstream_failure is OnFailure.WAIT:
        waited_for += bad
    if not waited_for:
        return None
    why = f"waits for {_names(waited_for)}"
    deadline = deadline_of(task, of_slot(run.slot), datetime.fromisoformat(hold.since))
    if deadline > now:
        # Nobody counts on the moment at which a week is over: the watchdog sees it soon enough.
        wake_at = ceil(deadline.timestamp()) if task.deadline else None
        return replace(hold, why=why, deadline=to_second(deadline), wake_at=wake_at)
    if task.on_deadline is OnDeadline.RUN:
        return None
    cause = f"at its deadline, {to_second(deadline)}, it still waited for {_names(waited_for)}"
    return RunEnd(status=RunStatus.EXPIRED, error=UpstreamLate.__name__, cause=cause)


def _is_of_before(one: UpstreamSlot, run: Run, hold: Hold) -> bool:
    return one.key in hold.fresh and order(run.started_at or "0") < order(hold.fresh_since)


def _names(some: Sequence[UpstreamSlot]) -> str:
    more = f" and {len(some) - 3} more" if len(some) > 3 else ""
    return ", ".join(f"{one.task_id} {one.slot}" for one in some[:3]) + more


def _not_well(some: Sequence[UpstreamSlot]) -> str:
    said = [f"{one.task_id} {one.slot}: {one.run.status if one.run else 'there is no such task'}" for one in some[:3]]
    return "it waited for " + ", ".join(said)

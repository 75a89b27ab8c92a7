"""Who may take a slot, and what becomes of a run that may not.

TaskRunner decides by the same rules in two places: the conditions of its claim, which DynamoDB checks
(``definitions/system/task_runner/rows.py``), and the expression that explains a refusal
(``definitions/system/task_runner/refusal.py``). Tests hold both to this module, and the simulation lives by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from orchestrator.instants import order, to_second
from orchestrator.runs.run import BELATED, RunStatus, Trigger
from orchestrator.runs.task_state import Lease, Pause
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.task import LONGEST_WAIT_SECONDS, MOST_WAITING, OverlapPolicy, Task

QUEUEING = (OverlapPolicy.BUFFER_ONE, OverlapPolicy.BUFFER_ALL)
STOPPING = (OverlapPolicy.CANCEL_OTHER, OverlapPolicy.TERMINATE_OTHER)


#: Triggers by which nobody asks for these: whoever runs slots again has looked at what they need.
UNGATED: Mapping[HoldKind, tuple[Trigger, ...]] = {
    HoldKind.UPSTREAM: (Trigger.BACKFILL, Trigger.RERUN),
    # The end of a window of events.
    HoldKind.TIME: tuple(trigger for trigger in Trigger if trigger is not Trigger.EVENT),
}


class Decision(StrEnum):
    """The decisions about a run that wants to take its slot."""

    #: Nothing is in the way, or only a row that this run is to replace.
    FREE = "free"
    #: The slot is another run's.
    DUPLICATE = "duplicate"
    #: It is skipped: somebody has paused the task.
    PAUSED = "paused"
    #: It is skipped: another run is at work or was first, and the overlap policy says so.
    OVERLAP = "overlap"
    #: It waits for the task's other runs.
    WAIT = "wait"
    #: It stops the run that holds the lease.
    STOP = "stop"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A run that wants to take its slot."""

    execution_arn: str
    slot: str
    trigger: Trigger
    #: The version of the slot's run whose place it is to take (:attr:`orchestrator.runs.run.Run.version`).
    replaces: str | None = None
    #: Seconds since 1970, where it has begun to wait.
    waiting_since: float | None = None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The row that stands under the slot."""

    status: RunStatus
    execution_arn: str | None = None
    started_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The part of a task's record that a claim depends on."""

    overlap: OverlapPolicy
    pause: Pause | None = None
    lease: Lease | None = None
    #: The slot that the lease was taken for.
    lease_slot: str | None = None
    #: Of those who wait, by slot: until when each keeps its place, in seconds since 1970.
    waiting: Mapping[str, int] = field(default_factory=dict)


def gates(task: Task, trigger: Trigger, slot: str) -> tuple[HoldKind, ...]:
    """What a slot has to wait for before it runs, in the order in which it is asked.

    A slot with milliseconds is that of a person: no slot of another task belongs to it.
    """
    return tuple(
        kind
        for kind in task.gates
        if trigger not in UNGATED.get(kind, ()) and not (kind is HoldKind.UPSTREAM and "." in slot.partition("#")[0])
    )


def decide(claim: Claim, row: Taken | None, task: Standing, now: datetime) -> Decision:
    """Decides what becomes of the run: the first rule that applies."""
    seconds = int(now.timestamp())
    others = {slot for slot, until in task.waiting.items() if slot != claim.slot and until >= seconds}
    stops, waits = task.overlap in STOPPING, _waits(claim, task.overlap)
    if row is not None and row.execution_arn != claim.execution_arn and not _gives_way(row, claim):
        return Decision.DUPLICATE
    if task.pause is not None and not task.pause.over(now):
        return Decision.PAUSED
    if claim.trigger is Trigger.BACKFILL or task.overlap is OverlapPolicy.ALLOW_ALL:
        return Decision.FREE
    if task.lease is not None and task.lease.execution_arn == claim.execution_arn:
        return Decision.FREE
    is_first = all(order(slot) >= order(claim.slot) for slot in others)
    if not _is_held(task.lease, row, seconds) and (is_first or (stops and not waits)):
        return Decision.FREE
    if waits:
        return Decision.WAIT if _may_wait(claim, task, len(others), now) else Decision.OVERLAP
    return Decision.STOP if stops and not _is_passed(claim, task.lease_slot, now) else Decision.OVERLAP


def _waits(claim: Claim, policy: OverlapPolicy) -> bool:
    """A belated run waits whatever the policy is, and whoever has begun to wait goes on."""
    return claim.trigger in BELATED or claim.waiting_since is not None or policy in QUEUEING


def _gives_way(row: Taken, claim: Claim) -> bool:
    """A delivery of the schedule, or an event, that comes late replaces the row that says that the slot was missed."""
    late = claim.replaces is None and claim.trigger in (Trigger.SCHEDULE, Trigger.EVENT)
    return (row.started_at or row.status) == (RunStatus.MISSED if late else claim.replaces)


def _is_held(lease: Lease | None, row: Taken | None, seconds: int) -> bool:
    """A run that is replaced has ended, and its lease with it."""
    if lease is None or lease.expires_at < seconds:
        return False
    return row is None or lease.execution_arn != row.execution_arn


def _may_wait(claim: Claim, task: Standing, others: int, now: datetime) -> bool:
    one_alone = task.overlap is OverlapPolicy.BUFFER_ONE and claim.trigger not in BELATED
    has_room = claim.slot in task.waiting or others < (1 if one_alone else MOST_WAITING)
    return has_room and (claim.waiting_since is None or now.timestamp() < claim.waiting_since + LONGEST_WAIT_SECONDS)


def _is_passed(claim: Claim, held_for: str | None, now: datetime) -> bool:
    """Whether a later slot of the schedule is at work: else the runs of a schedule would stop each other in turn.

    Milliseconds are those of a person's slot, an id is an event's, and either may have started a slot to come.
    """
    return (
        claim.trigger is Trigger.SCHEDULE
        and held_for is not None
        and not {".", "#"} & set(held_for)
        and order(claim.slot) < order(held_for) <= order(to_second(now))
    )

"""Compares the slots that were expected with the rows of the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.instants import of_slot
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import TERMINAL, Run, SkipReason, Trigger
from orchestrator.runs.task_state import Record
from orchestrator.tasks.dependencies import LONGEST_HOLD
from orchestrator.tasks.slots import expected, key
from orchestrator.tasks.task import Task

_INSTANT = timedelta(microseconds=1)


class Problem(StrEnum):
    """The problems that a slot can have."""

    #: It was expected, and has no row.
    UNEXPLAINED = "unexplained"
    #: Its row says that it goes on, long after its lease was over.
    UNFINISHED = "unfinished"
    #: It was delivered, and was not expected: one occurrence may have run twice, under two slots.
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A slot that somebody should look at."""

    task_id: str
    slot: str
    problem: Problem


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The result of comparing a task's slots with its rows."""

    task_id: str
    #: The span that was compared, both ends included; nothing was, where ``until`` is before ``since``.
    since: datetime
    until: datetime
    #: How many slots were expected there. With none, no finding proves nothing.
    slots: int
    #: In the order of their slots.
    findings: tuple[Finding, ...]


def comparable(record: Record, since: datetime, until: datetime, now: datetime) -> tuple[datetime, datetime]:
    """As much of a span as can be compared: not what was before the task had its schedules, when slots were others' or
    nobody's, nor what may still come. Nothing is left where the end is before the beginning.
    """
    if record.checkpoint and record.checkpoint.since:
        since = max(since, datetime.fromisoformat(record.checkpoint.since))
    return since, min(until, now - timedelta(seconds=record.task.grace_seconds))


def verify(task: Task, runs: Iterable[Run | Outline], since: datetime, until: datetime, now: datetime) -> Verified:
    """Compares the slots in [``since``, ``until``] with ``runs``, the rows there."""
    rows = {run.slot: run for run in runs}
    wanted = {key(slot.at) for slot in expected(task, since - _INSTANT, until)}
    problems = dict.fromkeys(wanted - rows.keys(), Problem.UNEXPLAINED)
    for slot, run in rows.items():
        if run.status not in TERMINAL and _over(task, run) < now:
            problems[slot] = Problem.UNFINISHED
        elif slot not in wanted and run.trigger is Trigger.SCHEDULE and run.reason != SkipReason.NONEXISTENT:
            problems[slot] = Problem.UNEXPECTED
    findings = tuple(Finding(task_id=task.id, slot=slot, problem=problems[slot]) for slot in sorted(problems))
    return Verified(task_id=task.id, since=since, until=until, slots=len(wanted), findings=findings)


def _over(task: Task, run: Run | Outline) -> datetime:
    """When the run's lease expires, if it has not waited for its turn; of a held slot, an hour after its deadline."""
    if run.hold:
        last = (
            datetime.fromisoformat(run.hold.deadline) if run.hold.deadline else of_slot(run.hold.since) + LONGEST_HOLD
        )
        return last + timedelta(hours=1)
    began = of_slot(run.started_at or run.slot)
    return began + timedelta(seconds=task.lease_seconds)

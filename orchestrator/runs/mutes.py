"""Mutes: for a while nobody is told of some tasks; what happened meanwhile is told when the mute ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestrator.instants import order, to_millisecond
from orchestrator.runs.alerts import Cause, Incident
from orchestrator.runs.run import Run
from orchestrator.stack import Stack
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.task import Task

#: A mute remembers no more than so many messages; of more it is known that there were.
MOST_NOTES = 200

#: So many stand in the message at its end.
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Mute:
    """A mute, and what was not told because of it."""

    scope: Scope
    who: str
    why: str
    #: ISO 8601 in UTC, both.
    since: str
    until: str
    #: A line for each message that was not published, in order of time.
    notes: tuple[str, ...] = ()
    #: Whether there were more than it remembers.
    more: bool = False
    #: What those messages were about: tasks, their owners and severities.
    tasks: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    def over(self, now: datetime) -> bool:
        return order(self.until) <= order(to_millisecond(now))

    def covers(self, task_id: str, task: Task | None) -> bool:
        """Returns whether it is about the task, of which there may be no record."""
        if task is None:
            return self.scope in (Scope(kind=ScopeKind.ALL), Scope(kind=ScopeKind.TASK, name=task_id))
        return self.scope.covers(task)


def muting(mutes: Iterable[Mute], task_id: str, task: Task | None, now: datetime) -> Mute | None:
    """The mute of a task that ends last; None if there is none."""
    on = [one for one in mutes if one.covers(task_id, task) and not one.over(now)]
    return max(on, key=lambda one: order(one.until), default=None)


@dataclass(frozen=True, kw_only=True)
class Note:
    """A message that was not published."""

    line: str
    task_id: str
    owner: str
    severity: str

    @classmethod
    def of_alert(cls, cause: Cause, run: Run, owner: str) -> Note:
        line = f"{run.slot}  {run.task_id}  {cause.severity}: {cause.title}"
        return cls(line=line, task_id=run.task_id, owner=owner, severity=cause.severity)

    @classmethod
    def of_recovery(cls, incident: Incident, run: Run, owner: str) -> Note:
        line = f"{run.slot}  {run.task_id}  recovered: {incident.title}"
        return cls(line=line, task_id=run.task_id, owner=owner, severity=incident.severity)


def told_at_end(stack: Stack, mute: Mute) -> str:
    """What is told when a mute is over."""
    notes = [f"  {note}" for note in mute.notes[:_SHOWN]]
    left = len(mute.notes) - len(notes)
    more = ["  and more"] if mute.more else [f"  and {left} more"] if left else []
    return "\n".join(
        [
            f"A mute is over: {mute.scope}.",
            "",
            f"muted:     {mute.since} to {mute.until} by {mute.who}: {mute.why}",
            "not told:",
            *notes,
            *more,
            "",
            f"runs:      orchestrator --stack {stack.name} runs --status failed",
        ]
    )

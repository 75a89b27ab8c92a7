"""What people are told, and which failures belong to one incident.

Everything worth telling is a row of the ledger, whoever has written it. Rows with the same cause and target belong to
one incident, however many tasks it hits: it is told once, again when its quiet period has passed, and when it is over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.instants import of_slot
from orchestrator.runs.execution_end import STOPPED
from orchestrator.runs.run import UNSUCCESSFUL, Attention, EarlierRun, Run, RunStatus, SkipReason, Trigger, one_line
from orchestrator.stack import Stack
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task

#: So many outcomes stand in an alert.
OUTCOMES = 10

#: Task ids that an alert names; of more it says how many.
_NAMED = 10

_NOT_AUTHORIZED = re.compile(r"(?:assumed-role|role|user)/([\w+=,.@-]+)\S* is not authorized to perform: ([\w:*-]+)")


class Severity(StrEnum):
    """The severities of alerts, the worst first."""

    FAILED = "failed"
    MISSED = "missed"
    LATE = Attention.LATE
    TOO_LONG = Attention.TOO_LONG
    TOO_SHORT = Attention.TOO_SHORT
    AT_RISK = Attention.AT_RISK
    #: Of a task or an owner, and of no run.
    OVER_BUDGET = "over budget"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The cause that the rows of one incident share."""

    severity: Severity
    title: str

    @property
    def incident(self) -> str:
        """The incident's id."""
        return hashlib.sha256(f"{self.severity}|{self.title}".encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident that is not over."""

    id: str
    severity: Severity
    title: str
    #: ISO 8601 in UTC.
    since: str
    #: Rows of it so far.
    count: int = 1
    #: Tasks that it has hit and that have not run well since.
    tasks: tuple[str, ...] = ()
    #: Those of them that nobody has been told of.
    untold: tuple[str, ...] = ()
    last_told: str | None = None
    #: Tasks that it has ever hit, and their owners.
    affected: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


def severities(run: Run, attention: Sequence[str]) -> tuple[Severity, ...]:
    """Returns what is wrong with a run, by severity; while it is active, only what its ``attention`` says."""
    if run.status in (RunStatus.MISSED, RunStatus.EXPIRED):
        return (Severity.MISSED,)
    if run.reason == SkipReason.OVERLAP:
        # Skipped or stopped because the task's overlap policy says so.
        return ()
    if run.status in UNSUCCESSFUL:
        return (Severity.FAILED,)
    caught_up = [Severity.MISSED] if run.status is RunStatus.SUCCEEDED and run.trigger is Trigger.CATCH_UP else []
    return (*caught_up, *(severity for severity in Severity if severity in attention))


def cause_of(run: Run, severity: Severity, task: Task | None) -> Cause:
    """The cause and the target: a role that lacks a permission is one cause, whoever acted under it."""
    if severity is Severity.MISSED:
        return Cause(severity=severity, title="slots were not delivered")
    if severity is not Severity.FAILED:
        return Cause(severity=severity, title=f"{run.task_id} {severity}")
    if denied := _NOT_AUTHORIZED.search(run.cause or ""):
        return Cause(severity=severity, title=f"{denied[1]} may not {denied[2]}")
    delivered = run.execution_arn is not None
    target = str(task.target) if task and delivered else "no task" if delivered else "delivery to TaskRunner"
    return Cause(severity=severity, title=f"{run.error or run.status} of {target}")


def tolerated(task: Task | None, severity: Severity, run: Run, known: Iterable[Run], until: datetime) -> bool:
    """Whether the failure of ``run`` is not yet told: nowhere among the runs of its task, in the order in which they
    have ended, do ``of`` in a row, this one among them, hold ``failures`` that failed.

    ``known`` are runs of the task in any order; each brings the earlier runs of its slot. Those that ended later than
    ``until``, the moment at which the row was written, do not count: a row that comes again is judged alike.
    """
    if task is None or severity is not Severity.FAILED:
        return False
    mine = (run.slot, run.version)
    outcomes = {
        (one.slot, version): (at, failed) for one in known for version, at, failed in _outcomes(one) if at <= until
    }
    outcomes[mine] = (_ended(run, run.slot), True)
    order = sorted(outcomes, key=lambda which: (outcomes[which][0], which))
    failed_in_order, place = [outcomes[which][1] for which in order], order.index(mine)
    of = task.alerts.of
    return all(
        sum(failed_in_order[first : first + of]) < task.alerts.failures
        for first in range(max(0, place - of + 1), place + 1)
    )


def _outcomes(run: Run) -> Iterator[tuple[str, datetime, bool]]:
    """Yields version, end and failure (a boolean) of a slot's run and of each run before it.

    Runs that were skipped, stopped on purpose, or are still active are left out.
    """
    every: tuple[Run | EarlierRun, ...] = (*run.history, run)
    for one in every:
        stopped = one.status is RunStatus.ABORTED and one.error == STOPPED
        if not stopped and (one.status is RunStatus.SUCCEEDED or one.status in UNSUCCESSFUL):
            yield one.version, _ended(one, run.slot), one.status in UNSUCCESSFUL


def _ended(run: Run | EarlierRun, slot: str) -> datetime:
    """When the run ended; a run that was never started counts as ended when it was due."""
    return of_slot(run.ended_at or run.started_at or slot)


def told_before(now: datetime, quiet_seconds: int) -> str:
    """The latest moment of the last alert at which an incident may be told again, as text."""
    return key(now - timedelta(seconds=quiet_seconds))


def subject(stack: Stack, what: str) -> str:
    """The subject of a message: short and in ASCII, as SNS demands."""
    return f"[{stack.name}] scheduled task {what}"[:100]


def text(stack: Stack, run: Run, incident: Incident, task: Task | None, latest: Sequence[Run]) -> str:
    """The text of the alert of a run. A run without a record in the registry gets no command that reruns it."""
    verb = _WHILE_IT_RUNS if run.status is RunStatus.RUNNING else _VERBS[incident.severity]
    is_reminder = incident.last_told is not None
    lines = [
        f"{'Still: a' if is_reminder else 'A'} scheduled task {verb}.",
        "",
        f"task:      {run.task_id}",
        f"slot:      {run.slot} ({run.trigger})",
        f"status:    {run.status}",
        *([f"error:     {run.error}"] if run.error else []),
        *([f"cause:     {one_line(run.cause)}"] if run.cause else []),
        *([f"running:   since {run.started_at}"] if run.status is RunStatus.RUNNING else []),
        *([f"waits:     {run.hold.why}, until {run.hold.deadline}"] if run.hold else []),
        *([f"duration:  {run.duration_seconds:g} s"] if run.duration_seconds is not None else []),
        *([f"delay:     {run.start_delay_seconds:g} s"] if run.start_delay_seconds is not None else []),
        f"incident:  {incident.title}, since {incident.since}, {_times(incident)}",
    ]
    if task is not None:
        lines += [
            f"owner:     {one_line(task.owner)}",
            f"runbook:   {one_line(task.runbook)}",
        ]
    if run.execution_arn:
        lines.append(f"execution: {console_link(run.execution_arn)}")
    if latest:
        lines += ["", "last runs:", *(f"  {one.slot}  {one.status}  {one.error or ''}".rstrip() for one in latest)]
    if task is not None and run.status in UNSUCCESSFUL:
        lines += ["", f"rerun:     orchestrator --stack {stack.name} rerun {run.task_id} {run.slot}"]
    return "\n".join(lines)


def summary(stack: Stack, incident: Incident) -> str:
    """Writes what has become of an incident since it was told."""
    return "\n".join(
        [
            f"An incident goes on: {incident.title}.",
            "",
            f"severity:  {incident.severity}",
            f"since:     {incident.since}, {_times(incident)}",
            f"tasks:     {_named(incident.tasks)}",
            f"new:       {_named(incident.untold)}",
            "",
            f"runs:      orchestrator --stack {stack.name} runs --status failed",
        ]
    )


def recovery(incident: Incident, run: Run) -> str:
    """Writes the message for an incident whose last task runs well again."""
    return "\n".join(
        [
            f"An incident is over: {incident.title}.",
            "",
            f"severity:  {incident.severity}",
            f"since:     {incident.since}, {_times(incident)}",
            f"recovered: {run.task_id}, slot {run.slot}",
        ]
    )


def console_link(execution_arn: str) -> str:
    """The execution in the Step Functions console; the ARN itself where it is of another partition."""
    partition, _, region = execution_arn.split(":")[1:4] if execution_arn.count(":") >= 6 else ("", "", "")
    if partition != "aws":
        return execution_arn
    return f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{execution_arn}"


_WHILE_IT_RUNS = "goes on for longer than it should"

_VERBS: Mapping[Severity, str] = {
    Severity.FAILED: "failed",
    Severity.MISSED: "was missed: nobody delivered its slot",
    Severity.LATE: "started late",
    Severity.TOO_LONG: "took longer than it should",
    Severity.TOO_SHORT: "took less time than it should",
    Severity.AT_RISK: "waits for others, and will miss its deadline",
}


def _times(incident: Incident) -> str:
    return "once" if incident.count == 1 else f"{incident.count} times"


def _named(tasks: Sequence[str]) -> str:
    more = f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else ""
    return (", ".join(sorted(tasks)[:_NAMED]) or "none") + more

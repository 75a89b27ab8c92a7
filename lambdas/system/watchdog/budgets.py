"""The watchdog's look at budgets, once a day: what tasks have spent this month, and who is told that it is too much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.instants import to_second
from orchestrator.runs import alerts
from orchestrator.runs.destinations import News, attributes
from orchestrator.runs.mutes import Mute, Note
from orchestrator.runs.overruns import Overrun, is_past
from orchestrator.runs.spending import Spending, added_up, unread_since
from orchestrator.runs.task_state import Record
from orchestrator.stack import Stack
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Each budget that a month passes is told once: its incident stands until the month is over."""

    stack: Stack
    registry: Registry
    ledger: Ledger
    incidents: Incidents
    mutes: Mutes
    publish: Callable[[str, str, Mapping[str, Any]], Any]
    now: datetime

    def spent(self, record: Record) -> tuple[Task, Spending]:
        """Adds up what the task has spent, unless that was done today."""
        task, known = record.task, record.spending
        assert task.rates is not None
        if known is not None and known.day == f"{self.now:%Y-%m-%d}":
            return task, known
        since = to_second(unread_since(known, self.now))
        unread = self.ledger.between(task.id, since, to_second(self.now))
        spending = added_up(task, task.rates, known, unread, self.now)
        self.registry.account(task.id, spending)
        return task, spending

    def tell(self, overrun: Overrun, mutes: Iterable[Mute]) -> bool:
        """Returns False if people have heard of it, or do not want to."""
        cause, task_ids, on_behalf = overrun.cause, overrun.task_ids, f"budget of {overrun.month}"
        incident = self.incidents.begin(cause, self.now, owner=overrun.owner, tasks=task_ids)
        if not self.incidents.tell(incident, on_behalf, not_since="", now=self.now):
            return False
        mute = overrun.muted_by(mutes, self.now)
        if mute is not None:
            line = f"{to_second(self.now)}  {cause.title}"
            note = Note(line=line, task_id=task_ids[0], owner=overrun.owner, severity=cause.severity)
            self.mutes.note(mute, note)
        else:
            subject, text = alerts.subject(self.stack, cause.severity), overrun.text(self.stack)
            about = attributes(
                News.TOLD,
                severities=[cause.severity],
                tasks=task_ids,
                owners=[overrun.owner],
                incident=incident.id,
            )
            self.publish(subject, text, about)
        self.incidents.told(incident, on_behalf)
        return mute is None

    def end(self, incident: alerts.Incident) -> None:
        """Ends an incident of a month that is over: a new month has its budget anew."""
        if incident.severity is alerts.Severity.OVER_BUDGET and is_past(incident.title, self.now):
            self.incidents.end(incident)

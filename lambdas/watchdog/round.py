"""One round of the watchdog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator import alerts, pausing
from orchestrator.destinations import News, about
from orchestrator.errors import InvalidRecord
from orchestrator.incidents import Incidents
from orchestrator.ledger import Ledger
from orchestrator.recorder import Recorder
from orchestrator.records import Record
from orchestrator.registry import Registry
from orchestrator.runner import Runner
from orchestrator.runs import Run, RunStatus, Trigger
from orchestrator.settings import Stack
from orchestrator.slots import key
from orchestrator.watching import look

#: A row is looked into when its execution should long have been able to tell about itself.
_YOUNG = timedelta(minutes=5)

#: After so long those tasks are told that an incident has hit since it was told.
_SUMMARY_AFTER_SECONDS = 900

#: DescribeExecution is refilled with 10 to 15 a second for a whole account ("Step Functions service quotas").
_MOST_DESCRIBED = 500


@dataclass(kw_only=True)
class Tally:
    """What came of a round."""

    explained: int = 0
    started: int = 0
    closed: int = 0
    resumed: int = 0
    told: int = 0
    #: What could not be looked after, and why.
    faults: list[str] = field(default_factory=list)

    def to_value(self) -> dict[str, int]:
        values = asdict(self)
        del values["faults"]
        return values


@dataclass(kw_only=True)
class Round:
    """One look at everything that is due; a fault with one task leaves the others theirs."""

    stack: Stack
    registry: Registry
    ledger: Ledger
    recorder: Recorder
    runner: Runner
    incidents: Incidents
    #: Called with subject, text and what they are about, as SNS takes it.
    publish: Callable[[str, str, Mapping[str, Any]], Any]
    now: datetime
    #: Whether there is time for one more.
    goes_on: Callable[[], bool]
    tally: Tally = field(default_factory=Tally)

    def make(self) -> Tally:
        """Rows of the dead are closed first: what they held is free, and what they were is no missing slot."""
        self._each("run", self._unfinished, self._close)
        self._each("task", lambda: list(self.registry.overdue(self.now)), self._look)
        self._each("incident", lambda: list(self.incidents.open()), self._summarize)
        return self.tally

    def _each(self, what: str, find: Callable[[], list[Any]], do: Callable[[Any], None]) -> None:
        found: list[Any] = []
        try:
            found = find()
        except (BotoCoreError, ClientError) as fault:
            self.tally.faults.append(f"{what}s: {fault}")
        for one in found:
            if not self.goes_on():
                return
            try:
                do(one)
            except (BotoCoreError, ClientError, InvalidRecord) as fault:
                self.tally.faults.append(f"{what} {_name(one)}: {fault}")

    def _unfinished(self) -> list[Run]:
        old = key(self.now - _YOUNG)
        rows = (run for status in (RunStatus.RUNNING, RunStatus.WAITING) for run in self.ledger.with_status(status))
        return [run for run in rows if (run.started_at or "") < old][:_MOST_DESCRIBED]

    def _close(self, run: Run) -> None:
        ending = self.runner.ending(run, self.now)
        if ending is None or run.execution_arn is None:
            return
        self.tally.closed += self.recorder.close(
            run.task_id,
            run.slot,
            run.execution_arn,
            ending.status,
            ended_at=ending.ended_at,
            error=ending.error,
            cause=ending.cause,
        )

    def _look(self, task_id: str) -> None:
        record = self.registry.get(task_id)
        if record is None or record.watch is None:
            return
        if record.pause is not None and record.pause.over(self.now):
            started = pausing.resume(self.registry, self.ledger, self.runner, task_id, record.pause, self.now)
            self.tally.resumed += 1
            self.tally.started += len(started)
        self._explain(record)

    def _explain(self, record: Record) -> None:
        task, watch = record.task, record.watch
        assert watch is not None
        recorded = {run.slot for run in self.ledger.between(task.id, watch.checked_until, key(self.now))}
        found = look(task, watch, record.pause, recorded, self.now)
        for verdict in found.verdicts:
            self.tally.explained += self.recorder.record(
                task.id, verdict.slot, verdict.status, now=self.now, reason=verdict.reason, cause=verdict.cause
            )
        for slot in found.starts:
            self.runner.start(task.id, params={}, slot=slot, now=self.now, trigger=Trigger.CATCH_UP)
            self.tally.started += 1
        self.registry.looked(task.id, watch, found.watch)

    def _summarize(self, incident: alerts.Incident) -> None:
        """Of tasks that joined later; what has not been told at all the alerter is about to tell."""
        before = alerts.told_before(self.now, _SUMMARY_AFTER_SECONDS)
        if not incident.untold or incident.last_told is None or incident.last_told > before:
            return
        # Told before it is noted: rather twice than never.
        subject, text = alerts.subject(self.stack, f"still {incident.severity}"), alerts.summary(self.stack, incident)
        self.publish(subject, text, about(News.SUMMARY, incident))
        self.incidents.tell(incident, f"summary {key(self.now)}", not_since=before, now=self.now)
        self.tally.told += 1


def _name(one: str | Run | alerts.Incident) -> str:
    """Of what a round looks after."""
    if isinstance(one, str):
        return one
    return one.task_id if isinstance(one, Run) else one.id

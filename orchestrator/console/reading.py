"""What pages ask of a stack. Each question is a query whose cost follows what is shown; the ledger is never scanned."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from orchestrator.console import embedded
from orchestrator.console.deployed import Deployed
from orchestrator.console.embedded import Bucket
from orchestrator.console.grid import Filter, Row, row
from orchestrator.console.recent import Recent
from orchestrator.console.span import Span
from orchestrator.instants import to_second
from orchestrator.operations import run_log
from orchestrator.runs.alerts import Incident
from orchestrator.runs.backfill import Asked
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import Run
from orchestrator.runs.task_state import Record
from orchestrator.stack import Stack
from orchestrator.stores.backfills import Backfilling
from orchestrator.stores.dead_letters import DeadLetterRecord, DeadLetters
from orchestrator.stores.deployments import Deployment, Deployments
from orchestrator.stores.function_logs import LogLine
from orchestrator.stores.histories import Histories
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.versions import Route, routes
from orchestrator.tasks.slots import expected

#: Seconds for which the registry, which is read whole, is not read again.
_RECORDS_FRESH = 10.0

#: Seconds for which the last answer says what time it is.
_NOW_FRESH = 2.0

#: So many runs stand on a task's page.
_RUNS_OF_A_TASK = 100

#: So many backfills are listed.
_BACKFILLS = 20


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The data of the first page."""

    rows: tuple[Row, ...]
    #: How many tasks there are in all.
    tasks: int
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    incidents: tuple[Incident, ...]


class Reading:
    """Asks ``deployed``; ``monotonic`` counts seconds."""

    def __init__(self, deployed: Deployed, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._deployed = deployed
        self._monotonic = monotonic
        self._heard = float("-inf")
        self._recent = Recent(deployed.ledger, self.now, monotonic)
        self._lock = threading.Lock()
        self._records: tuple[float, Mapping[str, Record]] | None = None
        #: Rows of the grid, by task and span, and what they were made of.
        self._rows: dict[tuple[str, datetime, datetime], tuple[list[Outline], list[datetime], Row]] = {}
        #: Slots to come, by task and span: schedules change with a deployment only.
        self._due: dict[tuple[str, int, datetime, datetime], tuple[datetime, ...]] = {}

    def now(self) -> datetime:
        """Returns the stack's time in UTC, asked anew after some seconds."""
        moment = self._monotonic()
        if moment - self._heard > _NOW_FRESH:
            # A deployed stack's clock is the newest answer, and whoever has credentials may ask this.
            self._deployed.client("sts").get_caller_identity()
            self._heard = moment
        return self._deployed.now()

    def records(self) -> Mapping[str, Record]:
        """Returns every task of the registry, by its id, read anew after some seconds."""
        with self._lock:
            if self._records is None or self._monotonic() - self._records[0] > _RECORDS_FRESH:
                by_id = {record.task.id: record for record in self._deployed.registry.all()}
                self._records = (self._monotonic(), dict(sorted(by_id.items())))
            return self._records[1]

    def forget(self) -> None:
        """Forgets what was read, since somebody has changed it."""
        with self._lock:
            self._records = None
        self._recent.forget()

    def record(self, task_id: str) -> Record | None:
        """A task as it is now."""
        return self._deployed.registry.get(task_id)

    def overview(self, span: Span, wanted: Filter) -> Overview:
        """The grid of the tasks that ``wanted`` names, and what is wrong now."""
        records, now = self.records(), self.now()
        shown = [record for record in records.values() if wanted.takes(record)]
        by_task: dict[str, list[Outline]] = {record.task.id: [] for record in shown}
        for run in self._recent.between(span.since, span.until):
            if run.task_id in by_task:
                by_task[run.task_id].append(run)
        rows = (
            self._row(record, span, by_task[record.task.id], list(self._slots_to_come(record, now, span)))
            for record in shown
        )
        tasks = [record.task for record in records.values()]
        return Overview(
            rows=tuple(one for one in rows if wanted.shows(one)),
            tasks=len(tasks),
            owners=tuple(sorted({task.owner for task in tasks} - {""})),
            tags=tuple(sorted({tag for task in tasks for tag in task.tags})),
            incidents=self.incidents(),
        )

    def _row(self, record: Record, span: Span, runs: list[Outline], due: list[datetime]) -> Row:
        """A task's row, worked out again only where its slots have changed."""
        key = (record.task.id, span.since, span.until)
        known = self._rows.get(key)
        if known is None or known[0] != runs or known[1] != due:
            if len(self._rows) > 3 * len(self.records()):
                self._rows.clear()
            known = self._rows[key] = (runs, due, row(record, span, runs, due))
        return replace(known[2], record=record)

    def _slots_to_come(self, record: Record, now: datetime, span: Span) -> Iterable[datetime]:
        """Slots of the span that are due later than now, and will run."""
        task = record.task
        key = (task.id, hash((task.schedules, task.closures, task.on_closed)), span.since, span.until)
        begin = max(span.since, span.begin(span.column(now)))
        if key not in self._due:
            if len(self._due) > 3 * len(self.records()):
                self._due.clear()
            slots = expected(record.task, begin - timedelta(seconds=1), span.until)
            self._due[key] = tuple(slot.at for slot in slots if not slot.skipped)
        return (moment for moment in self._due[key] if moment > now)

    def between(self, since: datetime, until: datetime) -> list[Outline]:
        """The runs of all tasks whose slot is in [``since``, ``until``)."""
        return self._recent.between(since, until)

    def runs(self, task_id: str) -> tuple[Run, ...]:
        """A task's newest runs."""
        return self._deployed.ledger.runs(task_id, limit=_RUNS_OF_A_TASK)

    def run(self, task_id: str, slot: str) -> Run | None:
        """A row as it is now."""
        return self._deployed.ledger.get(task_id, slot)

    def incidents(self) -> tuple[Incident, ...]:
        """Returns the open incidents, the newest first."""
        found = Incidents(self._deployed.client("dynamodb"), self._deployed.stack).open()
        return tuple(sorted(found, key=lambda one: one.since, reverse=True))

    def dead_letters(self) -> tuple[DeadLetterRecord, ...]:
        """Slots that Scheduler could not start, the newest first."""
        found = DeadLetters(self._deployed.client("dynamodb"), self._deployed.stack).all()
        return tuple(sorted(found, key=lambda one: one.failed_at, reverse=True))

    def rows_between(self, task_id: str, since: datetime, until: datetime) -> tuple[Run, ...]:
        """A task's rows whose slot is in [``since``, ``until``]."""
        return self._deployed.ledger.between(task_id, to_second(since), to_second(until))

    @property
    def stack(self) -> Stack:
        """The stack that is read."""
        return self._deployed.stack

    @property
    def of_aws(self) -> bool:
        """Whether it is AWS that answers, and not something that stands for it."""
        endpoint = self._deployed.client("stepfunctions").meta.endpoint_url
        return bool((urlsplit(endpoint).hostname or "").endswith(".amazonaws.com"))

    @property
    def histories(self) -> Histories:
        """The histories that Step Functions keeps of executions."""
        return self._deployed.histories

    def log(self, run: Run) -> tuple[list[LogLine], str]:
        """Returns a run's log lines, and the reason if they cannot be read."""
        try:
            calls = run_log.invocations(run, self.histories, self._deployed.registry, self.stack)
            return run_log.lines(run, calls, self._deployed.function_logs), ""
        except ClientError as fault:
            return [], str(fault)

    def backfills(self) -> tuple[Backfilling, ...]:
        """The newest backfills, the newest first."""
        return self._deployed.backfills.recent(_BACKFILLS)

    def backfill(self, name: str) -> Backfilling:
        """A backfill and what it runs. Raises :class:`~orchestrator.errors.UnknownBackfill`."""
        return self._deployed.backfills.get(name)

    def rows_of(self, asked: Asked) -> Mapping[str, Run]:
        """The rows of a backfill's slots, by slot."""
        rows = self._deployed.ledger.between(asked.task_id, *asked.span)
        return {run.slot: run for run in rows if run.slot in asked.slots}

    def embedded(self) -> dict[str, Any] | None:
        """What the embedded AWS has sent and published, and its clock; None where it is none."""
        return embedded.seen(self._deployed.client("stepfunctions").meta.endpoint_url)

    def objects(self) -> tuple[Bucket, ...]:
        """The stack's buckets with some of their objects."""
        return tuple(embedded.buckets(self._deployed.client, self._deployed.stack))

    def last_deployment(self) -> Deployment | None:
        """What the last deployment has done to tasks, as far as one is recorded."""
        return Deployments(self._deployed.client("dynamodb"), self._deployed.stack).last()

    def versions(self) -> tuple[Route, ...]:
        """Which versions of the state machines are live."""
        return tuple(routes(self._deployed.client("stepfunctions"), self.stack))

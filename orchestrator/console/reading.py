"""What pages ask of a stack. Each question is a query whose cost follows what is shown; the ledger is never scanned."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from orchestrator.console import costs, embedded
from orchestrator.console.deployed import Deployed
from orchestrator.console.embedded import Bucket
from orchestrator.console.grid import Filter, Row, row
from orchestrator.console.health import Health, HealthReader
from orchestrator.console.read_units import ReadUnits
from orchestrator.console.recent import Recent
from orchestrator.console.span import Span
from orchestrator.instants import to_second
from orchestrator.operations import run_log
from orchestrator.pricing import Billed
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
from orchestrator.tasks.slots import expected, times
from orchestrator.tasks.task import Task, TaskSchedule

#: Seconds for which the registry, which is read whole, is not read again: for each thousand tasks, at least one.
_RECORDS_FRESH = 10.0

#: Seconds that the overview waits for old rows.
_PATIENCE = 0.3

#: Seconds for which the last answer says what time it is.
_NOW_FRESH = 2.0

#: So many runs stand on a task's page.
_RUNS_OF_A_TASK = 100

#: So many backfills are listed.
_BACKFILLS = 20


@dataclass(kw_only=True)
class _Known:
    """A row of the grid, and what it was made of."""

    #: Slots of the span that are to come when this is made, and how many of them have passed since.
    due: tuple[datetime, ...]
    passed: int = 0
    version: int = -1
    record: Record | None = None
    row: Row | None = None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The data of the first page."""

    rows: tuple[Row, ...]
    #: How many tasks there are in all.
    tasks: int
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    incidents: tuple[Incident, ...]
    #: From when on the ledger has been read so far.
    since: datetime


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
        self._rows: dict[tuple[str, datetime, datetime], _Known] = {}
        self._health = HealthReader(deployed.client, deployed.stack, monotonic)
        self._costs = costs.Total(self.now)
        self.units = ReadUnits(deployed.client("dynamodb"))

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
            if self._records is None or self._monotonic() - self._records[0] > _fresh(len(self._records[1])):
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
        since = self._recent.refresh(span.since, _PATIENCE)
        rows = [self._row(record, span, now) for record in shown]
        tasks = [record.task for record in records.values()]
        return Overview(
            rows=tuple(one for one in rows if wanted.shows(one)),
            tasks=len(tasks),
            owners=tuple(sorted({task.owner for task in tasks} - {""})),
            tags=tuple(sorted({tag for task in tasks for tag in task.tags})),
            incidents=self.incidents(),
            since=since,
        )

    def health(self) -> Health:
        """Returns how the stack itself is, asked anew after half a minute."""
        return self._health.read()

    def dollars(self, billed: Billed) -> Decimal | None:
        """What all tasks cost a month; None while it is being worked out."""
        tasks = [record.task for record in self.records().values()]
        return self._costs.dollars(tasks, self._recent.seconds, billed)

    def settle(self) -> None:
        """Waits until the ledger is read as far back as somebody has asked."""
        self._recent.settle()

    def _row(self, record: Record, span: Span, now: datetime) -> Row:
        """A task's row, worked out again only where its slots have changed."""
        key, version = (record.task.id, span.since, span.until), self._recent.version(record.task.id)
        known = self._rows.get(key)
        if known is None or not _same(known.record, record):
            if len(self._rows) > 3 * len(self.records()):
                self._rows.clear()
            known = _Known(due=_due(record.task, now, span))
            self._rows[key] = known
        passed = bisect_right(known.due, now)
        if known.version != version or known.passed != passed or known.row is None:
            version, runs = self._recent.of_task(record.task.id)
            known.version, known.passed = version, passed
            known.row = row(record, span, runs, known.due[passed:])
        elif known.record is not record:
            known.row = replace(known.row, record=record, drawn={})
        known.record = record
        return known.row

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


def _same(one: Record | None, other: Record) -> bool:
    return one is other or (one is not None and one.task == other.task)


def _fresh(records: int) -> float:
    return _RECORDS_FRESH * max(1.0, records / 1000)


@lru_cache(maxsize=4096)
def _times(schedule: TaskSchedule, since: datetime, until: datetime) -> tuple[datetime, ...]:
    """The common case, many times as fast: nothing is left out or brought together, and many tasks have the same."""
    return tuple(times(schedule).between(since, until))


def _due(task: Task, now: datetime, span: Span) -> tuple[datetime, ...]:
    """Slots of the span that are to come, and will run."""
    begin = max(span.since, span.begin(span.column(now)))
    if task.follows_scheduler and not task.closures and len(task.schedules) == 1:
        return _times(task.schedules[0], begin - timedelta(seconds=1), span.until)
    slots = expected(task, begin - timedelta(seconds=1), span.until)
    return tuple(slot.at for slot in slots if not slot.skipped)

"""One round of the watchdog."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, TypeVar

from pydantic.alias_generators import to_camel

from lambdas.system.watchdog.budgets import Budgets
from orchestrator.errors import InvalidRecord, InvalidRow
from orchestrator.instants import order, to_millisecond
from orchestrator.operations import pausing
from orchestrator.operations.lateness import Lateness
from orchestrator.operations.releasing import Release, Releasing
from orchestrator.runs import alerts
from orchestrator.runs.cost import of_dead
from orchestrator.runs.destinations import News, about, attributes
from orchestrator.runs.missed_slots import detect, too_long
from orchestrator.runs.mutes import Mute, told_at_end
from orchestrator.runs.overruns import Overrun, overruns
from orchestrator.runs.run import Attention, Run, RunEnd, RunStatus, Trigger
from orchestrator.runs.spending import Spending
from orchestrator.runs.task_state import Record
from orchestrator.stack import Stack
from orchestrator.stores.budget_looks import BudgetLooks
from orchestrator.stores.due_tasks import DueTasks
from orchestrator.stores.executions import Runner
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Closing, Recorder
from orchestrator.stores.registry import Registry
from orchestrator.stores.unreadable import Report
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task

T = TypeVar("T")

#: What asks several things at once; its threads serve all rounds of a process.
_several = ThreadPoolExecutor(6)

#: A run is closed from outside only after this long, when its execution should long have recorded its own end.
_YOUNG = timedelta(minutes=5)

#: How long after an incident was last told a summary names the tasks that it has hit since.
_SUMMARY_AFTER_SECONDS = 900

#: DescribeExecution is refilled with 10 to 15 a second for a whole account ("Step Functions service quotas").
_MOST_DESCRIBED = 500


@dataclass(kw_only=True)
class Tally:
    """The counts of a round."""

    explained: int = 0
    started: int = 0
    closed: int = 0
    resumed: int = 0
    #: Held slots that were started or ended.
    released: int = 0
    #: Held slots that will miss their deadlines, and of which people learn that now.
    at_risk: int = 0
    told: int = 0
    #: Runs that go on for longer than they should, and of which people learn that now.
    too_long: int = 0
    #: What could not be checked, and why.
    faults: list[str] = field(default_factory=list)

    def to_value(self) -> dict[str, int]:
        values = asdict(self)
        del values["faults"]
        return {to_camel(name): value for name, value in values.items()}


@dataclass(kw_only=True)
class Round:
    """One check of everything that is due; a fault with one task does not stop the others."""

    stack: Stack
    registry: Registry
    due: DueTasks
    ledger: Ledger
    recorder: Recorder
    runner: Runner
    incidents: Incidents
    mutes: Mutes
    pools: Pools
    looks: BudgetLooks
    #: Called with what cannot be read: a row or record of somebody else's making.
    report: Report
    #: Called with subject, text and what they are about, as SNS takes it.
    publish: Callable[[str, str, Mapping[str, Any]], Any]
    now: datetime
    #: Whether there is time for one more.
    goes_on: Callable[[], bool]
    tally: Tally = field(default_factory=Tally)
    _records: dict[str, Record | None] = field(default_factory=dict)

    def make(self) -> Tally:
        """Closes runs whose executions are gone first, which frees their leases; their slots are then not missed."""
        # What is to be looked at is found at once; each is read again when it is.
        running, waiting = (
            _several.submit(self._read, "run", partial(self._with_status, status))
            for status in (RunStatus.RUNNING, RunStatus.WAITING)
        )
        overdue = _several.submit(self._read, "task", lambda: list(self.due.ids(self.now)))
        mutes = _several.submit(self._read, "mute", self.mutes.all)
        incidents = _several.submit(self._read, "incident", lambda: list(self.incidents.open()))
        look = _several.submit(self._read, "budget", lambda: [self.looks.is_due(self.now)])
        unfinished = [*running.result(), *waiting.result()]
        going_on = [run for run in unfinished if run.hold is None]
        old = order(to_millisecond(self.now - _YOUNG))
        self._each("run", [run for run in going_on if order(run.started_at or "") < old][:_MOST_DESCRIBED], self._close)
        # What began later has taken no time as of now: this round's own run.
        now = order(to_millisecond(self.now))
        self._each("run", [run for run in going_on if order(run.started_at or "") < now], self._measure)
        self._each("run", [run for run in unfinished if run.hold is not None], self._consider)
        self._each("task", overdue.result(), self._check)
        self._each("mute", mutes.result(), self._unmute)
        self._each("incident", incidents.result(), self._summarize)
        if any(look.result()):
            # Last, since it may take long where many tasks have budgets.
            self._look_at_budgets(mutes.result(), incidents.result())
        return self.tally

    def _look_at_budgets(self, mutes: Sequence[Mute], incidents: Sequence[alerts.Incident]) -> None:
        """Once a day. Where there is no time for all, or a fault, the next round goes on."""
        budgets = Budgets(
            stack=self.stack,
            registry=self.registry,
            ledger=self.ledger,
            incidents=self.incidents,
            mutes=self.mutes,
            publish=self.publish,
            now=self.now,
        )
        faults, spent = len(self.tally.faults), list[tuple[Task, Spending]]()
        bounded = self._read("budget", self.registry.bounded)
        self._each("budget of", bounded, lambda record: spent.append(budgets.spent(record)))

        def tell(overrun: Overrun) -> None:
            self.tally.told += budgets.tell(overrun, mutes)

        self._each("overrun of", list(overruns(spent, self.now)), tell)
        self._each("incident", incidents, budgets.end)
        if len(spent) == len(bounded) and len(self.tally.faults) == faults and self.goes_on():
            self.looks.done(self.now)

    def _read(self, what: str, find: Callable[[], list[T]]) -> list[T]:
        try:
            return find()
        except Exception as fault:
            self.tally.faults.append(f"{what}s: {type(fault).__name__}: {fault}")
            return []

    def _each(self, what: str, items: Sequence[T], do: Callable[[T], None]) -> None:
        for one in items:
            if not self.goes_on():
                return
            try:
                do(one)
            except (InvalidRecord, InvalidRow) as fault:
                self.report(fault)
            except Exception as fault:
                # A fault with one must not stop the others; the round fails at its end, and names each fault.
                self.tally.faults.append(f"{what} {_name(one)}: {type(fault).__name__}: {fault}")

    def _with_status(self, status: RunStatus) -> list[Run]:
        return list(self.ledger.with_status(status))

    def _consider(self, run: Run) -> None:
        """Releases, or ends, a held slot that nobody has woken; and warns of one that will miss its deadline, once."""
        became = self._releasing.consider(run.task_id, run.slot, self.now)
        self.tally.released += became in (Release.STARTED, Release.ENDED)
        record = self._record(run.task_id) if became is Release.WAITS and not run.attention else None
        if record is not None and self._lateness.misses_deadline(run, record, self.now):
            self.tally.at_risk += self.recorder.warn(run, Attention.AT_RISK)

    @cached_property
    def _lateness(self) -> Lateness:
        return Lateness(registry=self.registry, ledger=self.ledger)

    @cached_property
    def _releasing(self) -> Releasing:
        return Releasing(
            registry=self.registry,
            ledger=self.ledger,
            recorder=self.recorder,
            runner=self.runner,
            pools=self.pools,
            searched=set(),
        )

    def _measure(self, run: Run) -> None:
        """Marks the row of a run that goes on for longer than its task should; the ledger's stream tells people."""
        if run.status is not RunStatus.RUNNING or run.execution_arn is None or Attention.TOO_LONG in run.attention:
            return
        record = self._record(run.task_id)
        if record is not None and too_long(record, run, self.now):
            self.tally.too_long += self.recorder.attend(run.task_id, run.slot, run.execution_arn, Attention.TOO_LONG)

    def _record(self, task_id: str) -> Record | None:
        """Read once in a round, however many runs of the task go on."""
        if task_id not in self._records:
            self._records[task_id] = None
            self._records[task_id] = self.registry.get(task_id)
        return self._records[task_id]

    def _close(self, run: Run) -> None:
        if run.execution_arn is None:
            raise InvalidRow(run.task_id, run.slot, f"it is {run.status} and names no execution")
        end = self.runner.ending(run, self.now)
        if end is not None:
            end = replace(end, dollars=self._cost(run, end))
            closing = self.recorder.close(run.task_id, run.slot, run.execution_arn, end)
            self.tally.closed += closing is Closing.DONE

    def _cost(self, run: Run, end: RunEnd) -> Decimal | None:
        """None where the record does not say it: a run is closed whatever its record is like."""
        try:
            record = self._record(run.task_id)
        except InvalidRecord as fault:
            self.report(fault)
            return None
        ended_at = end.ended_at
        return of_dead(record.task, run, started_at=run.started_at, ended_at=ended_at) if record else None

    def _check(self, task_id: str) -> None:
        record = self.registry.get(task_id)
        if record is None or record.checkpoint is None:
            return
        if record.pause is not None and record.pause.over(self.now):
            started = pausing.resume(self.registry, self.ledger, self.runner, task_id, record.pause, self.now)
            self.tally.resumed += 1
            self.tally.started += len(started)
        self._explain(record)

    def _explain(self, record: Record) -> None:
        task, checkpoint = record.task, record.checkpoint
        assert checkpoint is not None
        recorded = {run.slot for run in self.ledger.between(task.id, checkpoint.checked_until, key(self.now))}
        detection = detect(task, checkpoint, record.pause, recorded, self.now)
        for verdict in detection.verdicts:
            end = RunEnd(status=verdict.status, reason=verdict.reason, cause=verdict.cause)
            written = self.recorder.record(task.id, verdict.slot, end, now=self.now, linked=task.is_linked)
            self.tally.explained += written
        for slot in detection.starts:
            self.runner.start(task.id, params={}, slot=slot, now=self.now, trigger=Trigger.CATCH_UP)
            self.tally.started += 1
        self.registry.advance(task.id, checkpoint, detection.checkpoint)

    def _unmute(self, mute: Mute) -> None:
        """What a mute that is over has kept quiet is told now, and then it is forgotten: rather twice than never."""
        if not mute.over(self.now):
            return
        if mute.notes:
            subject, text = alerts.subject(self.stack, "mute over"), told_at_end(self.stack, mute)
            told = attributes(News.UNMUTED, severities=mute.severities, tasks=mute.tasks, owners=mute.owners)
            self.publish(subject, text, told)
            self.tally.told += 1
        self.mutes.end(mute)

    def _summarize(self, incident: alerts.Incident) -> None:
        """Tells of tasks that joined later; the follower is about to tell what nobody has heard of yet."""
        before = alerts.told_before(self.now, _SUMMARY_AFTER_SECONDS)
        if not incident.untold or incident.last_told is None or incident.last_told > before:
            return
        # Told before it is noted: rather twice than never.
        subject, text = alerts.subject(self.stack, f"still {incident.severity}"), alerts.summary(self.stack, incident)
        self.publish(subject, text, about(News.SUMMARY, incident))
        self.incidents.tell(incident, f"summary {key(self.now)}", not_since=before, now=self.now)
        self.tally.told += 1


def _name(one: object) -> str:
    """Names what a fault happened to."""
    match one:
        case Run():
            return f"{one.task_id} {one.slot}"
        case Record():
            return one.task.id
        case Overrun():
            return one.who
        case alerts.Incident():
            return one.id
        case Mute():
            return one.scope.key
        case _:
            return str(one)

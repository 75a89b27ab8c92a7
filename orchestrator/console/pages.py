"""The pages as HTML: what each shows, from what :mod:`reading` answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jinja2 import Environment

from orchestrator.console import costs, grid, heat, ledger
from orchestrator.console.action import Action, Fields
from orchestrator.console.backfill_actions import going_on
from orchestrator.console.calls import calls
from orchestrator.console.dependencies import above, below, linked
from orchestrator.console.durations import durations
from orchestrator.console.executions import execution
from orchestrator.console.facts import limits, run_facts, task_facts, zone
from orchestrator.console.failures import stretches
from orchestrator.console.grid import By, Filter, Mark
from orchestrator.console.guard import Guard
from orchestrator.console.health import silent_since
from orchestrator.console.links import Links
from orchestrator.console.project import Pending, Project, differing, pending
from orchestrator.console.reading import Reading
from orchestrator.console.rendering import environment
from orchestrator.console.span import LENGTHS, span
from orchestrator.console.timeline import timeline
from orchestrator.errors import NoRunOfSlot, UnknownTask
from orchestrator.instants import of_slot
from orchestrator.operations.approving import asks
from orchestrator.runs.alerts import Incident
from orchestrator.runs.backfill import Reprocess, progress
from orchestrator.runs.explanation import why
from orchestrator.runs.outline import Outline
from orchestrator.runs.pauses import each
from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.tasks import preview
from orchestrator.tasks.scope import Scope
from orchestrator.tasks.slots import expected
from orchestrator.tasks.task import Task

#: By its name in an address, the title of each page that navigation offers.
TITLES = (
    ("", "Overview"),
    ("timeline", "Timeline"),
    ("failures", "Failures"),
    ("ledger", "Ledger"),
    ("deployments", "Deployments"),
)
_LOCAL = ("local", "Local AWS")

#: Of an incident, so many slots; of a task, so many causes; days of the pages of failures and of the ledger.
_SLOTS, _CAUSES, _DAYS = 20, 8, timedelta(days=7)

_UPCOMING = 10

#: So many tasks are shown that the next deployment changes.
_PENDING = 200

#: So many slots of a backfill are listed, those that matter first.
_SLOTS_OF_A_BACKFILL = 500


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The pages of one stack; ``links`` lead from one to another."""

    reading: Reading
    links: Links = field(default_factory=Links)
    guard: Guard = field(default_factory=Guard)
    #: The tasks as their file has them, by id, where that is at hand.
    project: Project = field(default_factory=Project)
    #: Seconds after which a page is asked for again.
    pause: float = 3.0
    #: When a copy was made.
    made: datetime | None = None
    templates: Environment = field(default_factory=environment)

    @property
    def titles(self) -> tuple[tuple[str, str], ...]:
        """Of the pages that there are: a copy, and a stack on AWS, have no page of the embedded AWS."""
        return TITLES if self.reading.of_aws or not self.links.live else (*TITLES, _LOCAL)

    def linked(self, links: Links, made: datetime) -> Pages:
        """The same as a copy that was made then."""
        return replace(self, links=links, made=made)

    def overview(self, length: str, wanted: Filter, by: By = By.OWNER) -> str:
        """The grid. KeyError for a length that is none of :data:`~orchestrator.console.span.LENGTHS`."""
        now = self.reading.now()
        shown = span(length, now)
        found = self.reading.overview(shown, wanted)
        records, health = self.reading.records().values(), self.reading.health()
        return self._page(
            "overview",
            "",
            incidents=found.incidents,
            watchdogs=[(one, silent_since(one, now)) for one in records if one.task.is_system],
            health=health,
            schedules=sum(len(one.task.schedules) for one in records),
            cost=self._cost(),
            unwell=not health.is_well
            or any(silent_since(one, now) or one.pause for one in records if one.task.is_system),
            differing=self._differing(records),
            lengths=tuple(LENGTHS),
            owners=found.owners,
            tags=found.tags,
            statuses=[*Mark, "paused"],
            wanted=wanted,
            span=shown,
            shown=len(found.rows),
            tasks=found.tasks,
            now_column=shown.column(now),
            read_since=found.since,
            groups=grid.groups(found.rows, by),
            by=by,
            By=By,
        )

    def cell(self, task_id: str, since: datetime, length: timedelta) -> str:
        """Renders the runs behind one cell of the grid, as a part of a page. Raises :class:`UnknownTask`."""
        record = self.reading.record(task_id)
        if record is None:
            raise UnknownTask(task_id)
        instant, until = timedelta(seconds=1), since + length
        now = self.reading.now()
        due = (slot.at for slot in expected(record.task, max(since, now) - instant, until - instant))
        return self._rendered(
            "cell",
            task_id=task_id,
            since=since,
            until=until,
            zone=zone(record.task),
            runs=self.reading.rows_between(task_id, since, until - instant),
            due=[moment for moment in due if moment > now],
        )

    def task(self, task_id: str) -> str:
        """Renders one task. Raises :class:`UnknownTask`."""
        record = self.reading.record(task_id)
        if record is None:
            raise UnknownTask(task_id)
        task, runs, now = record.task, self.reading.runs(task_id), self.reading.now()
        upcoming = preview.lines(task, now, count=_UPCOMING, until=None) if task.schedules else []
        tasks = {one.task.id: one.task for one in self.reading.records().values()} if linked(task) else {}
        causes = Counter(why(run) or run.status for run in runs if run.status in UNSUCCESSFUL)
        return self._page(
            "task",
            None,
            record=record,
            task=task,
            zone=zone(task),
            pauses=[(one, Scope.from_key(one.switch) if one.switch else None) for one in each(record.pause)],
            incidents=[one for one in self.reading.incidents() if task_id in one.tasks],
            declared=task_facts(task),
            pending=self._pending(task),
            cost=costs.cost(task, runs, billed, now) if (billed := self.project.billed()) and task.schedules else None,
            upcoming=upcoming,
            above=above(task, tasks, next((line.slot for line in upcoming if line.slot and line.runs), None)),
            below=below(task, tasks),
            durations=durations(runs, limits(task)),
            causes=causes.most_common(_CAUSES),
            runs=runs,
        )

    def run(self, task_id: str, slot: str) -> str:
        """The run of one slot. Raises :class:`NoRunOfSlot`."""
        run = self.reading.run(task_id, slot)
        if run is None:
            raise NoRunOfSlot(task_id, slot)
        record = self.reading.records().get(task_id)
        log, absent = self.reading.log(run)
        runners = (self.reading.stack.task_runner, self.reading.stack.express_runner)
        return self._page(
            "run",
            None,
            run=run,
            zone=zone(record.task) if record else "UTC",
            ended=run.status in TERMINAL,
            asks=asks(run),
            facts=run_facts(run),
            execution=execution(self.reading.histories, run.execution_arn, runners) if run.execution_arn else None,
            of_aws=self.reading.of_aws,
            log=calls(run, log),
            log_absent=absent,
        )

    def timeline(self, hours: int, until: datetime | None) -> str:
        """Renders the runs of the ``hours`` before ``until``, or before now, side by side, and how busy days are."""
        now = self.reading.now()
        end = until or now.replace(second=0) + timedelta(minutes=1)
        since = end - timedelta(hours=hours)
        # A run belongs to its slot, and may go on for a day after that.
        runs = self.reading.between(since - timedelta(days=1), end)
        tasks = [record.task for record in self.reading.records().values() if record.pause_at(now) is None]
        coming = (
            slot.at for task in tasks for slot in expected(task, now, now + timedelta(days=1)) if not slot.skipped
        )
        day = self.reading.between(now - timedelta(days=1), now)
        past = (of_slot(run.slot) for run in day if run.started_at)
        return self._page(
            "timeline",
            "timeline",
            hours=hours,
            until=until,
            timeline=timeline(runs, since, end, now),
            heat=heat.heat({"The last 24 hours": past, "The next 24 hours": coming}),
        )

    def failures(self) -> str:
        """Incidents with their slots, missed slots and dead letters of the last days."""
        now = self.reading.now()
        runs = [run for run in self.reading.between(now - _DAYS, now) if run.status in UNSUCCESSFUL]
        runs.sort(key=lambda run: run.slot, reverse=True)
        missed = [run for run in runs if run.status in (RunStatus.MISSED, RunStatus.EXPIRED)]
        incidents = self.reading.incidents()

        def of(incident: Incident) -> list[Outline]:
            return [run for run in runs if run.task_id in incident.tasks and run.slot >= incident.since[:10]]

        slots = [(one, of(one)) for one in incidents]
        return self._page(
            "failures",
            "failures",
            incidents=[(one, some[:_SLOTS], stretches(some)) for one, some in slots],
            again=stretches(missed),
            missed=missed[:200],
            letters=self.reading.dead_letters(),
        )

    def ledger(self) -> str:
        """The proof by day; backfills; what is live."""
        now = self.reading.now()
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - _DAYS
        records = self.reading.records().values()
        return self._page(
            "ledger",
            "ledger",
            days=ledger.days(records, self.reading.between(since, now), since, now),
            backfills=self.reading.backfills(),
        )

    def deployments(self) -> str:
        """Renders which versions are live, what the last deployment has done, and what the next one would do."""
        written = self.project.tasks()
        tasks = {record.task.id: record.task for record in self.reading.records().values() if not record.task.is_system}
        there = {name: task for name, task in (written or {}).items() if not task.is_system}
        return self._page(
            "deployments",
            "deployments",
            versions=self.reading.versions(),
            last=self.reading.last_deployment(),
            known=written is not None,
            pending=pending(tasks, there, self.reading.now()) if written is not None else (),
            most=_PENDING,
        )

    def local(self) -> str:
        """Renders what only the embedded AWS lets a person see: mails, messages, objects, its clock."""
        return self._page("local", "local", seen=self.reading.embedded(), buckets=self.reading.objects())

    def backfill(self, name: str) -> str:
        """Renders one backfill and how far it has come. Raises :class:`UnknownBackfill`."""
        one = self.reading.backfill(name)
        assert one.asked is not None, "it was asked for"
        rows = self.reading.rows_of(one.asked)
        return self._page(
            "backfill",
            None,
            backfill=one,
            asked=one.asked,
            progress=progress(one.asked, rows),
            rows=rows,
            most=_SLOTS_OF_A_BACKFILL,
            command=going_on(one),
        )

    def after(self, fields: Fields) -> str:
        """Where somebody goes on who has acted, or has not."""
        if "backfill" in fields:
            return self.links.backfill(fields["backfill"])
        return self.links.task(fields["task"]) if "task" in fields else self.links.page("failures")

    def confirm(self, name: str, action: Action, fields: Fields, effects: list[str], said: str) -> str:
        """Renders what an action would do, and asks for a confirmation; ``said`` is the command that does the same."""
        return self._page(
            "confirm",
            None,
            title=action.title,
            effects=effects,
            command=said,
            action=name,
            fields=fields,
            back=self.after(fields),
        )

    def message(self, title: str, text: str, back: str | None = None, *, retried: bool = False) -> str:
        """A page of one sentence. ``retried``: the browser asks again until the page itself is there."""
        return self._page("message", None, title=title, text=text, back=back, retried=retried)

    def _cost(self) -> tuple[Decimal | None, Decimal] | None:
        """Dollars a month of all tasks, if they are worked out, and of the stack itself; None without the project."""
        billed, fixed = self.project.billed(), self.project.fixed()
        return None if billed is None or fixed is None else (self.reading.dollars(billed), fixed)

    def _differing(self, records: Iterable[Record]) -> Mapping[str, int]:
        """How many tasks the project's file has otherwise; none where it is not at hand."""
        written = self.project.tasks()
        if written is None:
            return {}
        here = {record.task.id: record.task for record in records if not record.task.is_system}
        return differing(here, {name: task for name, task in written.items() if not task.is_system})

    def _pending(self, task: Task) -> Pending | None:
        """What the next apply would do with a task, where its file is at hand and has it otherwise."""
        written = self.project.tasks()
        if written is None or task.is_system:
            return None
        there = {task.id: written[task.id]} if task.id in written else {}
        return next(iter(pending({task.id: task}, there, self.reading.now())), None)

    def _page(self, template: str, page: str | None, **values: Any) -> str:
        return self._rendered(template, page=page, **values)

    def _rendered(self, template: str, **values: Any) -> str:
        known = {"links": self.links, "guard": self.guard, "pages": self.titles, "made": self.made}
        known |= {"pause": self.pause, "Reprocess": Reprocess}
        return self.templates.get_template(f"{template}.html").render(**known, stack=self.reading.stack, **values)

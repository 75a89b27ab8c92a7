"""Planning a backfill from what the ledger has, and going on with one that has ended before all its slots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.errors import FutureSlots
from orchestrator.runs.backfill import Asked, PlannedSlot, Reprocess, plan, remaining, slots_between
from orchestrator.runs.run import TERMINAL, Run
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.slots import in_zone_of, key, upcoming
from orchestrator.tasks.task import Task

_DAY_LENGTH = len("2026-12-01")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which slots a person wants; a moment without a zone is one of the task's first schedule's."""

    begin: datetime
    #: None is now.
    end: datetime | None = None
    reprocess: Reprocess = Reprocess.NONE
    before: datetime | None = None

    @classmethod
    def of_texts(cls, begin: str, end: str, reprocess: Reprocess) -> Selection:
        """From ``2026-12-01`` or ``2026-12-01T08:00``; a day as the end is its last moment. Raises ValueError."""
        last = datetime.fromisoformat(end) if end else None
        if last and len(end) == _DAY_LENGTH:
            last += timedelta(days=1, seconds=-1)
        return cls(begin=datetime.fromisoformat(begin), end=last, reprocess=reprocess)


def planned(ledger: Ledger, runner: Runner, task: Task, wanted: Selection, now: datetime) -> list[PlannedSlot]:
    """What would become of each slot, in order. Raises :class:`FutureSlots`."""
    first = in_zone_of(task, wanted.begin)
    last = in_zone_of(task, wanted.end) if wanted.end else now
    to_come = next(upcoming(task, now), None)
    if to_come and to_come.at <= last:
        raise FutureSlots(task.id, key(to_come.at))
    rows = ledger.between(task.id, key(first), key(last))
    died = {run.slot for run in rows if run.status not in TERMINAL and _died(ledger, runner, run, now)}
    slots = slots_between(task, first, last)
    return plan(slots, rows, reprocess=wanted.reprocess, died=died, before=wanted.before)


def continued(ledger: Ledger, runner: Runner, asked: Asked, now: datetime) -> list[PlannedSlot]:
    """The slots of a backfill that it has not run; one that runs now, or that somebody else has run, is left out."""
    rows = {run.slot: run for run in ledger.between(asked.task_id, *asked.span)}
    died = {slot for slot, run in rows.items() if run.status not in TERMINAL and _died(ledger, runner, run, now)}
    return remaining(asked, rows, died)


def _died(ledger: Ledger, runner: Runner, run: Run, now: datetime) -> bool:
    """Whether the run's execution has ended and its row, looked at once more after that, does not know; a held slot has
    none that could die.
    """
    return run.hold is None and runner.ended(run, now) and ledger.get(run.task_id, run.slot) == run

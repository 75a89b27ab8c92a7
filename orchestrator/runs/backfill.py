"""A backfill: which slots of the past are run, and which are left as they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, Run, RunStatus
from orchestrator.tasks.slots import Slot, expected, key
from orchestrator.tasks.task import Task

#: An inline Map runs no more iterations at once ("Using Map state in Inline mode").
MOST_ACTIVE = 40

#: What one backfill takes: its input holds 256 KiB ("Step Functions service quotas").
MOST_SLOTS = 3_000

_INSTANT = timedelta(microseconds=1)


class Reprocess(StrEnum):
    """Which slots are run again that have a row already; one without a row is always run."""

    #: None but those whose execution has died without a word.
    NONE = "none"
    #: Those that failed, timed out, were aborted or missed, too.
    FAILED = "failed"
    #: All, those that succeeded or were skipped too.
    COMPLETED = "completed"


class SlotOutcome(StrEnum):
    """The outcomes of a slot in a backfill."""

    SUCCEEDED = "SUCCEEDED"
    #: Its row says how.
    FAILED = "FAILED"
    #: Somebody paused the task meanwhile: the slot is as it was.
    SKIPPED = "SKIPPED"
    #: Its row waits: for a moment, for somebody's approval, for a place in a pool.
    WAITING = "WAITING"
    #: Somebody else ran it meanwhile.
    DUPLICATE = "DUPLICATE"
    #: It was not started, or nobody waited for its end.
    UNFINISHED = "UNFINISHED"


class Decision(StrEnum):
    """The decisions of a backfill about a slot."""

    RUN = "run"
    #: In the place of the run that is there.
    RUN_AGAIN = "run again"
    #: Its run is not one to be reprocessed.
    KEEP = "keep"
    #: It runs now.
    WAIT = "still running"
    #: On purpose it has no run: a calendar is closed, or the other occurrence of a repeated time runs.
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class PlannedSlot:
    """A slot of the past, and what is to become of it."""

    slot: str
    decision: Decision
    #: The run that it has.
    run: Run | None = None
    #: Why it is closed.
    why: str = ""

    @property
    def runs(self) -> bool:
        return self.decision in (Decision.RUN, Decision.RUN_AGAIN)

    def to_value(self) -> dict[str, str]:
        """Returns it as the state machine takes it."""
        replaced = {"replaces": self.run.version} if self.run and self.decision is Decision.RUN_AGAIN else {}
        return {"slot": self.slot} | replaced


def slots_between(task: Task, begin: datetime, end: datetime) -> list[Slot]:
    """The task's slots in [begin, end], by its schedules as they are now."""
    return expected(task, begin - _INSTANT, end)


def plan(
    slots: Iterable[Slot],
    runs: Iterable[Run],
    *,
    reprocess: Reprocess,
    died: Collection[str] = (),
    before: datetime | None = None,
) -> list[PlannedSlot]:
    """Decides what to do with each slot, in order.

    ``runs`` are the rows there are of them; ``died`` the slots whose row is RUNNING and whose execution is not. A run
    that began at ``before`` or later is kept, so that a backfill which reprocesses can be continued.
    """
    by_slot = {run.slot: run for run in runs}
    return [_planned(slot, by_slot.get(key(slot.at)), reprocess, died, before) for slot in slots]


def batches(planned: Iterable[PlannedSlot], *, reverse: bool) -> Iterator[Sequence[PlannedSlot]]:
    """The slots to run, the oldest first, or with ``reverse`` the newest, in groups that one backfill takes."""
    chosen = sorted((slot for slot in planned if slot.runs), key=lambda slot: slot.slot, reverse=reverse)
    for first in range(0, len(chosen), MOST_SLOTS):
        yield chosen[first : first + MOST_SLOTS]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a backfill was started with."""

    task_id: str
    max_active: int
    #: By slot, in their order, the version of the run whose place the new one takes; empty where there was none.
    slots: Mapping[str, str]
    reprocess: Reprocess = Reprocess.NONE
    started_by: str = ""

    @property
    def span(self) -> tuple[str, str]:
        """The first slot, and the last."""
        return min(self.slots), max(self.slots)

    @classmethod
    def read(cls, text: str) -> Asked:
        """From the input of the execution. Raises ValueError."""
        try:
            given = json.loads(text)
            return cls(
                task_id=str(given["taskId"]),
                max_active=int(given.get("maxActive", 1)),
                slots={str(one["slot"]): str(one.get("replaces") or "") for one in given["slots"]},
                reprocess=Reprocess(given.get("reprocess", Reprocess.NONE)),
                started_by=str(given.get("startedBy", "")),
            )
        except (KeyError, TypeError, AttributeError) as fault:
            raise ValueError(f"this is no input of Backfill: {fault}") from fault


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a backfill has come; slots in their order."""

    succeeded: tuple[Run, ...]
    unsuccessful: tuple[Run, ...]
    going_on: tuple[Run, ...]
    #: That no run of it, nor anybody else's, has begun.
    left: tuple[str, ...]

    @property
    def done(self) -> int:
        return len(self.succeeded) + len(self.unsuccessful)


def progress(asked: Asked, rows: Mapping[str, Run]) -> Progress:
    """``rows`` are those of its span, by slot."""
    begun = [run for slot, was in asked.slots.items() if (run := rows.get(slot)) and run.version != was]
    over = [run for run in begun if run.status in TERMINAL]
    names = {run.slot for run in begun}
    return Progress(
        succeeded=tuple(run for run in over if run.status is RunStatus.SUCCEEDED),
        unsuccessful=tuple(run for run in over if run.status is not RunStatus.SUCCEEDED),
        going_on=tuple(run for run in begun if run.status not in TERMINAL),
        left=tuple(slot for slot in asked.slots if slot not in names),
    )


def remaining(asked: Asked, rows: Mapping[str, Run], died: Collection[str]) -> list[PlannedSlot]:
    """The slots that are left, and those whose run has died, each to take the place of the row that it has."""
    left = {*progress(asked, rows).left, *(slot for slot in died if slot in asked.slots)}
    return [
        PlannedSlot(slot=slot, decision=Decision.RUN_AGAIN if slot in rows else Decision.RUN, run=rows.get(slot))
        for slot in asked.slots
        if slot in left
    ]


def ended(slots: Iterable[PlannedSlot], runs: Iterable[Run]) -> list[Run]:
    """The runs that have come to an end since the slots were planned, oldest slot first."""
    before = {slot.slot: slot.run.version if slot.run else "" for slot in slots}
    fresh = [run for run in runs if run.status in TERMINAL and before.get(run.slot, run.version) != run.version]
    return sorted(fresh, key=lambda run: run.slot)


def _planned(
    slot: Slot, run: Run | None, reprocess: Reprocess, died: Collection[str], before: datetime | None
) -> PlannedSlot:
    at = key(slot.at)
    if run is None:
        decision = Decision.CLOSED if slot.skipped else Decision.RUN
    elif run.status not in TERMINAL:
        decision = Decision.RUN_AGAIN if at in died else Decision.WAIT
    elif slot.skipped or run.status not in _REPROCESSED[reprocess] or _began_since(before, run):
        decision = Decision.KEEP
    else:
        decision = Decision.RUN_AGAIN
    return PlannedSlot(slot=at, decision=decision, run=run, why=slot.skipped or "")


_REPROCESSED = {Reprocess.NONE: frozenset[RunStatus](), Reprocess.FAILED: UNSUCCESSFUL, Reprocess.COMPLETED: TERMINAL}


def _began_since(before: datetime | None, run: Run) -> bool:
    return before is not None and run.started_at is not None and datetime.fromisoformat(run.started_at) >= before

"""A pause, and what becomes of the slots that it has skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from orchestrator.ledger import Ledger
from orchestrator.records import Pause
from orchestrator.registry import Registry
from orchestrator.runner import Runner
from orchestrator.runs import Run, RunStatus, SkipReason, Trigger
from orchestrator.slots import key
from orchestrator.tasks import CatchUp

#: At the end of one pause; the rest of a longer one stays skipped.
MOST_SLOTS = 500


def skipped(pause: Pause, runs: Iterable[Run]) -> list[Run]:
    """The runs that are to take place when the pause is over, the oldest first."""
    found = sorted(
        (run for run in runs if run.status is RunStatus.SKIPPED and run.reason == SkipReason.PAUSED),
        key=lambda run: run.slot,
    )
    match pause.on_resume:
        case CatchUp.NONE:
            return []
        case CatchUp.LATEST:
            return found[-1:]
        case CatchUp.ALL:
            return found[-MOST_SLOTS:]


def resume(registry: Registry, ledger: Ledger, runner: Runner, task_id: str, pause: Pause, now: datetime) -> list[str]:
    """Ends a task's pause and starts what it has skipped, as it says: the slots.

    It can be cut off anywhere and done again: the pause is over first, and gone last; and a slot that has been started
    is no longer skipped.
    """
    if not pause.over(now):
        over = replace(pause, until=key(now))
        registry.pause(task_id, over, next_run=over.until)
    runs = ledger.between(task_id, pause.since or "0", key(now)) if pause.on_resume is not CatchUp.NONE else ()
    chosen = skipped(pause, runs)
    for run in chosen:
        runner.start(task_id, params={}, slot=run.slot, now=now, replaced=run, trigger=Trigger.CATCH_UP)
    registry.resume(task_id)
    return [run.slot for run in chosen]

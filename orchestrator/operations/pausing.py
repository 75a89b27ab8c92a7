"""A pause, and what becomes of the slots that it has skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.errors import NotPaused, PausedBySwitch
from orchestrator.instants import order, read
from orchestrator.runs.pauses import ended, of
from orchestrator.runs.run import Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Pause, Record
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.stores.schedule_group import MAXIMUM_EVENT_AGE_SECONDS
from orchestrator.tasks.scope import Scope
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp

#: At the end of one pause; the rest of a longer one stays skipped.
MOST_SLOTS = 500


def skipped(pause: Pause, runs: Iterable[Run]) -> list[Run]:
    """The runs that are to take place when the pause is over, the oldest first.

    A slot of before the pause that was delivered late, while it was on, is one of them; what an earlier pause has
    skipped is not.
    """
    slots = sorted(
        (
            run
            for run in runs
            if run.status is RunStatus.SKIPPED
            and run.reason == SkipReason.PAUSED
            and max(order(run.slot), order(run.started_at or "")) >= order(pause.since)
        ),
        key=lambda run: order(run.slot),
    )
    match pause.on_resume:
        case CatchUp.NONE:
            return []
        case CatchUp.LATEST:
            return slots[-1:]
        case CatchUp.ALL:
            return slots[-MOST_SLOTS:]


def resume(
    registry: Registry, ledger: Ledger, runner: Runner, task_id: str, pause: Pause, now: datetime, who: str = ""
) -> list[str]:
    """Ends a pause of a task and starts what it has skipped, as it says: the slots. ``who`` ends it, unless time has.

    Where other pauses of the task are on, they go on, and nothing is started. It can be cut off anywhere and done
    again: the pause is over first, and gone last; and a slot that has been started is no longer skipped.
    """
    end = replace(pause, beside=())
    if not end.over(now):
        end = replace(end, until=key(now), ended_by=who)
    changed = registry.change_pause(task_id, lambda before: ended(before, end.switch, end, now))
    if changed is None or changed[1] != end:
        return []
    chosen = skipped(end, _candidates(registry, ledger, task_id, end, now))
    for run in chosen:
        params = runner.params(run) if run.trigger is Trigger.EVENT else {}
        runner.start(task_id, params=params, slot=run.slot, now=now, replaced=run, trigger=Trigger.RESUME)
    last = replace(end, ended=key(now))
    registry.change_pause(task_id, lambda before: None if before == end else before, ended=last)
    return [run.slot for run in chosen]


def _candidates(registry: Registry, ledger: Ledger, task_id: str, pause: Pause, now: datetime) -> tuple[Run, ...]:
    """The runs that a pause may have skipped: of a schedule those of its time; an event may name any slot."""
    if pause.on_resume is CatchUp.NONE:
        return ()
    record = registry.get(task_id)
    if record is not None and record.task.starts:
        return ledger.runs(task_id, limit=2 * MOST_SLOTS, statuses=(RunStatus.SKIPPED,))
    return ledger.between(task_id, _earliest(pause), key(now))


def own(record: Record) -> Pause:
    """The pause of a task alone. Raises NotPaused, and PausedBySwitch for a task that is paused with others only."""
    if record.pause is None:
        raise NotPaused(record.task.id)
    pause = of(record.pause, "")
    if pause is None:
        scope = Scope.from_key(record.pause.switch)
        raise PausedBySwitch(record.task.id, str(scope), scope.option, record.pause.who, record.pause.why)
    return pause


def _earliest(pause: Pause) -> str:
    """The earliest slot that can be delivered while the pause is on."""
    since = read(pause.since)
    return key(since - timedelta(seconds=MAXIMUM_EVENT_AGE_SECONDS)) if since else "0"

"""What a person asks of a task or of a run by hand, and when the answer is no."""

from __future__ import annotations

from datetime import datetime

from orchestrator.errors import NoRunOfSlot, NotRunning, StillRunning, TaskPaused, UnknownTask
from orchestrator.instants import to_millisecond
from orchestrator.runs.run import TERMINAL, Run, RunEnd, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.stores.executions import STOPPED_BY_HAND, Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry


def runnable(registry: Registry, task_id: str, now: datetime) -> Record:
    """The record of a task that may be started. Raises :class:`UnknownTask` and :class:`TaskPaused`."""
    record = registry.get(task_id)
    if record is None:
        raise UnknownTask(task_id)
    if pause := record.pause_at(now):
        raise TaskPaused(task_id, pause.who, pause.why)
    return record


def rerunnable(ledger: Ledger, runner: Runner, task_id: str, slot: str, now: datetime) -> Run:
    """The run of a slot that has ended. Raises :class:`NoRunOfSlot` and :class:`StillRunning`."""
    run = ledger.get(task_id, slot)
    if run is None:
        raise NoRunOfSlot(task_id, slot)
    if run.status not in TERMINAL and run.execution_arn and not runner.ended(run, now):
        raise StillRunning(task_id, slot, run.execution_arn)
    return run


def stoppable(ledger: Ledger, task_id: str, slot: str) -> Run:
    """The run of a slot that goes on. Raises :class:`NoRunOfSlot` and :class:`NotRunning`."""
    run = ledger.get(task_id, slot)
    if run is None:
        raise NoRunOfSlot(task_id, slot)
    if run.status in TERMINAL or not (run.execution_arn or run.hold):
        raise NotRunning(task_id, slot, run.status)
    return run


def stop(runner: Runner, recorder: Recorder, run: Run, who: str, now: datetime) -> None:
    """Stops a run that goes on; a held slot, which has no execution, ends at once.

    Raises :class:`~orchestrator.errors.NotStoppable`.
    """
    if run.hold is None:
        runner.stop(run, who)
        return
    end = RunEnd(
        status=RunStatus.ABORTED, ended_at=to_millisecond(now), error=STOPPED_BY_HAND, cause=f"stopped by {who}"
    )
    recorder.end_held(run, end)

"""What a person asks of a task or of a run by hand, and when the answer is no."""

from __future__ import annotations

from datetime import datetime

from orchestrator.errors import NoRunOfSlot, NotRunning, StillRunning, TaskPaused, UnknownTask
from orchestrator.runs.run import TERMINAL, Run
from orchestrator.runs.task_state import Record
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
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
    if run.status in TERMINAL or not run.execution_arn:
        raise NotRunning(task_id, slot, run.status)
    return run

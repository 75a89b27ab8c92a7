"""Running again a slot that Scheduler could not start: a dead letter."""

from __future__ import annotations

from datetime import datetime

from orchestrator.errors import NotReplayable
from orchestrator.runs.run import TERMINAL, RunStatus, Trigger
from orchestrator.stores.dead_letters import DeadLetterRecord, DeadLetters
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry


def named(letters: DeadLetters, message_id: str) -> DeadLetterRecord:
    """The record of a message. Raises :class:`NotReplayable`."""
    record = letters.get(message_id)
    if record is None:
        raise NotReplayable(message_id, "there is no such record; `orchestrator failed` lists them")
    return record


def replay(one: DeadLetterRecord, registry: Registry, ledger: Ledger, runner: Runner, now: datetime) -> str:
    """Starts the slot under its own key, unless it has run meanwhile; what was done, in words.

    Raises :class:`NotReplayable`.
    """
    if one.task_id is None or one.slot is None:
        raise NotReplayable(one.message_id, "it does not say which slot of which task it was")
    if registry.get(one.task_id) is None:
        raise NotReplayable(one.message_id, f"there is no task {one.task_id} any more")
    run = ledger.get(one.task_id, one.slot)
    if run is not None and run.status is RunStatus.SUCCEEDED:
        return "has succeeded meanwhile"
    if run is not None and run.status not in TERMINAL and not runner.ended(run, now):
        return "is running"
    trigger = None if run else Trigger.SCHEDULE
    started = runner.start(one.task_id, params={}, slot=one.slot, now=now, replaced=run, trigger=trigger)
    return f"started {started.execution_arn}"

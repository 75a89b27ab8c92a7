"""Running again a slot that Scheduler, or an event that a rule could not start: a dead letter."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from orchestrator.errors import NotReplayable
from orchestrator.instants import to_millisecond
from orchestrator.runs.execution_end import Asked
from orchestrator.runs.run import TERMINAL, RunStatus, Trigger
from orchestrator.stack import Stack
from orchestrator.stores.dead_letters import DeadLetterRecord, DeadLetters
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.event_start import input_of
from orchestrator.tasks.rule_names import rule_name
from orchestrator.tasks.task import Task


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
    if one.task_id is None or (one.slot is None and one.rule_arn is None):
        raise NotReplayable(one.message_id, "it does not say which slot of which task it was")
    record = registry.get(one.task_id)
    if record is None:
        raise NotReplayable(one.message_id, f"there is no task {one.task_id} any more")
    asked, params = _asked_by_event(one, record.task, now) if one.rule_arn else (None, {})
    slot = asked.slot if asked else one.slot
    assert slot is not None
    run = ledger.get(one.task_id, slot)
    if run is not None and run.status is RunStatus.SUCCEEDED:
        return "has succeeded meanwhile"
    if run is not None and run.hold is not None:
        return run.hold.why or "waits"
    if run is not None and run.status not in TERMINAL and not runner.ended(run, now):
        return "is running"
    trigger = None if run else Trigger.EVENT if asked else Trigger.SCHEDULE
    started = runner.start(one.task_id, params=params, slot=slot, now=now, replaced=run, trigger=trigger)
    return f"started {started.execution_arn}"


def _asked_by_event(one: DeadLetterRecord, task: Task, now: datetime) -> tuple[Asked, dict[str, Any]]:
    """What the event would have asked for, and with which params. Raises :class:`NotReplayable`."""
    name = (one.rule_arn or "").rpartition("/")[2]
    stack = Stack(name=name.partition("-on.")[0])
    for start in task.starts:
        if rule_name(stack, task.id, start, express=task.express) == name:
            break
    else:
        raise NotReplayable(one.message_id, f"{task.id} has no rule {name} any more")
    try:
        event = json.loads(one.payload)
    except ValueError as fault:
        raise NotReplayable(one.message_id, "its event was too long to be kept whole") from fault
    given = input_of(task.id, start, event, Trigger.EVENT)
    began = to_millisecond(now)
    asked = Asked.read(given, began)
    if asked.slot == began:
        raise NotReplayable(one.message_id, f"its event names no slot: {str(given['scheduledTime'])[:60]!r}")
    return asked, given.get("params", {})

"""The shape of the events that :mod:`orchestrator.runs.outcomes` makes, as JSON Schema.

``docs/reference`` has it as a file and as a page. Another meaning of a field is another version of the schema; a field
that is new is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.runs.outcomes import SCHEMA, SOURCE, Kind
from orchestrator.runs.run import Attention, RunStatus, Trigger

_MOMENT = {"type": "string", "format": "date-time"}

_HOLD = {
    "type": "object",
    "description": "What a slot waits for while nothing of it runs.",
    "properties": {
        "kind": {"type": "string", "description": "`upstream`, `pool`, `time` or `approval`."},
        "why": {"type": "string", "description": "The same in a sentence."},
        "since": {**_MOMENT, "description": "Since when."},
        "deadline": {**_MOMENT, "description": "When it waits no longer."},
    },
}

_PAUSE = {
    "type": "object",
    "description": "Of `Task Paused` and `Task Resumed`: the pause.",
    "properties": {
        "who": {"type": "string", "description": "Who made it; `pauseAfterFailures` where nobody did."},
        "why": {"type": "string", "description": "The reason that was given."},
        "since": {**_MOMENT, "description": "Since when."},
        "until": {**_MOMENT, "description": "When it ends by itself."},
        "onResume": {"type": "string", "description": "Which of the slots that it skips run afterwards."},
    },
}

_DATA: Mapping[str, Any] = {
    "status": {"enum": [str(status) for status in RunStatus], "description": "The row's status."},
    "version": {"type": "string", "description": "Which run of the slot this is: its start. A rerun has another."},
    "trigger": {"enum": [str(trigger) for trigger in Trigger], "description": "What started the run."},
    "reason": {"type": "string", "description": "Why it was skipped."},
    "startedAt": {**_MOMENT, "description": "When the execution began."},
    "endedAt": {**_MOMENT, "description": "When it ended."},
    "durationSeconds": {"type": "number", "description": "From the start to the end."},
    "startDelaySeconds": {"type": "number", "description": "From the slot to the start, of scheduled runs."},
    "dollars": {
        "type": "number",
        "description": "What the run has cost, in US dollars at the list prices of the deployment, once it has ended.",
    },
    "attempts": {"type": "integer", "description": "Of all runs of the slot."},
    "error": {"type": "string", "description": "The error's name."},
    "cause": {"type": "string", "description": "The error's message, at most 1,000 characters."},
    "attention": {
        "type": "array",
        "items": {"enum": [str(one) for one in Attention]},
        "description": "What of a run that succeeded is worth telling.",
    },
    "executionArn": {"type": "string", "description": "TaskRunner's execution."},
    "childExecutionArn": {"type": "string", "description": "The nested execution of a workflow."},
    "hold": _HOLD,
    "pause": _PAUSE,
}

_DETAIL: Mapping[str, Any] = {
    "specversion": {"const": "1.0", "description": "Of CloudEvents."},
    "id": {
        "type": "string",
        "description": "The same each time that this event is delivered: stack, task, slot, version and kind.",
    },
    "source": {"type": "string", "description": "`/scheduled-tasks/STACK/TASK`."},
    "type": {"enum": [f"{SOURCE}.task.{kind}" for kind in Kind], "description": "What has happened."},
    "subject": {"type": "string", "description": "The slot."},
    "time": {**_MOMENT, "description": "When it happened."},
    "datacontenttype": {"const": "application/json", "description": "Of `data`."},
    "dataschema": {"const": SCHEMA, "description": "This schema's name and version."},
    "sequence": {
        "type": "string",
        "pattern": "^[0-9]{40,}$",
        "description": "Of two events of one slot the later has the greater text.",
    },
    "stack": {"type": "string", "description": "`orchestrator-dev`."},
    "task": {"type": "string", "description": "The task's id."},
    "slot": {"type": "string", "description": "The slot as the ledger writes it; a pause has none."},
    "data": {"type": "object", "description": "The rest.", "additionalProperties": False, "properties": dict(_DATA)},
}

_REQUIRED = [name for name in _DETAIL if name not in ("subject", "slot")]


def schema() -> dict[str, Any]:
    """The schema of an event's detail."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "The outcome of a task or of one of its slots",
        "type": "object",
        "additionalProperties": False,
        "required": _REQUIRED,
        "properties": dict(_DETAIL),
    }

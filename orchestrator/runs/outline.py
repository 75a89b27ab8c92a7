"""The outline of a run: as much of a row as a grid shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.errors import InvalidRow
from orchestrator.runs.hold import Hold, hold_of
from orchestrator.runs.run import RunStatus, Trigger

#: The attributes that an outline is made of.
ATTRIBUTES = (
    "taskId", "slot", "status", "trigger", "reason", "attention", "startedAt", "endedAt", "durationSeconds", "hold",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """The parts of a row that a grid shows."""

    task_id: str
    slot: str
    status: RunStatus
    trigger: Trigger = Trigger.SCHEDULE
    #: Why it was skipped.
    reason: str | None = None
    #: What of it is worth telling: late, too long, too short.
    attention: str | None = None
    #: ISO 8601 in UTC.
    started_at: str | None = None
    ended_at: str | None = None
    #: Seconds.
    duration: float | None = None
    #: What it waits for, where it is held.
    hold: Hold | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Outline:
        """Reads a row, or its :data:`ATTRIBUTES`, from DynamoDB's low-level client. Raises :class:`InvalidRow`."""
        fields = Fields(item)
        try:
            return cls(
                task_id=fields.get("taskId", str),
                slot=fields.get("slot", str),
                status=RunStatus(fields.get("status", str)),
                trigger=Trigger(fields.find("trigger", str) or Trigger.SCHEDULE),
                reason=fields.find("reason", str),
                attention=fields.find("attention", str),
                started_at=fields.find("startedAt", str),
                ended_at=fields.find("endedAt", str),
                duration=fields.find("durationSeconds", float),
                hold=hold_of(item),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as fault:
            task_id, slot = (str(item.get(name, {}).get("S", "?")) for name in ("taskId", "slot"))
            raise InvalidRow(task_id, slot, str(fault)) from fault

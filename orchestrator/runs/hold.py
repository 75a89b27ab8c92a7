"""A held slot: its row is WAITING, no execution is kept open for it, and TaskRunner is started again when it may run.

TaskRunner writes the row with what is asked first. Whoever releases (:mod:`orchestrator.operations.releasing`) writes
into it what the slot waits for, and takes it out by starting TaskRunner in the row's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.tasks.gates import HoldKind


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What a held slot waits for."""

    kind: HoldKind
    #: Since when, ISO 8601 in UTC to the millisecond.
    since: str
    #: For people: ``waits for extract 2026-12-01T06:00:00Z``. Empty until somebody has looked at it.
    why: str = ""
    #: Seconds since 1970 at which it is looked at again, since time itself releases it or its deadline has come; None
    #: where no such moment is known.
    wake_at: int | None = None
    #: Until when it may wait, ISO 8601 in UTC; None where there is no such bound.
    deadline: str | None = None
    #: What was given over the task's own params, as JSON text; empty if nothing was.
    params: str = ""
    #: Slots of other tasks that must have begun at ``fresh_since`` or later, as ``extract#2026-12-01T06:00:00Z``.
    fresh: tuple[str, ...] = ()
    fresh_since: str = ""

    def to_value(self) -> dict[str, Any]:
        """As the row has it; what does not apply is left out."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "since": self.since,
            "why": self.why,
            "wakeAt": self.wake_at,
            "deadline": self.deadline,
            "params": self.params,
            "fresh": list(self.fresh),
            "freshSince": self.fresh_since,
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_fields(cls, fields: Fields) -> Hold:
        """The row's attribute ``hold``. Raises :class:`KeyError` and :class:`ValueError`."""
        deadline = fields.find("deadline", str)
        if deadline is not None:
            datetime.fromisoformat(deadline)
        return cls(
            kind=HoldKind(fields.get("kind", str)),
            since=fields.get("since", str),
            why=fields.find("why", str) or "",
            wake_at=fields.find("wakeAt", int),
            deadline=deadline,
            params=fields.find("params", str) or "",
            fresh=fields.texts("fresh") if "fresh" in fields else (),
            fresh_since=fields.find("freshSince", str) or "",
        )


def hold_of(item: Mapping[str, Any]) -> Hold | None:
    """Of a row of the ledger; None if it is not held. Raises :class:`KeyError` and :class:`ValueError`."""
    return Hold.from_fields(Fields(item).map("hold")) if "hold" in item else None

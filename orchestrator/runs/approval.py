"""An approval: what a run asks of people before it goes on, and what somebody has answered.

A slot of a task with ``approval`` asks before it runs: its row is held. A state of a workflow asks in the midst of a
run, and waits under the token of a Step Functions task. Either way the row has the attribute ``approval``, which a run
that takes the row's place keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.dynamodb import Fields

#: The error of a state whose approval somebody has refused.
REFUSED = "ApprovalRefused"


class Answer(StrEnum):
    """What somebody has said."""

    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """The question of a run, and its answer."""

    #: Of the task of Step Functions that waits; empty where the slot is held.
    token: str = ""
    #: The state that asks, and for what; empty where the slot is held.
    state: str = ""
    why: str = ""
    #: None while nobody has answered.
    answer: Answer | None = None
    who: str = ""
    reason: str = ""
    #: When it was answered, ISO 8601 in UTC.
    at: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a state waits for an answer."""
        return bool(self.token) and self.answer is None

    def to_value(self) -> dict[str, str]:
        """As the row has it; what is empty is left out."""
        values = {
            "token": self.token,
            "state": self.state,
            "why": self.why,
            "answer": self.answer or "",
            "who": self.who,
            "reason": self.reason,
            "at": self.at,
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_fields(cls, fields: Fields) -> Approval:
        """The row's attribute ``approval``. Raises :class:`ValueError` for an answer that there is none of."""
        texts = {name: fields.find(name, str) or "" for name in ("token", "state", "why", "who", "reason", "at")}
        answer = fields.find("answer", str)
        return cls(**texts, answer=Answer(answer) if answer else None)


def approval_of(item: Mapping[str, Any]) -> Approval | None:
    """Of a row of the ledger; None if it asks nothing."""
    return Approval.from_fields(Fields(item).map("approval")) if "M" in item.get("approval", {}) else None

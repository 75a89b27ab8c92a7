"""What a task says of webhooks and queues that start it, and which events they become on the default bus.

A function of the stack makes an event of EventBridge of each request and of each message, so that what holds for events
holds for them: rules, slots, params, windows, dead letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: The source of these events, and their detail types.
SOURCE = "scheduled-tasks"
WEBHOOK_RECEIVED = "Webhook Received"
MESSAGE_RECEIVED = "Message Received"

#: Which slot such an event names, if nothing else is said: when it came first, and which one it was.
ARRIVAL_SLOT = "{$.time}#{$.detail.id}"

#: What a filter may look at.
OF_WEBHOOKS = ("body", "headers")
OF_QUEUES = ("attributes", "body")


class Scheme(StrEnum):
    """How senders sign: :mod:`orchestrator.runs.signatures` has the rules."""

    #: "Standard Webhooks", the specification that many providers follow.
    STANDARD = "standard"
    GITHUB = "github"
    #: A moment and the body, signed in hexadecimal.
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A path of the stack's URL at which signed requests start a task."""

    #: Where it is kept what senders sign with: ``secret:NAME`` or ``ssm:NAME``.
    secret: str
    scheme: Scheme = Scheme.STANDARD
    #: Of several webhooks of one task.
    name: str = ""

    def path(self, task_id: str) -> str:
        """Below the stack's URL: ``nightly-import`` or ``nightly-import/github``."""
        return f"{task_id}/{self.name}" if self.name else task_id

    def to_value(self) -> dict[str, str]:
        """As plain values, for the task's record."""
        return {"secret": self.secret, "scheme": str(self.scheme), "name": self.name}

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Webhook:
        """What :meth:`to_value` made. Raises KeyError or ValueError."""
        return cls(secret=value["secret"], scheme=Scheme(value["scheme"]), name=value["name"])


def pattern(kind: str, name: str, of: str, filter_: Mapping[str, Any]) -> dict[str, Any]:
    """The pattern of events of ``kind``, ``of`` a webhook or a queue, which the detail calls ``name``."""
    return {
        "source": [SOURCE],
        "detail-type": [kind],
        "detail": {"stack": ["${stack}"], name: [of], **filter_},
    }


def inbound_of(pattern: Mapping[str, Any]) -> str:
    """For a reader: which webhook or queue events of this pattern come from; empty for other events."""
    detail, kinds = pattern.get("detail", {}), pattern.get("detail-type")
    if pattern.get("source") == [SOURCE] and kinds == [WEBHOOK_RECEIVED] and "webhook" in detail:
        return f"webhook {detail['webhook'][0]}"
    if pattern.get("source") == [SOURCE] and kinds == [MESSAGE_RECEIVED] and "queue" in detail:
        return f"messages of {str(detail['queue'][0]).rpartition(':')[2].rstrip('}')}"
    return ""

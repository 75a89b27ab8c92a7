"""Requests and messages from outside, as the events that they become.

The same delivery, sent again, is the same event but for EventBridge's own id: its ``time`` is when it came first, and
``detail.id`` is the sender's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.instants import to_second
from orchestrator.runs.signatures import SCHEMES
from orchestrator.tasks.inbound import MESSAGE_RECEIVED, SOURCE, WEBHOOK_RECEIVED, Scheme

#: Headers that say who asks, and not what: they stay out of events.
_PRIVATE = frozenset({"authorization", "cookie", "proxy-authorization"})
_OF_THE_WAY = ("x-amzn-", "x-forwarded-")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request or a message, as an event."""

    kind: str
    at: datetime
    detail: Mapping[str, Any]

    def to_entry(self, bus: str) -> dict[str, Any]:
        """As PutEvents takes it."""
        detail = json.dumps(self.detail, ensure_ascii=False, separators=(",", ":"))
        return {"Time": self.at, "Source": SOURCE, "DetailType": self.kind, "Detail": detail, "EventBusName": bus}

    def to_event(self) -> dict[str, Any]:
        """As a rule's target gets it, as far as a task may look at it."""
        return {"source": SOURCE, "detail-type": self.kind, "time": to_second(self.at), "detail": self.detail}


def of_request(
    stack: str, path: str, scheme: Scheme, *, id_: str, headers: Mapping[str, str], body: bytes, at: datetime
) -> Arrival:
    """A request to the webhook of ``path``, with headers in lower case. What signs it stays out of the event."""
    told = {
        name: text
        for name, text in headers.items()
        if name not in _PRIVATE and name != SCHEMES[scheme].signature and not name.startswith(_OF_THE_WAY)
    }
    detail = {"stack": stack, "webhook": path, "id": id_, "headers": told, "body": value_of(body)}
    return Arrival(kind=WEBHOOK_RECEIVED, at=at, detail=detail)


def of_message(stack: str, record: Mapping[str, Any]) -> Arrival:
    """A message of SQS, as Lambda hands it over ("Using Lambda with Amazon SQS")."""
    attributes = {
        name: one["stringValue"] for name, one in record.get("messageAttributes", {}).items() if "stringValue" in one
    }
    detail = {
        "stack": stack,
        "queue": record["eventSourceARN"],
        "id": record["messageId"],
        "attributes": attributes,
        "body": value_of(record["body"].encode(errors="replace")),
    }
    sent = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, UTC)
    return Arrival(kind=MESSAGE_RECEIVED, at=sent, detail=detail)


def value_of(body: bytes) -> Any:
    """What JSON says, or else the text; what is no text either is base64."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()
    try:
        value = json.loads(text, parse_constant=_no_number)
        # A half of a surrogate pair can be written in JSON, and in nothing else.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return text
    return value


def _no_number(name: str) -> Any:
    raise ValueError(name)

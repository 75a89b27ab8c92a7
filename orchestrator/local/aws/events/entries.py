"""What PutEvents refuses, of a request and of one event in it, and what comes of events for buses that are not there.

moto takes any JSON as an event's detail and any size, and refuses all events because one bus is missing. Sources:
"PutEvents" in EventBridge's API reference, "Sending events with PutEvents", and LocalStack's recordings
(tests/aws/services/events/test_events).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from moto.events.exceptions import ResourceNotFoundException, ValidationException
from moto.events.models import EventsBackend

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_MOST_ENTRIES = 10
_MOST_BYTES = 256 * 1024

#: As AWS prints an entry when it refuses a request.
_PRINTED = {
    "time": "Time", "source": "Source", "resources": "Resources", "detailType": "DetailType", "detail": "Detail",
    "eventBusName": "EventBusName", "traceHeader": "TraceHeader", "kmsKeyIdentifier": "", "internalMetadata": "",
}  # fmt: skip


def size(entry: Mapping[str, Any]) -> int:
    """Returns an entry's size in bytes: 14 for a time, and its texts ("Calculating PutEvents event entry size")."""
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or [])]
    return (14 if entry.get("Time") is not None else 0) + sum(len(text.encode()) for text in texts if text)


def check(entries: list[dict[str, Any]]) -> None:
    """Raises moto's exception for a request that is refused as a whole."""
    if len(entries) > _MOST_ENTRIES:
        shown = ", ".join(_printed(entry) for entry in entries)
        raise ValidationException(
            f"1 validation error detected: Value '[{shown}]' at 'entries' failed to satisfy constraint: Member must"
            f" have length less than or equal to {_MOST_ENTRIES}"
        )
    if sum(map(size, entries)) >= _MOST_BYTES:
        raise ValidationException("Total size of the entries in the request is over the limit.")


def _printed(entry: Mapping[str, Any]) -> str:
    values = {name: entry.get(field) for name, field in _PRINTED.items()}
    shown = (f"{name}={'null' if value is None else value}" for name, value in values.items())
    return f"PutEventsRequestEntry({', '.join(shown)})"


def is_malformed(entry: Mapping[str, Any]) -> bool:
    """Whether the detail is no JSON object."""
    try:
        return bool(entry.get("Detail")) and not isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        return True


def install(aws: Aws) -> None:
    """Checks a request, and puts its events one by one."""
    put, describe = EventsBackend.put_events, EventsBackend.describe_rule

    @replaces(EventsBackend, "put_events", digest="93aa251fb47a")
    def put_events(self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        check(events)
        return [one for event in events for one in _put(self, event)]

    def _put(self: Any, event: dict[str, Any]) -> list[dict[str, Any]]:
        if event.get("Source") and event.get("DetailType") and is_malformed(event):
            return [{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}]
        try:
            return list(put(self, [event]))
        except ResourceNotFoundException:
            # Recorded: an event for a bus that does not exist is taken, and nobody hears of it.
            return [{"EventId": str(uuid.uuid4())}]

    @replaces(EventsBackend, "describe_rule", digest="c08fad941f4c")
    def describe_rule(self: Any, name: str, event_bus_arn: str | None) -> Any:
        try:
            return describe(self, name, event_bus_arn)
        except ResourceNotFoundException as fault:
            if not fault.message.startswith("Rule "):
                raise
            bus = self._normalize_event_bus_arn(event_bus_arn)
            raise ResourceNotFoundException(f"Rule {name} does not exist on EventBus {bus}.") from None

"""Sending an event by hand, and saying what it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.errors import EventRefused
from orchestrator.instants import to_millisecond, to_second
from orchestrator.runs.execution_end import Asked
from orchestrator.runs.run import Trigger
from orchestrator.stack import Stack
from orchestrator.stores.event_rules import Rules
from orchestrator.stores.registry import Registry
from orchestrator.tasks.event_start import input_of
from orchestrator.tasks.rule_names import rule_name, task_of_rule

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event as somebody sends it."""

    source: str
    detail_type: str
    detail: Mapping[str, Any]
    #: A name or an ARN; empty is the default bus.
    bus: str = ""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A task whose rule hears an event."""

    task_id: str
    #: None where the event names none: TaskRunner refuses it.
    slot: str | None
    #: Whether the slot follows from the moment at which the event was sent.
    is_dated: bool = False
    params: Mapping[str, Any]


def emit(client: EventBridgeClient, event: Event) -> str:
    """Puts an event onto its bus. Returns its id. Raises :class:`~orchestrator.errors.EventRefused`."""
    entry: Any = {"Source": event.source, "DetailType": event.detail_type, "Detail": json.dumps(event.detail)}
    (answer,) = client.put_events(Entries=[entry | ({"EventBusName": event.bus} if event.bus else {})])["Entries"]
    if "EventId" not in answer:
        raise EventRefused(answer.get("ErrorCode", ""), answer.get("ErrorMessage", ""))
    return answer["EventId"]


def heard(rules: Rules, registry: Registry, stack: Stack, event: Event, event_id: str, now: datetime) -> list[Heard]:
    """The tasks that an event starts, by the rules as they are deployed."""
    whole = {
        "version": "0",
        "id": event_id,
        "detail-type": event.detail_type,
        "source": event.source,
        "account": "123456789012",
        "time": to_second(now),
        "region": "us-east-1",
        "resources": [],
        "detail": event.detail,
    }
    found = []
    for name, rule in sorted(rules.listed(event.bus).items()):
        if not rule.enabled or not rules.matches(rule.pattern, whole):
            continue
        task_id = task_of_rule(name)
        record = registry.get(task_id)
        for start in record.task.starts if record else ():
            if record and rule_name(stack, task_id, start, express=record.task.express) == name:
                given, began = input_of(task_id, start, whole, Trigger.EVENT), to_millisecond(now)
                slot = Asked.read(given, began).slot
                found.append(
                    Heard(
                        task_id=task_id,
                        slot=None if slot == began else slot,
                        params=given.get("params", {}),
                        is_dated=bool(start.within_seconds) or "{$.time}" in start.slot,
                    )
                )
    return found

"""The rules of EventBridge that start a stack's tasks.

A rule's name says all that tells it from others: stack, task, and a digest of what starts the task. So a kind of event
that changes is another rule. What is the same for all rules of a stack is in a digest in its description: where that
differs, the rule is written anew. ListRules returns name, description, pattern and state, so that comparing a stack
takes a call for each page of a bus's rules, never one for a rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import RuleNotWritten
from orchestrator.runs.run import Trigger
from orchestrator.stack import Stack
from orchestrator.stores.schedule_group import MAXIMUM_EVENT_AGE_SECONDS, MAXIMUM_RETRY_ATTEMPTS
from orchestrator.tasks.event_start import EventStart, transformer

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

#: The id of a rule's only target.
_TARGET = "task-runner"


@dataclass(frozen=True, kw_only=True)
class RuleSettings:
    """What every rule of a stack has in common: ARNs."""

    #: What is started: the alias of TaskRunner, and that of its Express twin, if there is one.
    state_machine: str
    express_state_machine: str | None = None
    #: What EventBridge acts as.
    role: str
    #: The queue for events that could not be delivered.
    dead_letter_queue: str


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """One kind of event that starts a task."""

    task_id: str
    start: EventStart
    express: bool = False


@dataclass(frozen=True, kw_only=True)
class ListedRule:
    """What a list says of a rule."""

    pattern: Mapping[str, Any]
    description: str
    enabled: bool


class Rules:
    """The rules that start a stack's tasks, and no others. ``client`` is boto3's client of EventBridge."""

    def __init__(self, client: EventBridgeClient, stack: Stack, settings: RuleSettings) -> None:
        self._client, self._stack, self._settings = client, stack, settings

    def listed(self, bus: str) -> dict[str, ListedRule]:
        """The rules on a bus (empty: the default bus), by name; none where there is no such bus."""
        pages = self._client.get_paginator("list_rules").paginate(NamePrefix=self._stack.rule_prefix, **_on(bus))
        try:
            return {
                one["Name"]: ListedRule(
                    pattern=json.loads(one.get("EventPattern") or "{}"),
                    description=one.get("Description", ""),
                    enabled=one.get("State") != "DISABLED",
                )
                for page in pages
                for one in page["Rules"]
            }
        except self._client.exceptions.ResourceNotFoundException:
            return {}

    def is_current(self, rule: EventRule, listed: ListedRule) -> bool:
        """Whether the rule is as :meth:`put` would write it. Nobody lists its target, whose digest it has."""
        is_same = listed.description == self._description(rule) and listed.pattern == rule.start.pattern
        return listed.enabled and is_same

    def put(self, name: str, rule: EventRule, *, is_new: bool) -> None:
        """Writes a rule. One that an interruption leaves without its target is disabled, and so not current.

        Raises :class:`~orchestrator.errors.RuleNotWritten`.
        """
        if is_new:
            self._put(name, rule, enabled=False)
        answer = self._client.put_targets(Rule=name, Targets=[self._target(rule)], **_on(rule.start.bus))  # type: ignore[list-item]  # the stubs have no plain mappings
        if answer["FailedEntryCount"]:
            raise RuleNotWritten(name, answer["FailedEntries"][0].get("ErrorMessage", "EventBridge says no more"))
        self._put(name, rule, enabled=True)

    def delete(self, name: str, bus: str) -> None:
        """Deletes the rule with its target; nothing happens if there is none."""
        try:
            self._client.remove_targets(Rule=name, Ids=[_TARGET], **_on(bus))
            self._client.delete_rule(Name=name, **_on(bus))
        except self._client.exceptions.ResourceNotFoundException:
            return

    def matches(self, pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
        """Asks EventBridge whether a pattern matches an event, with all fields that EventBridge gives one."""
        answer = self._client.test_event_pattern(EventPattern=_compact(pattern), Event=json.dumps(event))
        return answer["Result"]

    def _put(self, name: str, rule: EventRule, *, enabled: bool) -> None:
        self._client.put_rule(
            Name=name,
            EventPattern=_compact(rule.start.pattern),
            State="ENABLED" if enabled else "DISABLED",
            Description=self._description(rule),
            **_on(rule.start.bus),
        )

    def _description(self, rule: EventRule) -> str:
        return f"Starts the task {rule.task_id} ({_digest(self._target(rule))[:16]})."

    def _target(self, rule: EventRule) -> dict[str, Any]:
        machine = self._settings.express_state_machine if rule.express else self._settings.state_machine
        assert machine, "a task that is express is deployed with the Express twin"
        return {
            "Id": _TARGET,
            "Arn": machine,
            "RoleArn": self._settings.role,
            "InputTransformer": transformer(rule.task_id, rule.start, Trigger.EVENT),
            "RetryPolicy": {
                "MaximumRetryAttempts": MAXIMUM_RETRY_ATTEMPTS,
                "MaximumEventAgeInSeconds": MAXIMUM_EVENT_AGE_SECONDS,
            },
            "DeadLetterConfig": {"Arn": self._settings.dead_letter_queue},
        }


def _on(bus: str) -> dict[str, Any]:
    return {"EventBusName": bus} if bus else {}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)

"""A slot that EventBridge Scheduler, or an event that a rule of EventBridge could not start: what the dead-letter queue
says of it.

Nine message attributes say what happened ("Configuring a dead-letter queue for EventBridge Scheduler"). The body is the
API request that failed, StartExecution's, whose ``Input`` is JSON in JSON; a long one has been cut off anywhere. What
cannot be read is left out: a message that says nothing at all is still a message.

Of a rule the body is the event, and other attributes name rule and target ("Using dead-letter queues to process
undelivered events in EventBridge"). Such a letter takes no slot: what its event names, a replay finds out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.tasks.rule_names import task_of_rule
from orchestrator.tasks.schedule_names import task_of
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import TASK_ID_PATTERN

#: Scheduler has started the slot's execution before, and its reply was lost. StartExecution's reference calls the error
#: so, SDKs add ``Exception``, integrations put ``Sfn.`` before it, and no page says which of these Scheduler writes.
ALREADY_STARTED = "ExecutionAlreadyExists"

#: As much of a body as is kept: our own schedules' is far shorter.
PAYLOAD_LIMIT = 10_000

_ID = re.compile(TASK_ID_PATTERN)
#: In a body, or in what is left of one; the quotes of JSON in JSON have backslashes.
_TASK_ID = re.compile(r'\\*"taskId\\*"\s*:\s*\\*"([A-Za-z0-9_-]{1,48})\\*"')
_SCHEDULED_TIME = re.compile(r'\\*"scheduledTime\\*"\s*:\s*\\*"([0-9TZ:.+-]{1,40})\\*"')


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message of the dead-letter queue."""

    message_id: str
    #: None where the message names no task.
    task_id: str | None
    #: As the ledger writes it; None where the message names no time.
    slot: str | None
    error_code: str
    error_message: str
    retry_attempts: int = 0
    #: ``MaximumRetryAttempts`` or ``MaximumEventAgeInSeconds``; empty where no retry could have helped.
    exhausted: str = ""
    schedule_arn: str = ""
    #: Of a rule; such a letter has an event for a payload.
    rule_arn: str = ""
    target_arn: str = ""
    scheduler_execution_id: str = ""
    truncated: bool = False
    payload: str = ""

    @property
    def is_duplicate(self) -> bool:
        """Whether the slot was started after all."""
        return self.error_code.rpartition(".")[2].startswith(ALREADY_STARTED)

    @property
    def cause(self) -> str:
        """Why nobody started it, in a sentence."""
        who = "EventBridge" if self.rule_arn else "Scheduler"
        tried = f"{who} tried {self.retry_attempts + 1} times" if self.retry_attempts else f"{who} tried once"
        given_up = f" and gave up ({self.exhausted})" if self.exhausted else ""
        return f"not delivered: {self.error_message or self.error_code}; {tried}{given_up}"

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> DeadLetter:
        """Reads a message as Lambda gets it from SQS: ``messageId``, ``body``, ``messageAttributes``. Never raises."""
        attributes = _texts(message.get("messageAttributes"))
        body = message.get("body")
        text = body if isinstance(body, str) else json.dumps(body, default=str)
        schedule_arn, rule_arn = attributes.get("SCHEDULE_ARN", ""), attributes.get("RULE_ARN", "")
        attempts, scheduled = attributes.get("RETRY_ATTEMPTS", ""), _slot(attributes.get("SCHEDULED_TIME", ""))
        return cls(
            message_id=str(message.get("messageId") or "unknown"),
            task_id=_task_of_rule(rule_arn) if rule_arn else _task_id(text, schedule_arn),
            slot=None if rule_arn else scheduled or _slot(_found(_SCHEDULED_TIME, text)),
            error_code=attributes.get("ERROR_CODE") or "DeliveryFailed",
            error_message=attributes.get("ERROR_MESSAGE", ""),
            retry_attempts=int(attempts) if re.fullmatch(r"[0-9]{1,4}", attempts) else 0,
            exhausted=attributes.get("EXHAUSTED_RETRY_CONDITION", ""),
            schedule_arn=schedule_arn,
            rule_arn=rule_arn,
            target_arn=attributes.get("TARGET_ARN", ""),
            scheduler_execution_id=attributes.get("EXECUTION_ID", ""),
            truncated=attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true",
            payload=text[:PAYLOAD_LIMIT],
        )


def _task_of_rule(rule_arn: str) -> str | None:
    named = task_of_rule(rule_arn.rpartition("/")[2])
    return named if _ID.fullmatch(named) else None


def _texts(attributes: Any) -> dict[str, str]:
    if not isinstance(attributes, Mapping):
        return {}
    values = {name: value.get("stringValue") for name, value in attributes.items() if isinstance(value, Mapping)}
    return {str(name): text for name, text in values.items() if isinstance(text, str)}


def _task_id(body: str, schedule_arn: str) -> str | None:
    """The task's id, from the body or else from the schedule's name. The ARN may lack the group: ``schedule/NAME``."""
    named = _found(_TASK_ID, body) or task_of(schedule_arn.rpartition("/")[2])
    return named if _ID.fullmatch(named) else None


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _slot(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
        return key(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None

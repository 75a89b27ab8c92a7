"""The table of deliveries that never became an execution: what an operator looks through, and runs again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.runs.dead_letter import Undelivered
from orchestrator.runs.run import one_line
from orchestrator.stack import Stack
from orchestrator.tasks.slots import key


class FailedTaskStatus(StrEnum):
    """What has been done about it."""

    NEEDS_INVESTIGATION = "NEEDS_INVESTIGATION"
    #: Somebody has started the slot again.
    REPLAYED = "REPLAYED"


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """A record of the table."""

    message_id: str
    status: FailedTaskStatus
    #: ISO 8601 in UTC.
    failed_at: str
    error_code: str
    error_message: str
    retry_count: int = 0
    #: None where the message named none.
    task_id: str | None = None
    slot: str | None = None

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> FailedTask:
        """As DynamoDB's low-level client has it."""
        fields = Fields(item)
        return cls(
            message_id=fields.get("messageId", str),
            status=FailedTaskStatus(fields.get("status", str)),
            failed_at=fields.get("failedAt", str),
            error_code=fields.get("errorCode", str),
            error_message=fields.get("errorMessage", str),
            retry_count=fields.get("retryCount", int),
            task_id=fields.find("taskId", str),
            slot=fields.find("slot", str),
        )


class FailedTasks:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: Any, stack: Stack) -> None:
        self._client = client
        self._table = stack.failed_tasks_table

    def put(self, found: Undelivered, *, failed_at: datetime) -> bool:
        """A new record; whether it was new: a message can come twice."""
        texts = {
            "messageId": found.message_id,
            "status": FailedTaskStatus.NEEDS_INVESTIGATION,
            "failedAt": key(failed_at),
            "errorCode": one_line(found.error_code),
            "payload": found.payload,
            "taskId": found.task_id,
            "slot": found.slot,
            "scheduleArn": found.schedule_arn,
            "targetArn": found.target_arn,
            "exhausted": found.exhausted,
            "schedulerExecutionId": found.scheduler_execution_id,
        }
        item = to_item(
            {name: text for name, text in texts.items() if text}
            | {
                # Empty, too: whoever reads a record expects one.
                "errorMessage": one_line(found.error_message),
                "retryCount": found.retry_attempts,
                "truncated": found.truncated,
            }
        )
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(messageId)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, message_id: str) -> FailedTask | None:
        item = self._client.get_item(TableName=self._table, Key=_key(message_id), ConsistentRead=True).get("Item")
        return FailedTask.from_item(item) if item else None

    def all(self) -> Iterator[FailedTask]:
        """Every record: the whole table is read, which holds failures only."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from map(FailedTask.from_item, page["Items"])

    def replayed(self, message_id: str, now: datetime) -> None:
        """Somebody has started the slot again."""
        sets = {"status": FailedTaskStatus.REPLAYED, "replayedAt": key(now)}
        self._client.update_item(TableName=self._table, Key=_key(message_id), **update(sets))


def _key(message_id: str) -> dict[str, Any]:
    return to_item({"messageId": message_id})

"""The table of deliveries that never became an execution: what an operator looks through, and runs again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.dynamodb import update
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
        return cls(
            message_id=item["messageId"]["S"],
            status=FailedTaskStatus(item["status"]["S"]),
            failed_at=item["failedAt"]["S"],
            error_code=item["errorCode"]["S"],
            error_message=item["errorMessage"]["S"],
            retry_count=int(item["retryCount"]["N"]),
            task_id=item.get("taskId", {}).get("S"),
            slot=item.get("slot", {}).get("S"),
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
            "errorMessage": one_line(found.error_message),
            "payload": found.payload,
            "taskId": found.task_id,
            "slot": found.slot,
            "scheduleArn": found.schedule_arn,
            "targetArn": found.target_arn,
            "exhausted": found.exhausted,
            "schedulerExecutionId": found.scheduler_execution_id,
        }
        item: dict[str, Any] = {name: {"S": text} for name, text in texts.items() if text}
        item |= {
            "errorMessage": {"S": one_line(found.error_message)},
            "retryCount": {"N": str(found.retry_attempts)},
            "truncated": {"BOOL": found.truncated},
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(messageId)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, message_id: str) -> FailedTask | None:
        key_ = {"messageId": {"S": message_id}}
        item = self._client.get_item(TableName=self._table, Key=key_, ConsistentRead=True).get("Item")
        return FailedTask.from_item(item) if item else None

    def all(self) -> Iterator[FailedTask]:
        """Every record: the whole table is read, which holds failures only."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from map(FailedTask.from_item, page["Items"])

    def replayed(self, message_id: str, now: datetime) -> None:
        """Somebody has started the slot again."""
        sets = {"status": {"S": FailedTaskStatus.REPLAYED}, "replayedAt": {"S": key(now)}}
        self._client.update_item(TableName=self._table, Key={"messageId": {"S": message_id}}, **update(sets))

"""The table of deliveries that never became an execution: what an operator looks through, and runs again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.runs.dead_letter import DeadLetter
from orchestrator.runs.run import one_line
from orchestrator.stack import Stack
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DeadLetterStatus(StrEnum):
    """The states of a dead letter's record."""

    NEEDS_INVESTIGATION = "NEEDS_INVESTIGATION"
    #: Somebody has started the slot again.
    REPLAYED = "REPLAYED"


@dataclass(frozen=True, kw_only=True)
class DeadLetterRecord:
    """A record of the table."""

    message_id: str
    status: DeadLetterStatus
    #: ISO 8601 in UTC.
    failed_at: str
    error_code: str
    error_message: str
    retry_count: int = 0
    #: None where the message named none.
    task_id: str | None = None
    slot: str | None = None
    #: Of the rule that an event did not get through; the payload is that event then.
    rule_arn: str | None = None
    payload: str = ""

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> DeadLetterRecord:
        """Reads an item of DynamoDB's low-level client."""
        fields = Fields(item)
        return cls(
            message_id=fields.get("messageId", str),
            status=DeadLetterStatus(fields.get("status", str)),
            failed_at=fields.get("failedAt", str),
            error_code=fields.get("errorCode", str),
            error_message=fields.get("errorMessage", str),
            retry_count=fields.get("retryCount", int),
            task_id=fields.find("taskId", str),
            slot=fields.find("slot", str),
            rule_arn=fields.find("ruleArn", str),
            payload=fields.find("payload", str) or "",
        )


class DeadLetters:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.failed_tasks_table

    def put(self, letter: DeadLetter, *, failed_at: datetime) -> bool:
        """Writes the record. Returns False if there is one already: a message can be delivered twice."""
        texts = {
            "messageId": letter.message_id,
            "status": DeadLetterStatus.NEEDS_INVESTIGATION,
            "failedAt": key(failed_at),
            "errorCode": one_line(letter.error_code),
            "payload": letter.payload,
            "taskId": letter.task_id,
            "slot": letter.slot,
            "scheduleArn": letter.schedule_arn,
            "ruleArn": letter.rule_arn,
            "targetArn": letter.target_arn,
            "exhausted": letter.exhausted,
            "schedulerExecutionId": letter.scheduler_execution_id,
        }
        item = to_item(
            {name: text for name, text in texts.items() if text}
            | {
                # Empty, too: whoever reads a record expects one.
                "errorMessage": one_line(letter.error_message),
                "retryCount": letter.retry_attempts,
                "truncated": letter.truncated,
            }
        )
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(messageId)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, message_id: str) -> DeadLetterRecord | None:
        item = self._client.get_item(TableName=self._table, Key=_key(message_id), ConsistentRead=True).get("Item")
        return DeadLetterRecord.from_item(item) if item else None

    def all(self) -> Iterator[DeadLetterRecord]:
        """Every record: the whole table is read, which holds failures only."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            yield from map(DeadLetterRecord.from_item, page["Items"])

    def replayed(self, message_id: str, now: datetime) -> None:
        """Marks a record whose slot somebody has started again."""
        sets = {"status": DeadLetterStatus.REPLAYED, "replayedAt": key(now)}
        self._client.update_item(TableName=self._table, Key=_key(message_id), **update(sets))


def _key(message_id: str) -> dict[str, Any]:
    return to_item({"messageId": message_id})

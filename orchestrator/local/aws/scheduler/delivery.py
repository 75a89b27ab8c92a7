"""The delivery of a slot: what Scheduler asks of AWS, and what becomes of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.local.aws.parts import Aws

UNIVERSAL_TARGET = "arn:aws:scheduler:::aws-sdk:sfn:startExecution"

#: Errors that a second attempt cannot mend: Scheduler does not retry them.
_PERMANENT = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "ExecutionAlreadyExists", "InvalidArn", "InvalidExecutionInput",
        "InvalidName", "ResourceNotFoundException", "StateMachineDoesNotExist", "ValidationException",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The delivery of one slot of one schedule: an execution, or an error."""

    schedule: str
    slot: datetime
    execution_arn: str | None = None
    error: str | None = None


class Attempt:
    """The delivery of one slot, and its attempts so far."""

    def __init__(self, aws: Aws, schedule: Any, slot: datetime) -> None:
        self._aws = aws
        self._execution_id = uuid.uuid4().hex[:16]
        self.schedule = schedule
        self.slot = slot
        self.number = 0
        self.execution_arn: str | None = None
        #: Code and message of the last attempt.
        self.error: tuple[str, str] | None = None
        self.exhausted: str | None = None

    @property
    def permanent(self) -> bool:
        return self.error is not None and self.error[0] in _PERMANENT

    @property
    def _scheduled_time(self) -> str:
        return self.slot.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def request(self) -> dict[str, str]:
        """StartExecution's parameters ("Adding context attributes in EventBridge Scheduler")."""
        target = self.schedule.target
        text = target.get("Input") or "{}"
        for attribute, value in {
            "scheduled-time": self._scheduled_time,
            "schedule-arn": self.schedule.arn,
            "execution-id": self._execution_id,
            "attempt-number": str(self.number),
        }.items():
            text = text.replace(f"<aws.scheduler.{attribute}>", value)
        if target["Arn"] == UNIVERSAL_TARGET:
            return dict(json.loads(text))
        return {"StateMachineArn": target["Arn"], "Input": text}

    def succeeds(self) -> bool:
        """Makes an attempt."""
        self.number += 1
        self.error = None
        try:
            client = self._aws.clients.get("stepfunctions", self._aws.region, self.schedule.target["RoleArn"])
            request = {name[0].lower() + name[1:]: value for name, value in self.request().items()}
            self.execution_arn = client.start_execution(**request)["executionArn"]
        except ClientError as fault:
            self.error = (fault.response["Error"]["Code"], fault.response["Error"]["Message"])
        except Exception as fault:
            self.error = ("AWS.Scheduler.InternalServerError", str(fault))
        return self.error is None

    def give_up(self) -> None:
        """Sends the slot to the dead-letter queue, if there is one that the role may write to."""
        assert self.error is not None
        queue_arn = self.schedule.target.get("DeadLetterConfig", {}).get("Arn")
        if queue_arn is None:
            return
        attributes = {
            "ERROR_CODE": self.error[0],
            "ERROR_MESSAGE": self.error[1],
            "EXECUTION_ID": self._execution_id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(self.number - 1),
            "SCHEDULED_TIME": self._scheduled_time,
            "SCHEDULE_ARN": self.schedule.arn,
            "TARGET_ARN": UNIVERSAL_TARGET,
        } | ({"EXHAUSTED_RETRY_CONDITION": self.exhausted} if self.exhausted else {})
        client = self._aws.clients.get("sqs", self._aws.region, self.schedule.target["RoleArn"])
        account, name = queue_arn.split(":")[4:6]
        try:
            client.send_message(
                QueueUrl=f"https://sqs.{self._aws.region}.amazonaws.com/{account}/{name}",
                MessageBody=json.dumps(self.request()),
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
                },
            )
        except ClientError as fault:
            self.error = (fault.response["Error"]["Code"], fault.response["Error"]["Message"])

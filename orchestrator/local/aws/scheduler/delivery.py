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
    """The delivery of one slot of one schedule: an execution, the call of a function, or an error."""

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
        self._calls_function = ":function:" in schedule.target["Arn"]
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
        """StartExecution's parameters."""
        target = self.schedule.target
        if target["Arn"] == UNIVERSAL_TARGET:
            return dict(json.loads(self.text))
        return {"StateMachineArn": target["Arn"], "Input": self.text}

    @property
    def text(self) -> str:
        """The target's input ("Adding context attributes in EventBridge Scheduler")."""
        text = str(self.schedule.target.get("Input") or "{}")
        for attribute, value in {
            "scheduled-time": self._scheduled_time,
            "schedule-arn": self.schedule.arn,
            "execution-id": self._execution_id,
            "attempt-number": str(self.number),
        }.items():
            text = text.replace(f"<aws.scheduler.{attribute}>", value)
        return text

    def succeeds(self) -> bool:
        """Makes an attempt."""
        self.number += 1
        self.error = None
        try:
            if self._calls_function:
                self._call()
            else:
                client = self._client("stepfunctions")
                request = {name[0].lower() + name[1:]: value for name, value in self.request().items()}
                self.execution_arn = client.start_execution(**request)["executionArn"]
        except ClientError as fault:
            self.error = (fault.response["Error"]["Code"], fault.response["Error"]["Message"])
        except Exception as fault:
            self.error = ("AWS.Scheduler.InternalServerError", str(fault))
        return self.error is None

    def _call(self) -> None:
        """Nobody waits for the function ("Using Scheduler's templated targets": Lambda Invoke)."""
        arn = self.schedule.target["Arn"]
        self._client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=self.text)

    def _client(self, service: str) -> Any:
        return self._aws.clients.get(service, self._aws.region, self.schedule.target["RoleArn"])

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
            "TARGET_ARN": self.schedule.target["Arn"],
        } | ({"EXHAUSTED_RETRY_CONDITION": self.exhausted} if self.exhausted else {})
        client = self._client("sqs")
        account, name = queue_arn.split(":")[4:6]
        try:
            client.send_message(
                QueueUrl=f"https://sqs.{self._aws.region}.amazonaws.com/{account}/{name}",
                MessageBody=self.text if self._calls_function else json.dumps(self.request()),
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()
                },
            )
        except ClientError as fault:
            self.error = (fault.response["Error"]["Code"], fault.response["Error"]["Message"])

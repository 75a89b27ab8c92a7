"""Dead letters, the messages of queues, and rounds of the watchdog, at a moment that a test names."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from orchestrator.tasks.slots import key
from tests.testbed import queues
from tests.testbed.task_runner import STACK, TaskRunner


def round_at(runner: TaskRunner, now: datetime) -> dict[str, Any]:
    """A round of the watchdog as of ``now``."""
    event = {"taskId": "watchdog", "slot": key(now), "scheduledTime": key(now), "runKey": "w", "params": {}}
    answer = runner.aws.client("lambda").invoke(
        FunctionName=f"{STACK.function_prefix}watchdog", Payload=json.dumps(event)
    )
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result


def rounds(runner: TaskRunner, first: datetime, count: int) -> None:
    for number in range(count):
        round_at(runner, first + number * timedelta(minutes=5))


def dead_letter(runner: TaskRunner, task_id: str, slot: str, error: str = "AccessDeniedException") -> None:
    """Makes the message that Scheduler puts into its dead-letter queue when it cannot start a slot."""
    queues = runner.aws.client("sqs")
    schedule = f"arn:aws:scheduler:us-east-1:123456789012:schedule/{STACK.schedule_group}/{task_id}-01234567"
    attributes = {
        "ERROR_CODE": error,
        "ERROR_MESSAGE": "the role may not",
        "EXECUTION_ID": "0123456789abcdef",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": slot,
        "SCHEDULE_ARN": schedule,
        "TARGET_ARN": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
    }
    request = {"StateMachineArn": "arn:x", "Input": json.dumps({"taskId": task_id, "scheduledTime": slot})}
    queues.send_message(
        QueueUrl=queues.get_queue_url(QueueName=STACK.scheduler_dlq)["QueueUrl"],
        MessageBody=json.dumps(request),
        MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    )


def messages(runner: TaskRunner) -> list[str]:
    """Whatever people have been told."""
    return queues.told(runner.aws.client("sqs"), runner.queue)

"""What Lambda and TaskRunner give a handler."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SLOT = "2026-12-01T00:00:00Z"

Handler = Callable[[Any, Any], Any]


@dataclass
class Context:
    """The context object of Lambda ("AWS Lambda context object in Python")."""

    milliseconds_left: int = 60_000
    function_name: str = "orchestrator-dev-task-under-test"
    function_version: str = "$LATEST"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:orchestrator-dev-task-under-test"
    memory_limit_in_mb: str = "256"
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"
    log_group_name: str = "/aws/lambda/orchestrator-dev-task-under-test"
    log_stream_name: str = "2026/12/01/[$LATEST]1"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds that the invocation may still take."""
        return self.milliseconds_left


def event(*, slot: str = SLOT, attempt: int = 1, task: str = "my-task", **params: Any) -> dict[str, Any]:
    """The event of one attempt, with ``params``."""
    return event_of(task, slot, params, attempt=attempt)


def event_of(task: str, slot: str, params: Mapping[str, Any], *, attempt: int = 1) -> dict[str, Any]:
    """The same, where the params' names are not known beforehand."""
    return {
        "taskId": task,
        "slot": slot,
        "scheduledTime": slot,
        "timezone": "UTC",
        "attempt": attempt,
        "runKey": f"{task}#{slot}",
        "params": dict(params),
    }


def invoke(handler: Handler, *, milliseconds_left: int = 60_000, **given: Any) -> dict[str, Any]:
    """Calls ``handler`` with the event that ``given`` makes. Returns its result after a trip through JSON."""
    result = handler(event(**given), Context(milliseconds_left=milliseconds_left))
    return dict(json.loads(json.dumps(result)))

"""What the code of a Lambda function imports: typed events, and what all handlers share."""

from __future__ import annotations

from orchestrator.errors import HeartbeatLost, NonRetryableError, NotYet
from orchestrator.handlers.event import Params, Step, TaskEvent
from orchestrator.handlers.heartbeats import heartbeat
from orchestrator.handlers.invocation import (
    client,
    logger,
    metrics,
    observed,
    secret,
    setting,
    stack,
    step_handler,
    task_handler,
)

__all__ = [
    "HeartbeatLost",
    "NonRetryableError",
    "NotYet",
    "Params",
    "Step",
    "TaskEvent",
    "client",
    "heartbeat",
    "logger",
    "metrics",
    "observed",
    "secret",
    "setting",
    "stack",
    "step_handler",
    "task_handler",
]

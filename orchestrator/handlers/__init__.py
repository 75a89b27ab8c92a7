"""What the code of a Lambda function imports: typed events, and what all handlers share."""

from __future__ import annotations

from orchestrator.errors import NonRetryableError
from orchestrator.handlers.event import Params, Step, TaskEvent
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
    "NonRetryableError",
    "Params",
    "Step",
    "TaskEvent",
    "client",
    "logger",
    "metrics",
    "observed",
    "secret",
    "setting",
    "stack",
    "step_handler",
    "task_handler",
]

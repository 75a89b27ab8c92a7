"""Bytes that CloudWatch Logs bills for what executions and functions write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from orchestrator.pricing.paths import Step
from orchestrator.pricing.usage import Usage

#: Each log event is counted with so much beside its text ("Amazon CloudWatch pricing").
EVENT_BYTES = 26

#: What Lambda writes of a call (START, END, REPORT with its trace id) and a handler's own line.
FUNCTION_BYTES = 600

#: A line of metrics in the embedded metric format, of a run that succeeds, as it is counted.
MEASURES_BYTES = 530

#: What is kept is compressed: the pricing page's own examples count with this.
KEPT_SHARE = Decimal("0.15")

_GB = Decimal(2**30)

#: As long as they are on AWS: Scheduler's execution id is in the name, CloudFormation's suffix in the role's.
_EXECUTION = "arn:aws:states:us-east-1:123456789012:{kind}:{machine}:daily-sales-report-d32c5kddcf5bb8c3"
#: What follows in the ARN of an Express execution.
_DELIVERY = ":4f7c9c1e-2b1d-4a53-9d2a-0f6f7a3f6a11"
_ROLE = "arn:aws:iam::123456789012:role/{machine}Role-1ABCDEFGHIJKL"
_TIMESTAMP = "1795600406022"


def events(path: Sequence[Step], machine: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Type and details, without data, of each event in the history of an execution that takes ``path``."""
    yield "ExecutionStarted", {"roleArn": _ROLE.format(machine=machine)}
    for step in path:
        kind = step.state["Type"]
        yield f"{kind}StateEntered", {"name": step.name}
        if kind == "Task":
            yield from _task_events(step)
        yield f"{kind}StateExited", {"name": step.name}
    yield "ExecutionSucceeded", {}


def _task_events(step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
    if step.caught:
        yield "EvaluationFailed", {"error": "States.QueryEvaluationError", "location": "Arguments", "state": step.name}
        return
    integration = str(step.state["Resource"]).removeprefix("arn:aws:states:::")
    waits = ".sync" in integration
    # ``states:startExecution.sync:2`` is the resource ``startExecution.sync:2`` of the type ``states``.
    service, _, resource = integration.rpartition(":") if not waits else integration.partition(":")
    called = {"resource": resource, "resourceType": service}
    yield "TaskScheduled", {**called, "region": "us-east-1", "timeoutInSeconds": 300}
    yield "TaskStarted", called
    if waits:
        yield "TaskSubmitted", called
    yield "TaskSucceeded", called


def execution_bytes(path: Sequence[Step], machine: str, level: str, *, express: bool = False) -> int:
    """Estimates the log bytes of an execution that succeeds; ``machine`` is the machine's physical name."""
    if level != "ALL":
        # "Log levels for Step Functions execution events": ERROR and FATAL write nothing of what goes well.
        return 0
    return sum(
        len(log_line(number, kind, details, machine, express=express)) + EVENT_BYTES
        for number, (kind, details) in enumerate(events(path, machine), start=1)
    )


def log_line(number: int, kind: str, details: dict[str, Any], machine: str, *, express: bool = False) -> str:
    """An event as Step Functions writes it."""
    arn = _EXECUTION.format(machine=machine, kind="express" if express else "execution")
    event = {
        "id": str(number),
        "type": kind,
        "details": details,
        "redrive_count": "0",
        "previous_event_id": str(number - 1),
        "event_timestamp": _TIMESTAMP,
        "execution_arn": arn + _DELIVERY if express else arn,
    }
    return json.dumps(event, separators=(",", ":"))


def written(size: int, days: int) -> Usage:
    """Returns the usage of logs of ``size`` bytes, written once and kept for ``days``."""
    months = Decimal(days) * 24 / 730
    return Usage(log_gb=size / _GB, kept_log_gb=size / _GB * KEPT_SHARE * months)

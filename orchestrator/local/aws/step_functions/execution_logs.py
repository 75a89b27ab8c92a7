"""Executions in CloudWatch Logs, as a machine's LoggingConfiguration asks.

moto takes that configuration and logs nothing. An execution's events are written when it ends, in one piece: AWS
delivers them late as well, and in any order.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.logs.models import logs_backends
from moto.stepfunctions.parser.asl.eval.event.logging import is_logging_enabled_for

from orchestrator.local.aws.parts import Aws

#: What is kept of a log group's stream; the oldest events go, as retention has it on AWS.
_KEPT = 50_000

#: What "includeExecutionData" is about.
_DATA = frozenset(
    {
        "assignedVariables",
        "assignedVariablesDetails",
        "input",
        "inputDetails",
        "output",
        "outputDetails",
        "parameters",
    }
)

_writing = threading.Lock()


def events(execution: Any, level: str, with_data: bool) -> Iterator[Mapping[str, Any]]:
    """An execution's events as its log has them ("Logging execution history events"), those of a level."""
    for event in execution.exec_worker.env.event_manager.get_event_history():
        if is_logging_enabled_for(level, event["type"]):
            details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("Details")), {})
            yield {
                "id": str(event["id"]),
                "type": event["type"].value,
                "details": details if with_data else {name: details[name] for name in details if name not in _DATA},
                "redrive_count": "0",
                "previous_event_id": str(event["previousEventId"]),
                "event_timestamp": str(int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)),
                "execution_arn": execution.exec_arn,
            }


def _group(configuration: Mapping[str, Any]) -> str | None:
    """The name of the log group that a configuration names."""
    destinations = configuration.get("destinations") or [{}]
    arn = destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    return arn.split(":log-group:", 1)[1].removesuffix(":*") if ":log-group:" in arn else None


def write(aws: Aws, execution: Any) -> None:
    """Logs an execution that has ended, if its machine has a log; where the group is gone, nothing is logged."""
    configuration = execution.state_machine.loggingConfiguration or {}
    level, name = configuration.get("level", "OFF"), _group(configuration)
    group = logs_backends[aws.account][aws.region].groups.get(name)
    if level == "OFF" or group is None:
        return
    lines = [
        {"timestamp": int(event["event_timestamp"]), "message": json.dumps(event, separators=(",", ":"), default=str)}
        for event in events(execution, level, bool(configuration.get("includeExecutionData")))
    ]
    prefix = f"states/{execution.state_machine.name}/"
    with _writing:
        stream = next((stream for stream in group.streams if stream.startswith(prefix)), None)
        if stream is None:
            stream = f"{prefix}{aws.clock.now():%Y-%m-%d-%H-%M}/{uuid.uuid4().hex[:8]}"
            group.create_log_stream(stream)
        if lines:
            group.put_log_events(stream, lines)
            kept = group.streams[stream].events
            del kept[: max(0, len(kept) - _KEPT)]

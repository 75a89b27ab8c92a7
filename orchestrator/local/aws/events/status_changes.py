"""EventBridge knows of executions.

On AWS every change of an execution's status is an event on the default bus ("Step Functions execution status change
events"); moto's interpreter emits none. rules.py does the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.step_functions import executions


def _milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None


def detail(described: Mapping[str, Any]) -> dict[str, Any]:
    """The event's detail, from what DescribeExecution says."""
    moments = {name: _milliseconds(described[name]) for name in ("startDate", "stopDate")}
    included = {"included": True}
    return {
        **described,
        **moments,
        "inputDetails": included,
        "outputDetails": included if described["output"] else None,
    }


def install(aws: Aws) -> None:
    """Emits an event at the start and the end of each execution, if any rule could want it."""

    def emit(described: Mapping[str, Any]) -> None:
        backend = aws.backend("events")
        if not any(bus.rules for bus in backend.event_buses.values()):
            return
        backend.put_events(
            [
                {
                    "Source": "aws.states",
                    "Time": aws.clock.now().timestamp(),
                    "DetailType": "Step Functions Execution Status Change",
                    "Resources": [described["executionArn"]],
                    "Detail": json.dumps(detail(described)),
                }
            ]
        )

    executions.on_status_change(emit)

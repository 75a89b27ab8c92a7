"""What GetExecutionHistory says: in pages, the newest first, or without data.

moto answers with the whole history, oldest first.
"""

from __future__ import annotations

import base64
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: "The default is 100 and the maximum allowed page size is 1000" ("GetExecutionHistory").
_PAGE, _LARGEST_PAGE = 100, 1_000

#: Fields of an event's details that hold data of the execution.
_DATA = frozenset({"input", "output", "parameters", "assignedVariables"})


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {field: inner for field, inner in value.items() if field not in _DATA}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


def _get(self: Any) -> Any:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    events = execution.exec_worker.env.event_manager.get_event_history()
    if self._get_param("reverseOrder"):
        events = events[::-1]
    if self._get_param("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    token = self._get_param("nextToken")
    start = int(base64.b64decode(token)) if token else 0
    end = start + min(int(self._get_param("maxResults") or _PAGE), _LARGEST_PAGE)
    following = base64.b64encode(str(end).encode()).decode() if end < len(events) else None
    return ActionResult({"events": events[start:end], "nextToken": following})


def install(aws: Aws) -> None:
    """Replaces GetExecutionHistory."""
    replaces(StepFunctionResponse, "get_execution_history", digest="8acad13ba7f2")(_get)

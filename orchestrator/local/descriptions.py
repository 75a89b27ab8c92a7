"""What DescribeExecution and ListExecutions say.

moto leaves out when an execution timed out, and gives an output that is a text or null as no JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.replacements import replaces

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws


def output(execution: Any) -> str | None:
    """An execution's output as JSON; None where it has none."""
    return json.dumps(execution.output, separators=(",", ":")) if execution.status == "SUCCEEDED" else None


def _described(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """With the moment of its end however it ended, and an output that is JSON even where it is a text or null."""

    def describe_execution(self: Any) -> Any:
        answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.stop_date:
            answer.result["stopDate"] = execution.stop_date
        if (text := output(execution)) is not None:
            answer.result["output"] = text
        return answer

    return describe_execution


def _listed(list_all: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for each in a list."""

    def list_executions(self: Any) -> Any:
        answer = list_all(self)
        for listed in answer.result["executions"]:
            execution = self.stepfunction_backend.describe_execution(listed["executionArn"])
            if execution.stop_date:
                listed["stopDate"] = execution.stop_date
        return answer

    return list_executions


def install(aws: EmbeddedAws) -> None:
    """Completes what moto says."""
    response = StepFunctionResponse
    replaces(response, "describe_execution", digest="2718758b91ed")(_described(response.describe_execution))
    replaces(response, "list_executions", digest="61c5f5b036fe")(_listed(response.list_executions))

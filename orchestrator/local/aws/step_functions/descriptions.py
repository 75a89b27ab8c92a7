"""What DescribeExecution and ListExecutions say.

moto leaves out when an execution timed out, whether it can be redriven, and by which version and alias it was started;
gives an output that is a text or null as no JSON; and pages through a list by tokens that are void once a run ends.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions.state_machines import constraint

_INCLUDED = {"included": True}

#: "ListExecutions": "The default is 100 and the maximum allowed page size is 1000."
_PAGE, _LARGEST_PAGE = 100, 1_000

#: The longest token, in characters.
_TOKEN_LENGTH = 3096


#: In AWS's order.
_STATUSES = ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING")


class InvalidToken(AWSError):
    """A page is asked for by a token that no answer has given."""

    TYPE = "InvalidToken"
    STATUS = 400


def output(execution: Any) -> str | None:
    """An execution's output as JSON; None where it has none."""
    return json.dumps(execution.output, separators=(",", ":")) if execution.status == "SUCCEEDED" else None


def redrive(execution: Any) -> Iterator[tuple[str, Any]]:
    """Yields DescribeExecution's members about a redrive: "not SUCCEEDED", and not while it runs."""
    yield "redriveCount", 0
    may = execution.status in ("FAILED", "ABORTED", "TIMED_OUT")
    yield "redriveStatus", "REDRIVABLE" if may else "NOT_REDRIVABLE"
    if not may:
        yield "redriveStatusReason", f"Execution is {execution.status} and cannot be redriven"


def started_by(execution: Any) -> Mapping[str, str | None]:
    """The version and the alias that an execution was started by; None where by neither."""
    machine = execution.state_machine
    return {
        "stateMachineVersionArn": getattr(machine, "started_version", None),
        "stateMachineAliasArn": getattr(machine, "started_alias", None),
    }


def outline(execution: Any) -> dict[str, Any]:
    """Returns the members that every description of an execution has; None for those that do not apply."""
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        **started_by(execution),
    }


def _summary(execution: Any) -> dict[str, Any]:
    return {name: value for name, value in outline(execution).items() if value is not None}


def described(execution: Any) -> dict[str, Any]:
    """Describes an execution as DescribeExecution answers."""
    description = _summary(execution) | {"input": execution.execution_input, "inputDetails": _INCLUDED}
    if (text := output(execution)) is not None:
        description |= {"output": text, "outputDetails": _INCLUDED}
    description |= {name: value for name in ("error", "cause") if (value := getattr(execution, name)) is not None}
    return description | dict(redrive(execution))


def _describe(self: Any) -> Any:
    return ActionResult(described(self.stepfunction_backend.describe_execution(self._get_param("executionArn"))))


def _place(execution: Any) -> list[str]:
    """Returns the sort key of an execution in a list; it never changes."""
    return [execution.start_date.isoformat(), execution.exec_arn]


def _of(backend: Any, arn: str) -> list[Any]:
    """The executions of a machine, or of those that a version or an alias of it has started, the newest first."""
    parts = arn.split(":")
    machine = backend.describe_state_machine(":".join(parts[:7]))
    executions = sorted(machine.executions, key=_place, reverse=True)
    return (
        executions
        if len(parts) < 8
        else [execution for execution in executions if arn in started_by(execution).values()]
    )


def _list(self: Any) -> Any:
    size = int(self._get_param("maxResults") or _PAGE)
    if size > _LARGEST_PAGE:
        raise constraint("maxResults", size, f"have value less than or equal to {_LARGEST_PAGE}")
    executions = _of(self.stepfunction_backend, self._get_param("stateMachineArn"))
    if status := self._get_param("statusFilter"):
        if status not in _STATUSES:
            raise constraint("statusFilter", status, f"satisfy enum value set: [{', '.join(_STATUSES)}]")
        executions = [execution for execution in executions if execution.status == status]
    if token := self._get_param("nextToken"):
        if len(token) > _TOKEN_LENGTH:
            raise constraint("nextToken", token, f"have length less than or equal to {_TOKEN_LENGTH}")
        try:
            after = json.loads(base64.b64decode(token))
        except ValueError:
            raise InvalidToken(f"Invalid Token: '{token}'") from None
        executions = [execution for execution in executions if _place(execution) < after]
    page = executions[:size]
    more = base64.b64encode(json.dumps(_place(page[-1])).encode()).decode() if len(executions) > size else None
    listed = [_summary(execution) | {"redriveCount": 0} for execution in page]
    return ActionResult({"executions": listed, "nextToken": more})


def install(aws: Aws) -> None:
    """Replaces what moto says."""
    replaces(StepFunctionResponse, "describe_execution", digest="2718758b91ed")(_describe)
    replaces(StepFunctionResponse, "list_executions", digest="61c5f5b036fe")(_list)

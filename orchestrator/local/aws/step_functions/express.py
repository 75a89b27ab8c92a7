"""Express executions.

moto runs every machine as a Standard one and knows no StartSyncExecution. Here any number of Express executions have
one name; they end after five minutes and emit no status event, and no request tells of them: what becomes of one is in
the log group of its machine, and in the answer to StartSyncExecution ("Choosing workflow type in Step Functions"). It
runs once, where AWS promises at least once for a start that is not synchronous.
"""

from __future__ import annotations

import json
import math
import uuid
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidArn
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws import clients
from orchestrator.local.aws.clock import FOREVER
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces
from orchestrator.local.aws.step_functions import executions
from orchestrator.local.aws.step_functions.versions import started

#: What is billed, in steps ("AWS Step Functions Pricing").
_BILLED_MEGABYTES, _BILLED_MILLISECONDS = 64, 100

_INCLUDED = {"included": True}


class StateMachineTypeNotSupported(AWSError):
    """The request is for machines of the other type."""

    TYPE = "StateMachineTypeNotSupported"
    STATUS = 400

    def __init__(self) -> None:
        super().__init__("This operation is not supported by this type of state machine")


def start(aws: Aws, backend: Any, machine: Any, name: str | None, text: str | None, trace: Any = None) -> Any:
    """Starts an execution of an Express machine. Raises InvalidName, InvalidExecutionInput."""
    name, given = executions.given(name, text)
    arn = f"arn:aws:states:{backend.region_name}:{backend.account_id}:express:{machine.name}:{name}:{uuid.uuid4()}"
    known = backend.__dict__.setdefault("executions_by_arn", {})
    execution = known[arn] = executions.begin(aws, backend, machine, arn, name, given, trace)
    # Nobody can ask for it, so nothing of it is kept.
    execution.over.then(lambda: known.pop(arn, None))
    return execution


def answer(execution: Any, *, with_data: bool = True) -> dict[str, Any]:
    """Answers StartSyncExecution for an execution that has ended."""
    milliseconds = (execution.stop_date - execution.start_date).total_seconds() * 1000
    said = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "input": execution.execution_input if with_data else None,
        "inputDetails": _INCLUDED if with_data else {"included": False},
        "outputDetails": _INCLUDED if with_data else {"included": False},
        "billingDetails": {
            "billedMemoryUsedInMB": _BILLED_MEGABYTES,
            "billedDurationInMilliseconds": max(1, math.ceil(milliseconds / _BILLED_MILLISECONDS))
            * _BILLED_MILLISECONDS,
        },
    }
    if execution.status == "SUCCEEDED" and with_data:
        said["output"] = json.dumps(execution.output, separators=(",", ":"))
    return {name: value for name, value in said.items() if value is not None}


def _refuse_express(arn: str) -> None:
    if arn.split(":")[5:6] == ["express"]:
        raise InvalidArn("Invalid Arn: 'Resource type not valid in this context: express'")


def install(aws: Aws) -> None:
    """Starts executions of either type of machine, and hides those of Express machines from requests."""
    backend, response = StepFunctionsParserBackend, StepFunctionResponse
    start_standard, describe, list_standard = (
        executions.starts(aws),
        backend.describe_execution,
        response.list_executions,
    )

    @replaces(backend, "start_execution", digest="7359505c79da")
    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Any:
        machine = started(self, state_machine_arn)
        if machine.type == "EXPRESS":
            return start(aws, self, machine, name, execution_input, trace_header)
        return start_standard(self, machine, name, execution_input, trace_header)

    @replaces(backend, "describe_execution", digest="3fd6c86ebe8e")
    def describe_execution(self: Any, execution_arn: str) -> Any:
        _refuse_express(execution_arn)
        return describe(self, execution_arn)

    @replaces(response, "list_executions", digest="61c5f5b036fe")
    def list_executions(self: Any) -> Any:
        arn = self._get_param("stateMachineArn")
        if arn and started(self.stepfunction_backend, arn).type == "EXPRESS":
            raise StateMachineTypeNotSupported
        return list_standard(self)

    @adds(response, "start_sync_execution")
    def start_sync_execution(self: Any) -> ActionResult:
        machine = started(self.stepfunction_backend, self._get_param("stateMachineArn"))
        if machine.type != "EXPRESS":
            raise StateMachineTypeNotSupported
        name, text = self._get_param("name"), self._get_param("input")
        execution = start(aws, self.stepfunction_backend, machine, name, text)
        if clients.inside():
            # A state waits, and virtual time passes meanwhile.
            aws.clock.sleep_until(FOREVER, wake=execution.over, resting=True)
        else:
            execution.over.wait()
        return ActionResult(answer(execution, with_data=self._get_param("includedData") != "METADATA_ONLY"))

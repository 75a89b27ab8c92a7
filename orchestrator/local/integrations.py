"""Nested executions: ``states:startExecution`` and ``startExecution.sync:2``.

moto leaves the request's and the reply's names in the API's casing (KeyError: 'StateMachineArn'), asks every second
whether the child has ended, and lets the child run on when its parent has stopped waiting.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

_REQUEST = {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"}

#: How soon, in seconds, a parent that was told to stop notices.
_NOTICE_SECONDS = 0.05


def _pascal(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply in the casing of Step Functions, its moments as milliseconds, as AWS gives them to states."""
    plain = {name: value for name, value in reply.items() if name != "ResponseMetadata"}
    return {
        name[0].upper() + name[1:]: int(value.timestamp() * 1000) if hasattr(value, "timestamp") else value
        for name, value in plain.items()
    }


def install(aws: EmbeddedAws) -> None:
    """Makes nested executions work as on AWS."""

    def normalise_parameters(self: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
        if not isinstance(parameters.get("Input", ""), str):
            parameters["Input"] = json.dumps(parameters["Input"], separators=(",", ":"))
        for name in [name for name in parameters if name in _REQUEST]:
            parameters[_REQUEST[name]] = parameters.pop(name)

    def normalise_response(self: Any, response: Any, *_: Any, **__: Any) -> None:
        if isinstance(response, dict) and "executionArn" in response:
            pascal = _pascal(response)
            response.clear()
            response.update(pascal)

    def eval_integration_pattern(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        arn = env.stack.pop()["ExecutionArn"]
        client = aws.clients.get("stepfunctions", resource_runtime_part.region, state_credentials.role_arn)
        child = aws.execution(arn)
        while not child.over.wait(_NOTICE_SECONDS):
            if not env.is_running():
                client.stop_execution(executionArn=arn)
                env.stack.append({})
                return
        described = _pascal(client.describe_execution(executionArn=arn))
        if described["Status"] == "SUCCEEDED":
            for name in ("Input", "Output"):
                described[name] = json.loads(described[name])
            env.stack.append(described)
            return
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=StatesErrorNameType.StatesTaskFailed.to_name(),
            cause=json.dumps(described, separators=(",", ":")),
        )
        raise FailureEventException(
            FailureEvent(
                env=env,
                error_name=StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed),
                event_type=HistoryEventType.TaskFailed,
                event_details=EventDetails(taskFailedEventDetails=details),
            )
        )

    StateTaskServiceSfn._normalise_parameters = normalise_parameters
    StateTaskServiceSfn._normalise_response = normalise_response
    StateTaskServiceSfn._eval_integration_pattern = eval_integration_pattern

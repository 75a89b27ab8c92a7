"""Nested executions: the integration ``states:startExecution``, and what it waits for.

moto leaves the requests and replies of ``states:startExecution`` in the API's casing (KeyError: 'StateMachineArn'),
asks every second whether a child has ended, and lets it run on when its parent has stopped waiting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeFailure,
    CallbackOutcomeFailureError,
    CallbackOutcomeSuccess,
    HeartbeatTimedOut,
    HeartbeatTimeoutError,
)

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import callbacks
from orchestrator.local.aws.step_functions.failures import work_failed

_REQUEST = {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"}


def _pascal(value: Any) -> Any:
    """A reply in the casing of Step Functions, its moments as milliseconds, as AWS gives them to states."""
    if isinstance(value, Mapping):
        return {
            name[0].upper() + name[1:]: _pascal(inner) for name, inner in value.items() if name != "ResponseMetadata"
        }
    return int(value.timestamp() * 1000) if hasattr(value, "timestamp") else value


def _translated() -> None:
    @replaces(StateTaskServiceSfn, "_normalise_parameters", digest="dfabaeb3b993")
    def normalise_parameters(self: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
        if parameters.get("Input", "") is None:
            del parameters["Input"]
        if not isinstance(parameters.get("Input", ""), str):
            parameters["Input"] = json.dumps(parameters["Input"], separators=(",", ":"))
        for name in [name for name in parameters if name in _REQUEST]:
            parameters[_REQUEST[name]] = parameters.pop(name)

    @replaces(StateTaskServiceSfn, "_normalise_response", digest="cebad7899b4e")
    def normalise_response(self: Any, response: Any, *_: Any, **__: Any) -> None:
        if isinstance(response, dict) and "executionArn" in response:
            for name in ("executionArn", "startDate"):
                response |= _pascal({name: response.pop(name)})


def _awaited(aws: Aws) -> None:
    with_token = StateTaskServiceSfn._eval_integration_pattern

    @replaces(StateTaskServiceSfn, "_eval_integration_pattern", digest="3a03a673e7fd")
    def eval_integration_pattern(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            with_token(self, env, resource_runtime_part, normalised_parameters, state_credentials)
            return
        arn = env.stack.pop()["ExecutionArn"]
        client = aws.clients.get("stepfunctions", resource_runtime_part.region, state_credentials.role_arn)
        token = env.states.context_object.context_object_data["Task"]["Token"]
        child, endpoint, beat = aws.execution(arn), env.callback_pool_manager.get(token), None
        if self.heartbeat:
            self.heartbeat.eval(env=env)
            beat = env.stack.pop()
        answer = callbacks.rest(aws, env, endpoint, beat, child.over)
        endpoint.interrupt_all()
        if isinstance(answer, CallbackOutcomeFailure):
            raise CallbackOutcomeFailureError(answer)
        if isinstance(answer, CallbackOutcomeSuccess):
            env.stack.append(json.loads(answer.output))
            return
        if isinstance(answer, HeartbeatTimedOut) or not child.over.is_set():
            client.stop_execution(executionArn=arn)
            if env.is_running():
                raise HeartbeatTimeoutError
            return
        described = _pascal(client.describe_execution(executionArn=arn))
        if described["Status"] == "SUCCEEDED":
            if self.resource.condition == ResourceCondition.Sync2:
                described |= {name: json.loads(described[name]) for name in ("Input", "Output")}
            env.stack.append(described)
            return
        raise work_failed(self, env, described)


def install(aws: Aws) -> None:
    """Makes nested executions work, and end, as on AWS."""
    _translated()
    _awaited(aws)

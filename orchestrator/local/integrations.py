"""Service integrations: nested executions, and what an error of a service is called.

moto leaves the requests and replies of ``states:startExecution`` in the API's casing (KeyError: 'StateMachineArn'),
asks every second whether a child has ended, and lets it run on when its parent has stopped waiting. It knows the names
of two services where an ``aws-sdk`` integration fails, and takes the code of the service for the name of the error
where AWS's SDK for Java has no class for it. An object that a state gets from S3 stays a stream, which no state holds.
What ``aws-sdk:sfn`` asks for and gets has boto3's casing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    _SERVICE_ERROR_NAMES,
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb import (
    StateTaskServiceDynamoDB,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sns import (
    StateTaskServiceSns,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from orchestrator.local.clock import FOREVER, Wake
from orchestrator.local.replacements import adds, replaces

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

#: Services whose name in an ``aws-sdk`` resource is not boto3's.
_BOTO_NAMES = {"cloudwatchlogs": "logs", "eventbridge": "events"}

#: As the error names of ``aws-sdk`` integrations have them: the SDK for Java 2's packages.
_SDK_NAMES = {
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "eventbridge": "EventBridge",
    "lambda": "Lambda",
    "s3": "S3",
    "scheduler": "Scheduler",
    "ses": "Ses",
    "sesv2": "SesV2",
    "sns": "Sns",
    "sqs": "Sqs",
}

#: What an optimized integration calls an error that the SDK for Java 1 has no class for, as a denied access is; and the
#: digest of moto's own naming there.
_UNNAMED = {
    StateTaskServiceDynamoDB: ("DynamoDB.AmazonDynamoDBException", "26511b8e25c6"),
    StateTaskServiceLambda: ("Lambda.AWSLambdaException", "2d8be0a8ce74"),
    StateTaskServiceSfn: ("StepFunctions.AWSStepFunctionsException", "728d30a9ce59"),
    StateTaskServiceSns: ("SNS.AmazonSNSException", "1fd492dd3dba"),
}

_REQUEST = {"StateMachineArn": "stateMachineArn", "Name": "name", "Input": "input"}


def _pascal(value: Any) -> Any:
    """A reply in the casing of Step Functions, its moments as milliseconds, as AWS gives them to states."""
    if isinstance(value, Mapping):
        return {
            name[0].upper() + name[1:]: _pascal(inner) for name, inner in value.items() if name != "ResponseMetadata"
        }
    return int(value.timestamp() * 1000) if hasattr(value, "timestamp") else value


def _wait(aws: EmbeddedAws, env: Any, child: Any) -> bool:
    """Rests until the child has ended, or the parent's state; whether it was the child."""
    either = Wake()
    for over in (child.over, env.over):
        over.then(either.set)
    aws.clock.sleep_until(FOREVER, wake=either, resting=True)
    return bool(child.over.is_set())


def _nested(aws: EmbeddedAws) -> None:
    @replaces(StateTaskServiceSfn, "_normalise_parameters", digest="dfabaeb3b993")
    def normalise_parameters(self: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
        if not isinstance(parameters.get("Input", ""), str):
            parameters["Input"] = json.dumps(parameters["Input"], separators=(",", ":"))
        for name in [name for name in parameters if name in _REQUEST]:
            parameters[_REQUEST[name]] = parameters.pop(name)

    @replaces(StateTaskServiceSfn, "_normalise_response", digest="cebad7899b4e")
    def normalise_response(self: Any, response: Any, *_: Any, **__: Any) -> None:
        if isinstance(response, dict) and "executionArn" in response:
            pascal = _pascal(response)
            response.clear()
            response.update(pascal)

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
        if not _wait(aws, env, aws.execution(arn)):
            client.stop_execution(executionArn=arn)
            return
        described = _pascal(client.describe_execution(executionArn=arn))
        if described["Status"] == "SUCCEEDED":
            if self.resource.condition == ResourceCondition.Sync2:
                described |= {name: json.loads(described[name]) for name in ("Input", "Output")}
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


def _named_as_in_java(name: str, from_error: Callable[..., Any]) -> Callable[..., Any]:
    def named(self: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(self, env=env, ex=ex)
        if isinstance(ex, ClientError) and ex.response["Error"]["Code"].startswith("AccessDenied"):
            failure.error_name = CustomErrorName(name)
            failure.event_details["taskFailedEventDetails"]["error"] = name
        return failure

    return named


def _sdk_request(self: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
    """Step Functions' own API has names in camel case, where states write PascalCase as for every service."""
    if self.resource.api_name == "sfn":
        for name in list(parameters):
            parameters[name[0].lower() + name[1:]] = parameters.pop(name)


def _sdk_response(self: Any, response: Any, *_: Any, **__: Any) -> None:
    """An object of S3 is read whole, as text."""
    if isinstance(response, dict) and isinstance(response.get("Body"), StreamingBody):
        response["Body"] = response["Body"].read().decode()
    if isinstance(response, dict) and self.resource.api_name == "sfn":
        pascal = _pascal(response)
        response.clear()
        response.update(pascal)


def install(aws: EmbeddedAws) -> None:
    """Makes integrations work, and fail, as on AWS."""
    _nested(aws)
    replaces(StateTaskServiceAwsSdk, "_normalise_parameters", digest="54011bfdb48e")(_sdk_request)
    replaces(StateTaskServiceAwsSdk, "_normalise_response", digest="cebad7899b4e")(_sdk_response)
    for name, boto_name in _BOTO_NAMES.items():
        adds(StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES, name)(boto_name)
    for name, sdk_name in _SDK_NAMES.items():
        adds(_SERVICE_ERROR_NAMES, name)(sdk_name)
    for service, (name, digest) in _UNNAMED.items():
        replaces(service, "_from_error", digest=digest)(_named_as_in_java(name, service._from_error))

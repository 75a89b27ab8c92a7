"""AWS SDK integrations: every action of every service, by the names of the SDK for Java 2.

moto hands what a state says to boto3 as it stands, and a state gets boto3's answer; it names an error after boto3's
class, and what fails in a client before it is sent is a States.Runtime, where AWS's service refuses it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel, ServiceModel
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (
    StateTaskServiceAwsSdk,
)

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces
from orchestrator.local.aws.step_functions import failures, sdk

#: Services whose name in an ``aws-sdk`` resource is not boto3's. The former is the SDK for Java's.
_BOTO_NAMES = {
    "applicationautoscaling": "application-autoscaling",
    "bedrockruntime": "bedrock-runtime",
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentity": "cognito-identity",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
}


#: A table's name, or its ARN.
_TABLE = re.compile(r"arn:.+|[a-zA-Z0-9_.-]+")


def refusal(state: Any, parameters: Any, why: str) -> str:
    """The cause of a task that cannot start with what it was given."""
    field = "Parameters" if state._is_language_query_jsonpath() else "Arguments"
    given = json.dumps(parameters, separators=(",", ":"), default=str)
    return f"The {field} '{given}' could not be used to start the Task: [{why}]"


def operation_of(client: Any, action: str) -> OperationModel:
    """Returns the model of an action like ``putItem``. Raises botocore's OperationNotFoundError."""
    model: OperationModel = client.meta.service_model.operation_model(action[:1].upper() + action[1:])
    return model


def modelled(service: ServiceModel, code: str) -> str | None:
    """The name of the error that a service's model has for a code, None if it has none."""
    for shape in service.error_shapes:
        if code in (shape.name, shape.error_code):
            return str(shape.name)
    return None


def refused(operation: OperationModel, code: str, message: str) -> ClientError:
    """A refusal as the service would answer it."""
    told: Any = {"HTTPStatusCode": 400, "RequestId": str(uuid.uuid4())}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": told}, operation.name)


def check(operation: OperationModel, asked: Mapping[str, Any]) -> None:
    """Refuses a request that lacks what the service requires, in the service's words. Raises ClientError."""
    missing = list(sdk.absent(asked, operation))
    service, table = operation.service_model.service_name, asked.get("TableName")
    if service == "dynamodb" and isinstance(table, str) and not _TABLE.fullmatch(table):
        wrong = f"Value '{table}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression"
        raise refused(
            operation, "ValidationException", f"1 validation error detected: {wrong} pattern: [a-zA-Z0-9_.-]+"
        )
    if not missing:
        return
    if service == "sqs":
        raise refused(operation, "MissingParameter", f"The request must contain the parameter {missing[0]}.")
    each = [
        f"Value null at '{name[:1].lower()}{name[1:]}' failed to satisfy constraint: Member must not be null"
        for name in missing
    ]
    errors = "1 validation error" if len(each) == 1 else f"{len(each)} validation errors"
    raise refused(operation, "ValidationException", f"{errors} detected: {'; '.join(each)}")


def _client(aws: Aws, state: Any, env: Any, region: str | None = None, role: str | None = None) -> Any:
    details = env.aws_execution_details
    return aws.clients.get(state._get_boto_service_name(), region or details.region, role or details.role_arn)


def install(aws: Aws) -> None:
    """Speaks Java's names, asks the service, and names its errors."""
    from_error: Callable[..., Any] = StateTaskServiceAwsSdk._from_error
    evaluate_parameters = StateTaskService._eval_parameters
    for name, boto_name in _BOTO_NAMES.items():
        adds(StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES, name)(boto_name)

    @replaces(StateTaskServiceAwsSdk, "_eval_parameters", digest="a933bf835504")
    def eval_parameters(self: Any, env: Any) -> Any:
        given = evaluate_parameters(self, env)
        try:
            operation = operation_of(_client(aws, self, env), self.resource.api_action)
            sdk.request(given, operation.input_shape)
        except sdk.Unsupported as fault:
            raise failures.runtime_error(env, refusal(self, given, str(fault))) from fault
        return given

    @replaces(StateTaskServiceAwsSdk, "_eval_service_task", digest="5748e656998a")
    def eval_service_task(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        client = _client(aws, self, env, resource_runtime_part.region, state_credentials.role_arn)
        operation = operation_of(client, self.resource.api_action)
        asked = sdk.request(normalised_parameters, operation.input_shape)
        check(operation, asked)
        answer = getattr(client, self._get_boto_service_action())(**asked) or {}
        env.stack.append(sdk.reply(answer, operation.output_shape) if operation.output_shape else {})

    @replaces(StateTaskServiceAwsSdk, "_from_error", digest="ca24a7555e40")
    def from_client_error(self: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(self, env=env, ex=ex)
        if isinstance(ex, ClientError):
            service = _client(aws, self, env).meta.service_model
            name = sdk.class_name(service.service_id)
            error = sdk.error_name(name, modelled(service, ex.response["Error"]["Code"]))
            about = ex.response["ResponseMetadata"]
            told = [f"Service: {name}", f"Status Code: {about['HTTPStatusCode']}", f"Request ID: {about['RequestId']}"]
            if name == "S3":
                told.append(f"Extended Request ID: {about.get('HostId') or uuid.uuid4().hex}")
            cause = f"{ex.response['Error']['Message']} ({', '.join(told)}) (SDK Attempt Count: 1)"
            failure.error_name = CustomErrorName(error)
            failure.event_details["taskFailedEventDetails"] |= {"error": error, "cause": cause}
        return failure

    # What moto makes of requests and replies has happened above.
    replaces(StateTaskServiceAwsSdk, "_normalise_parameters", digest="54011bfdb48e")(lambda *_, **__: None)
    replaces(StateTaskServiceAwsSdk, "_normalise_response", digest="cebad7899b4e")(lambda *_, **__: None)

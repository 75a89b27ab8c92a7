"""Optimized integrations: Lambda, DynamoDB, SQS, SNS and Step Functions itself, as AWS's SDK for Java 1 answers.

A state gets, beside the reply, what the SDK knows of the HTTP response. moto leaves that out, and Lambda's
``ExecutedVersion``; drops parameters that AWS refuses; and takes the code of the service for the name of the error
where that SDK has no class for it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb import (
    StateTaskServiceDynamoDB,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
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
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (
    StateTaskServiceSqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures
from orchestrator.local.aws.step_functions.interpreter import Stopped
from orchestrator.local.aws.step_functions.sdk_integrations import check, modelled, operation_of, refusal

_JSON = "application/x-amz-json-1.0"

#: Of each: the prefix of its errors, what an error without a class is called, its name in a cause, and what its
#: responses are made of.
_SERVICES = {
    StateTaskServiceBatch: ("Batch", "AWSBatchException", "AWSBatch", "application/json"),
    StateTaskServiceDynamoDB: ("DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2", _JSON),
    StateTaskServiceEcs: ("ECS", "AmazonECSException", "AmazonECS", "application/x-amz-json-1.1"),
    StateTaskServiceGlue: ("Glue", "AWSGlueException", "AWSGlue", "application/x-amz-json-1.1"),
    StateTaskServiceLambda: ("Lambda", "AWSLambdaException", "AWSLambda", "application/json"),
    StateTaskServiceSfn: ("StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions", _JSON),
    StateTaskServiceSns: ("SNS", "AmazonSNSException", "AmazonSNS", "text/xml"),
    StateTaskServiceSqs: ("SQS", "AmazonSQSException", "AmazonSQS", _JSON),
}

#: Those whose requests are looked at in :mod:`orchestrator.local.aws.step_functions.jobs`.
_JOBS = (StateTaskServiceBatch, StateTaskServiceEcs, StateTaskServiceGlue)

#: The digests of how moto fails and asks in each.
_DIGESTS = {
    StateTaskServiceBatch: ("52b26dfe67d1", "0b73da826e2c"),
    StateTaskServiceDynamoDB: ("26511b8e25c6", "f2b5ded07c4c"),
    StateTaskServiceEcs: ("b403ede0af54", "c9eaa3a0b24e"),
    StateTaskServiceGlue: ("ad90f1594416", "43ce0385ec9e"),
    StateTaskServiceLambda: ("2d8be0a8ce74", "9f1f1199de3d"),
    StateTaskServiceSfn: ("728d30a9ce59", "f07cd60d62f8"),
    StateTaskServiceSns: ("1fd492dd3dba", "f07b00899aff"),
    StateTaskServiceSqs: ("4f9225fd6d26", "69ece95b55a8"),
}

#: The length of SNS's XML around an answer, and of the element that a FIFO topic adds.
_XML_LENGTH, _XML_SEQUENCE_LENGTH = 294, 58


def _http(headers: Mapping[str, str], request_id: str) -> dict[str, Any]:
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(headers),
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def _length(answer: Mapping[str, Any], content: str) -> int:
    if content == "text/xml":
        return _XML_LENGTH + (_XML_SEQUENCE_LENGTH if "SequenceNumber" in answer else 0)
    # Moments are numbers with an exponent: 1.7956014967E9.
    wire = {name: value.timestamp() / 1e9 if isinstance(value, datetime) else value for name, value in answer.items()}
    exponents = sum(len("E9") for value in answer.values() if isinstance(value, datetime))
    return len(json.dumps(wire, separators=(",", ":"), ensure_ascii=False, default=str).encode()) + exponents


def metadata(answer: Mapping[str, Any], content: str, now: datetime) -> dict[str, Any]:
    """Returns the SDK's metadata of the response."""
    request_id = str(uuid.uuid4())
    about = {
        "x-amzn-RequestId": request_id,
        "Content-Length": str(_length(answer, content)),
        "Date": format_datetime(now, usegmt=True),
        "Content-Type": content,
    }
    return _http({"connection": "keep-alive", **about}, request_id)


def _of_dynamodb(told: dict[str, Any]) -> dict[str, Any]:
    headers = told["SdkHttpMetadata"]["HttpHeaders"]
    del headers["connection"]
    headers |= {"Server": "Server", "Connection": "keep-alive", "x-amz-crc32": str(uuid.uuid4().int % 2**32)}
    return _http(headers, told["SdkResponseMetadata"]["RequestId"])


def _of_lambda(length: int, version: str, now: datetime, log: str | None, request_id: str) -> dict[str, Any]:
    trace = f"root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]};sampled=0"
    headers = {
        **({} if log is None else {"X-Amz-Log-Result": log}),
        "X-Amz-Executed-Version": version,
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "x-amzn-RequestId": request_id,
        "Content-Length": str(length),
        "Date": format_datetime(now, usegmt=True),
        "X-Amzn-Trace-Id": trace,
        "Content-Type": "application/json",
    }
    return _http(headers, request_id)


def _value_of(text: str) -> Any:
    """Reads a function's answer; text that is no JSON stays text."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _cause(service: str, ex: ClientError) -> str:
    error, about = ex.response["Error"], ex.response["ResponseMetadata"]
    message = str(error["Message"])
    if service == "AWSLambda" and message.startswith("Function not found: ") and message.count(":") == 7:
        message += ":$LATEST"
    if service == "AmazonSNS" and message == "Endpoint does not exist":
        # moto looks among endpoints for a topic that is not there.
        message = "Topic does not exist"
    return (
        f"{message} (Service: {service}; Status Code: {about['HTTPStatusCode']}; Error Code: {error['Code']}; "
        f"Request ID: {about['RequestId']}; Proxy: null)"
    )


def _failed(state: Any, env: Any, error: str, cause: str) -> FailureEventException:
    details = TaskFailedEventDetails(
        error=error, cause=cause, resource=state._get_sfn_resource(), resourceType=state._get_sfn_resource_type()
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=CustomErrorName(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )


def _parameters() -> None:
    """Completes a task's request, and refuses what AWS refuses.

    An execution that was stopped while its state evaluated them has half of them, and asks nothing.
    """
    of_function = StateTaskLambda._eval_parameters

    @replaces(StateTask, "_eval_parameters", digest="a933bf835504")
    def eval_parameters(self: Any, env: Any) -> Any:
        given: Any = {}
        if self.parargs is not None:
            self.parargs.eval(env=env)
            if not env.is_running():
                raise Stopped
            given = env.stack.pop()
        if not isinstance(given, dict) and not isinstance(self, StateTaskLambda):
            # Not confirmed: AWS's sentence for it is not known.
            raise failures.runtime_error(env, refusal(self, given, "it is no JSON object"))
        supported = self._get_supported_parameters()
        for name in given if supported else ():
            if name not in supported:
                why = f'The field "{name}" is not supported by Step Functions'
                raise failures.runtime_error(env, refusal(self, given, why))
        return given

    @replaces(StateTaskLambda, "_eval_parameters", digest="8a947affabd0")
    def eval_event(self: Any, env: Any) -> Any:
        given = of_function(self, env)
        if not env.is_running():
            raise Stopped
        return given

    # "Invoke an AWS Lambda function with Step Functions", which has one more than moto.
    supported = state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS
    replaces(supported, "invoke", digest="6ee0eb490ff8")(supported["invoke"] | {"InvocationType"})


def install(aws: Aws) -> None:
    """Answers and fails as AWS's integrations do."""
    _parameters()

    def error_of(kind: type, from_error: Callable[..., Any]) -> Callable[..., Any]:
        prefix, unnamed, service, _ = _SERVICES[kind]

        def named(self: Any, env: Any, ex: Exception) -> Any:
            if isinstance(ex, lambda_eval_utils.LambdaFunctionErrorException):
                ex.payload = json.dumps(_value_of(ex.payload), separators=(",", ":"), ensure_ascii=False)
            failure = from_error(self, env=env, ex=ex)
            if not isinstance(ex, ClientError):
                return failure
            details = env.aws_execution_details
            client = aws.clients.get(self._get_boto_service_name(), details.region, details.role_arn)
            shape = modelled(client.meta.service_model, ex.response["Error"]["Code"])
            error = f"{prefix}.{unnamed if shape is None else shape.removesuffix('Exception') + 'Exception'}"
            failure.error_name = CustomErrorName(error)
            failure.event_details["taskFailedEventDetails"] |= {"error": error, "cause": _cause(service, ex)}
            return failure

        return named

    def with_metadata(kind: type, task: Callable[..., None]) -> Callable[..., None]:
        content = _SERVICES[kind][3]

        def eval_service_task(
            self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
        ) -> None:
            client = aws.clients.get(
                self._get_boto_service_name(), resource_runtime_part.region, state_credentials.role_arn
            )
            queue = normalised_parameters.get("QueueUrl")
            if kind is StateTaskServiceSqs and isinstance(queue, str) and not (url := urlsplit(queue)).path.strip("/"):
                cause = f"Unable to execute HTTP request: {url.hostname or queue}: Name or service not known"
                raise _failed(self, env, "SQS.SdkClientException", cause)
            # What a job lacks was refused before.
            if kind not in (StateTaskServiceSfn, *_JOBS):
                check(operation_of(client, self.resource.api_action), normalised_parameters)
            task(self, env, resource_runtime_part, normalised_parameters, state_credentials)
            answer = env.stack[-1]
            if kind is not StateTaskServiceLambda:
                told = metadata(answer, content, aws.clock.now())
                answer |= _of_dynamodb(told) if kind is StateTaskServiceDynamoDB else told

        return eval_service_task

    @replaces(lambda_eval_utils, "execute_lambda_function_integration", digest="49295e95bce3")
    def execute(env: Any, parameters: Any, region: str, state_credentials: Any) -> None:
        client = aws.clients.get("lambda", region, state_credentials.role_arn)
        answer = client.invoke(**parameters)
        text = answer["Payload"].read().decode(errors="replace")
        if error := answer.get("FunctionError"):
            raise lambda_eval_utils.LambdaFunctionErrorException(error, text)
        version = answer.get("ExecutedVersion") or "$LATEST"
        log, request_id = answer.get("LogResult"), answer["ResponseMetadata"]["RequestId"]
        told = {
            "ExecutedVersion": version,
            **({} if log is None else {"LogResult": log}),
            "Payload": _value_of(text),
        }
        env.stack.append(
            {
                **told,
                **_of_lambda(len(text.encode()), version, aws.clock.now(), log, request_id),
                "StatusCode": answer["StatusCode"],
            }
        )

    for kind in _SERVICES:
        replaces(kind, "_from_error", digest=_DIGESTS[kind][0])(error_of(kind, kind._from_error))
        replaces(kind, "_eval_service_task", digest=_DIGESTS[kind][1])(with_metadata(kind, kind._eval_service_task))

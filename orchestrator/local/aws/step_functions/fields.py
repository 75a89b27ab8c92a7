"""The fields that a state and its request may have: by its type, its query language and the model of the service.

AWS refuses any other when a machine is created. moto's parser takes most of them, or fails in words of its grammar.

Sources: the page of each state type ("Amazon States Language"); what ValidateStateMachineDefinition answers, as people
measured it (floci-io/floci#2735 and #2968; badmintoncryer/cdk-preflight); LocalStack's recordings
test_invalid_credentials_field and test_sfn_api_validation; for parameters of AWS SDK integrations aws/aws-cdk#29968
("The field "static" is not supported by Step Functions at /States/…/Parameters").
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import DataNotFoundError
from botocore.model import ListShape, MapShape, OperationNotFoundError, ServiceModel, Shape, StructureShape
from botocore.session import get_session
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService

from orchestrator.local.aws.step_functions import sdk
from orchestrator.local.aws.step_functions.values import JSONATA, JSONPATH

_STATES, _SDK = ":states:::", "aws-sdk:"

#: Optimized integrations that the embedded AWS has, without their patterns.
OFFERED = frozenset(
    {"lambda:invoke", "sqs:sendMessage", "sns:publish", "states:startExecution", "events:putEvents", "http:invoke"}
    | {"batch:submitJob", "ecs:runTask", "glue:startJobRun"}
    | {f"dynamodb:{action}" for action in ("getItem", "putItem", "updateItem", "deleteItem")}
)

#: What a request must say: as ValidateStateMachineDefinition was measured to want it (cdk-preflight, 2026-09-05).
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "lambda:invoke": ("FunctionName",),
    "sqs:sendMessage": ("QueueUrl", "MessageBody"),
    "sns:publish": ("Message",),
    "dynamodb:putItem": ("TableName", "Item"),
    "dynamodb:getItem": ("TableName", "Key"),
    "states:startExecution": ("StateMachineArn",),
    "events:putEvents": ("Entries",),
    "http:invoke": ("ApiEndpoint", "Method"),
}

#: Services whose optimized integration cannot wait for a job, or for a token (the same).
_WITHOUT_JOB = frozenset({"lambda", "sns", "sqs", "dynamodb", "events", "apigateway", "aws-sdk", "http"})
_WITHOUT_TOKEN = frozenset(
    {"athena", "batch", "codebuild", "elasticmapreduce", "emr-containers", "emr-serverless", "glue", "databrew"}
    | {"mediaconvert", "sagemaker", "dynamodb", "http"}
)

#: Functions and activities: what a task may call but for integrations.
_CALLED = re.compile(r"arn:[^:]+:(lambda:[^:]*:[^:]*:function:.+|states:[^:]*:[^:]*:activity:.+)")

#: Kinds of items that the embedded AWS does not read.
_UNREAD = frozenset({"JSONL", "PARQUET", "MANIFEST"})

#: What every state may have.
_EVERY = frozenset({"Type", "Comment", "QueryLanguage"})

_ON = frozenset({"Next", "End", "Assign"})
_HANDLED = _ON | {"Retry", "Catch"}

#: By type, whatever the query language.
_FIELDS: Mapping[str, frozenset[str]] = {
    "Pass": _ON,
    "Task": _HANDLED | {"Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds"},
    "Choice": frozenset({"Choices", "Default", "Assign"}),
    "Wait": _ON | {"Seconds", "Timestamp"},
    "Succeed": frozenset(),
    "Fail": frozenset({"Error", "Cause"}),
    "Parallel": _HANDLED | {"Branches"},
    "Map": _HANDLED
    | {"ItemProcessor", "Iterator", "ItemReader", "ItemSelector", "ItemBatcher", "ResultWriter", "MaxConcurrency"}
    | {"ToleratedFailureCount", "ToleratedFailurePercentage", "Label"},
}

_PATHS = frozenset({"InputPath", "OutputPath"})
_RESULTS = _PATHS | {"Parameters", "ResultSelector", "ResultPath"}

#: By type, where a state speaks JSONPath.
_OF_JSONPATH: Mapping[str, frozenset[str]] = {
    "Pass": _PATHS | {"Parameters", "Result", "ResultPath"},
    "Task": _RESULTS | {"TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Choice": _PATHS,
    "Wait": _PATHS | {"SecondsPath", "TimestampPath"},
    "Succeed": _PATHS,
    "Fail": frozenset({"ErrorPath", "CausePath"}),
    "Parallel": _RESULTS,
    "Map": _RESULTS
    | {"ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath"},
}

#: By type, where a state speaks JSONata.
_OF_JSONATA: Mapping[str, frozenset[str]] = {
    "Pass": frozenset({"Output"}),
    "Task": frozenset({"Arguments", "Output"}),
    "Choice": frozenset({"Output"}),
    "Wait": frozenset({"Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
    "Parallel": frozenset({"Arguments", "Output"}),
    "Map": frozenset({"Items", "Output"}),
}

_OF_LANGUAGE = {JSONPATH: _OF_JSONPATH, JSONATA: _OF_JSONATA}


def allowed(kind: str, language: str) -> frozenset[str]:
    """The fields of a type of state in a query language; all of either in one that there is not."""
    languages = [language] if language in _OF_LANGUAGE else list(_OF_LANGUAGE)
    return (_EVERY | _FIELDS[kind]).union(*(_OF_LANGUAGE[one][kind] for one in languages))


def mistakes(state: Mapping[str, Any], place: str, language: str) -> Iterator[tuple[str, str]]:
    """Yields mistakes in the fields of a state whose ``Type`` is known: the message, and its place.

    ``language`` is what the machine speaks.
    """
    own = str(state.get("QueryLanguage", language))
    if (language, own) == (JSONATA, JSONPATH):
        yield "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", place
        return
    if own not in _OF_LANGUAGE:
        return
    kind, known = state["Type"], allowed(state["Type"], own)
    other = JSONATA if own == JSONPATH else JSONPATH
    for name in state:
        if name in known:
            continue
        if name in _OF_LANGUAGE[other][kind]:
            only = f"but field '{name}' is only supported for the '{other}' QueryLanguage"
            yield f"The QueryLanguage is set to '{own}', {only}", place
        else:
            yield f"Field '{name}' is not supported", place
    for name in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(name), Mapping) and "QueryLanguage" in state[name]:
            yield "Field 'QueryLanguage' is not supported", f"{place}/{name}"
    if kind == "Task":
        yield from _of_task(state, place, own)


def _of_task(state: Mapping[str, Any], place: str, language: str) -> Iterator[tuple[str, str]]:
    role = state.get("Credentials")
    if isinstance(role, Mapping) and not {"RoleArn", "RoleArn.$"} & set(role):
        yield "The field 'RoleArn' is required but was missing", f"{place}/Credentials"
    resource = str(state.get("Resource", ""))
    if "Resource" in state and not resource.startswith("arn:"):
        yield "Value is not a valid resource ARN", f"{place}/Resource"
        return
    if "Resource" in state and (_STATES not in resource and not _CALLED.match(resource)):
        yield _unknown(resource), f"{place}/Resource"
        return
    integration, _, pattern = resource.partition(_STATES)[2].partition(".")
    shape: Shape | LookupError | None = None
    if integration.startswith(_SDK):
        shape = _request(*integration.removeprefix(_SDK).partition(":")[::2])
    elif integration.partition(":")[0] in {one.partition(":")[0] for one in OFFERED} and integration not in OFFERED:
        shape = LookupError(integration)
    if isinstance(shape, LookupError) or (pattern and not _has_pattern(integration, pattern)):
        yield _unknown(resource), f"{place}/Resource"
        return
    if not integration:
        return
    field = "Arguments" if language == JSONATA else "Parameters"
    if field not in state:
        yield f"{field} field is required for resource ARN: {resource}", place
        return
    for name in _unsupported(state[field], shape, language):
        yield str(sdk.Unsupported(name)), f"{place}/{field}"
    if isinstance(state[field], Mapping):
        for name in _NEEDED.get(integration, ()):
            if not {name, f"{name}.$"} & set(state[field]):
                yield f"The field '{name}' is required but was missing", f"{place}/{field}"


def _unknown(resource: str) -> str:
    why = "The value is not a valid resource ARN, or the resource is not available in this region."
    return f"The resource provided {resource} is not recognized. {why}"


def _has_pattern(integration: str, pattern: str) -> bool:
    """Whether an integration waits so: of what is not offered nothing is known."""
    service = integration.partition(":")[0]
    if pattern == "waitForTaskToken":
        return service not in _WITHOUT_TOKEN
    if pattern == "sync:2":
        return service == "states"
    return pattern == "sync" and service not in _WITHOUT_JOB


@functools.cache
def _model(service: str) -> ServiceModel:
    """Loads a service's model by boto3's name. Raises botocore's UnknownServiceError, DataNotFoundError."""
    return get_session().get_service_model(service)


@functools.cache
def _request(service: str, action: str) -> Shape | LookupError | None:
    """Returns the input shape of an action; None if it takes nothing, a LookupError if there is no such action."""
    try:
        boto_name = StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.get(service, service)
        operation = _model(boto_name).operation_model(action[:1].upper() + action[1:])
    except (DataNotFoundError, OperationNotFoundError):
        return LookupError(service, action)
    return operation.input_shape


def not_offered(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields what AWS has and the embedded AWS lacks: why, and the field."""
    resource = str(state.get("Resource", ""))
    integration = resource.partition(_STATES)[2].partition(".")[0]
    if ":activity:" in resource:
        # Here is nobody who would answer GetActivityTask.
        yield "The embedded AWS has no activities; '.waitForTaskToken' waits, too", "Resource"
    elif integration and not integration.startswith(_SDK) and integration not in OFFERED:
        yield f"The embedded AWS has no optimized integration {integration}; 'aws-sdk:' may do", "Resource"
    reader = state.get("ItemReader")
    config = reader.get("ReaderConfig") if isinstance(reader, Mapping) else None
    if isinstance(config, Mapping) and (kind := config.get("InputType")) in _UNREAD:
        yield f"The embedded AWS reads no items of the InputType {kind}; CSV and JSON it does", "ItemReader"
    if "ItemBatcher" in state:
        yield "The embedded AWS has no batches of items", "ItemBatcher"


def _unsupported(given: Any, shape: Shape | None, language: str) -> Iterator[str]:
    """The names of parameters that the model of a service does not have; what an expression gives shows at run time."""
    match shape:
        case StructureShape() if isinstance(given, Mapping) and not shape.is_document_type:
            names = {sdk.member(name): inner for name, inner in shape.members.items()}
            for key, inner in given.items():
                name = key.removesuffix(".$") if language == JSONPATH else key
                if name not in names:
                    yield name
                elif name == key:
                    yield from _unsupported(inner, names[name], language)
        case MapShape() if isinstance(given, Mapping):
            for inner in given.values():
                yield from _unsupported(inner, shape.value, language)
        case ListShape() if isinstance(given, list):
            for inner in given:
                yield from _unsupported(inner, shape.member, language)

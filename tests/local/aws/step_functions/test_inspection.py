"""TestState. What is expected was recorded from AWS by LocalStack (tests/aws/services/stepfunctions/v2/test_state)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines

PASS = {"Type": "Pass", "End": True}
LAMBDA = "arn:aws:states:::lambda:invoke"
TASK = {
    "Type": "Task",
    "QueryLanguage": "JSONata",
    "Resource": LAMBDA,
    "Arguments": {"FunctionName": "foo", "Payload": "bar"},
    "Output": "{% $states.result.Payload %}",
    "Next": "After",
}


def answered(aws: EmbeddedAws, state: Mapping[str, Any], given: Any = None, **request: Any) -> dict[str, Any]:
    """TestState's answer; JSON in it is read."""
    answer: Any = aws.client("stepfunctions").test_state(
        definition=json.dumps(state), input=json.dumps(given), **request
    )
    del answer["ResponseMetadata"]
    for place in (answer, answer.get("inspectionData", {})):
        place.update({name: json.loads(value) for name, value in place.items() if name in JSON_FIELDS})
    return dict(answer)


JSON_FIELDS = {
    "output", "input", "afterInputPath", "afterParameters", "afterArguments", "result", "afterResultSelector",
    "afterResultPath", "variables",
}  # fmt: skip

HELLO = {"Value": "HelloWorld"}
DATA = {"initialData": {"fieldFromInput": "value", "otherField": "other"}, "unrelatedData": 1234}
CHOICE = {
    "Type": "Choice",
    "Choices": [
        {"Not": {"Variable": "$.type", "StringEquals": "Private"}, "Next": "Public"},
        {
            "And": [
                {"Variable": "$.value", "NumericGreaterThanEquals": 20},
                {"Variable": "$.value", "NumericLessThan": 30},
            ],
            "Next": "ValueInTwenties",
        },
    ],
    "Default": "DefaultState",
}


@pytest.mark.parametrize(
    ("state", "given", "answer", "seen"),
    [
        (
            PASS,
            HELLO,
            {"status": "SUCCEEDED", "output": HELLO},
            dict.fromkeys(
                ("input", "afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath"), HELLO
            ),
        ),
        (
            {**PASS, "Result": {"resultKey": "result value"}},
            HELLO,
            {"status": "SUCCEEDED", "output": {"resultKey": "result value"}},
            {
                "input": HELLO,
                "result": {"resultKey": "result value"},
                "afterResultSelector": {"resultKey": "result value"},
                "afterResultPath": {"resultKey": "result value"},
            },
        ),
        (
            {
                **PASS,
                "InputPath": "$.initialData",
                "Parameters": {"staticValue": "some value", "inputValue.$": "$.fieldFromInput"},
                "ResultPath": "$.modifiedData",
            },
            DATA,
            {
                "status": "SUCCEEDED",
                "output": {**DATA, "modifiedData": {"staticValue": "some value", "inputValue": "value"}},
            },
            {
                "input": DATA,
                "afterInputPath": DATA["initialData"],
                "afterParameters": {"staticValue": "some value", "inputValue": "value"},
                "afterResultSelector": {"staticValue": "some value", "inputValue": "value"},
                "afterResultPath": {**DATA, "modifiedData": {"staticValue": "some value", "inputValue": "value"}},
            },
        ),
        (
            {"Type": "Fail", "Error": "SomeFailure", "Cause": "This state machines raises a 'SomeFailure' failure."},
            HELLO,
            {
                "status": "FAILED",
                "error": "SomeFailure",
                "cause": "This state machines raises a 'SomeFailure' failure.",
            },
            {"input": HELLO, "afterInputPath": HELLO},
        ),
        (
            {"Type": "Succeed"},
            HELLO,
            {"status": "SUCCEEDED", "output": HELLO},
            {"input": HELLO, "afterInputPath": HELLO},
        ),
        (
            CHOICE,
            {"type": "Private", "value": 22},
            {"status": "SUCCEEDED", "output": {"type": "Private", "value": 22}, "nextState": "ValueInTwenties"},
            {key: {"type": "Private", "value": 22} for key in ("input", "afterInputPath")},
        ),
    ],
    ids=["pass", "pass-result", "pass-paths", "fail", "succeed", "choice"],
)
@pytest.mark.parametrize("level", ["INFO", "DEBUG", "TRACE"])
def test_a_state_without_work(
    aws: EmbeddedAws, state: Any, given: Any, answer: dict[str, Any], seen: dict[str, Any], level: str
) -> None:
    expected = answer if level == "INFO" else {**answer, "inspectionData": seen}
    assert answered(aws, state, given, inspectionLevel=level) == expected


def test_a_task_does_its_work_under_the_role_of_the_request(aws: EmbeddedAws, machines: Machines) -> None:
    queue = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    send = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::aws-sdk:sqs:sendMessage",
        "Arguments": {"QueueUrl": queue, "MessageBody": "{% $states.input.body %}"},
        "Output": "{% $exists($states.result.MessageId) %}",
        "Next": "After",
    }
    assert answered(aws, send, {"body": "hello"}, roleArn=machines.role) == {
        "status": "SUCCEEDED",
        "output": True,
        "nextState": "After",
    }
    assert aws.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    nobody = aws.client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    refused = answered(aws, send, {"body": "hello"}, roleArn=nobody)
    assert refused["status"] == "FAILED"
    assert refused["error"] == "Sqs.SqsException"


def test_nothing_of_it_is_listed_or_told(aws: EmbeddedAws) -> None:
    answered(aws, PASS)
    assert aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert stepfunctions_parser_backends[aws.account][aws.region].__dict__.get("executions_by_arn", {}) == {}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{% $parse('[1,2]')[1] %}", 2),
        ("{% $hash('a', 'SHA-1') %}", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("{% $partition([1,2,3], 2)[1] %}", [3]),
        ("{% $range(0, 4, 2) %}", [0, 2, 4]),
        ("{% $given & $states.input.x %}", "y1"),
        ("{% $states.context.State.Name %}", "StateName"),
    ],
)
def test_expressions_variables_and_the_context_object(aws: EmbeddedAws, expression: str, value: Any) -> None:
    state = {**PASS, "QueryLanguage": "JSONata", "Output": {"is": expression}}
    answer = answered(aws, state, {"x": 1}, variables=json.dumps({"given": "y"}))
    assert answer == {"status": "SUCCEEDED", "output": {"is": value}}


def test_an_expression_that_fails(aws: EmbeddedAws) -> None:
    state = {**PASS, "QueryLanguage": "JSONata", "Output": "{% $error('no') %}"}
    answer = answered(aws, state)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.QueryEvaluationError")


def test_a_mocked_result_goes_the_way_of_a_real_one(aws: EmbeddedAws) -> None:
    mock = {"result": json.dumps({"Payload": {"a": 1}, "StatusCode": 200})}
    assert answered(aws, TASK, mock=mock) == {"status": "SUCCEEDED", "output": {"a": 1}, "nextState": "After"}


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_the_mocked_work_of_a_map_or_a_parallel(aws: EmbeddedAws, kind: str) -> None:
    inner = {"StartAt": "S", "States": {"S": {"Type": "Pass", "End": True}}}
    other = {"StartAt": "T", "States": {"T": {"Type": "Pass", "End": True}}}
    work = {"ItemProcessor": inner} if kind == "Map" else {"Branches": [inner, other]}
    state = {"Type": kind, "QueryLanguage": "JSONata", **work, "Output": "{% $sum($states.result) %}", "End": True}
    assert answered(aws, state, mock={"result": "[1, 2]"}) == {"status": "SUCCEEDED", "output": 3}


CATCHING = {
    **TASK,
    "Catch": [
        {
            "ErrorEquals": ["MockException"],
            "Next": "HandleMockError",
            "Output": "{% $states.errorOutput %}",
        },
        {"ErrorEquals": ["States.ALL"], "Next": "HandleAll"},
    ],
}


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_caught_error_says_who_caught_it_and_with_what(aws: EmbeddedAws, level: str) -> None:
    mock = {"errorOutput": {"error": "MockException", "cause": "Mock the cause."}}
    seen = {
        "input": HELLO,
        "afterArguments": {"FunctionName": "foo", "Payload": "bar"},
        "errorDetails": {"catchIndex": 0},
    }
    assert answered(aws, CATCHING, HELLO, mock=mock, inspectionLevel=level) == {
        "status": "CAUGHT_ERROR",
        "error": "MockException",
        "cause": "Mock the cause.",
        "nextState": "HandleMockError",
        "output": {"Error": "MockException", "Cause": "Mock the cause."},
        **({"inspectionData": seen} if level == "DEBUG" else {}),
    }


@pytest.mark.parametrize(
    ("error", "caught"),
    [
        ("Other", "CAUGHT_ERROR"),
        ("States.Timeout", "CAUGHT_ERROR"),
        ("States.TaskFailed", "CAUGHT_ERROR"),
        ("States.Runtime", "FAILED"),
        ("States.DataLimitExceeded", "FAILED"),
    ],
)
def test_what_states_all_catches(aws: EmbeddedAws, error: str, caught: str) -> None:
    answer = answered(aws, CATCHING, mock={"errorOutput": {"error": error, "cause": "c"}})
    assert (answer["status"], answer["error"], answer.get("nextState")) == (
        caught,
        error,
        "HandleAll" if caught == "CAUGHT_ERROR" else None,
    )


@pytest.mark.parametrize(
    ("retries", "details"),
    [
        (0, {"retryIndex": 1, "retryBackoffIntervalSeconds": 4}),
        (2, {"retryIndex": 1, "retryBackoffIntervalSeconds": 16}),
        (3, {"catchIndex": 0}),
    ],
)
def test_an_error_is_retriable_until_its_attempts_are_used_up(
    aws: EmbeddedAws, retries: int, details: dict[str, int]
) -> None:
    state = {
        **CATCHING,
        "Retry": [
            {"ErrorEquals": ["Other"]},
            {"ErrorEquals": ["MockException"], "IntervalSeconds": 4, "BackoffRate": 2, "MaxAttempts": 3},
        ],
    }
    mock = {"errorOutput": {"error": "MockException", "cause": "c"}}
    asked = {"stateConfiguration": {"retrierRetryCount": retries}, "inspectionLevel": "DEBUG"}
    answer = answered(aws, state, mock=mock, **asked)
    assert answer["status"] == ("CAUGHT_ERROR" if retries == 3 else "RETRIABLE")
    assert answer["inspectionData"]["errorDetails"] == details


def test_a_state_of_a_whole_machine(aws: EmbeddedAws) -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Second"},
            "Second": {"Type": "Pass", "Output": "{% $states.input + 1 %}", "Next": "First"},
        },
    }
    assert answered(aws, machine, 41, stateName="Second") == {"status": "SUCCEEDED", "output": 42, "nextState": "First"}


EVENTS = "arn:aws:states:::events:putEvents"
START = "arn:aws:states:::states:startExecution"
MAP = {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "S", "States": {"S": PASS}}}
PARALLEL = {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "S", "States": {"S": PASS}}] * 2}


def task(resource: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": {}, "End": True}


def result(value: Any) -> dict[str, Any]:
    return {"mock": {"result": json.dumps(value)}}


INVALID = "Mock result schema validation error: "
UNSUPPORTED = (
    "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed,"
    " Fail, Choice]"
)


@pytest.mark.parametrize(
    ("state", "request_", "code", "message"),
    [
        (task(LAMBDA), {}, "ValidationException", "RoleArn must be specified when testing a Task state"),
        (MAP, {}, "InvalidDefinition", UNSUPPORTED),
        (PARALLEL, {}, "InvalidDefinition", UNSUPPORTED),
        (PASS, result(1), "ValidationException", "State type 'Pass' is not supported when a mock is specified"),
        (
            task(LAMBDA),
            {**result({}), "revealSecrets": True},
            "ValidationException",
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
        (
            task(LAMBDA),
            {"mock": {"result": "{}", "errorOutput": {"error": "E"}}},
            "ValidationException",
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
        (task(LAMBDA), {"mock": {"result": "no"}}, "ValidationException", "Mocked result must be valid JSON"),
        (MAP, result({}), "ValidationException", "Mocked result must be an array."),
        (
            {**MAP, "ResultWriter": {}},
            result([]),
            "ValidationException",
            "Mocked result must be a JSON object.",
        ),
        (
            PARALLEL,
            result([1]),
            "ValidationException",
            "Mocked result must contain the same number of items as number of Parallel branches.",
        ),
        (task(EVENTS), result({"Entries": {}}), "ValidationException", f"{INVALID}Field 'Entries' must be an array"),
        (
            task(EVENTS),
            result({"Entries": [{}, {"EventId": 1}]}),
            "ValidationException",
            f"{INVALID}Field 'EventId' must be a string",
        ),
        (task(START), result({}), "ValidationException", f"{INVALID}Required field 'ExecutionArn' is missing"),
        (
            task(START),
            result({"ExecutionArn": "a", "StartDate": True}),
            "ValidationException",
            f"{INVALID}Field 'StartDate' must be a string",
        ),
        (
            task(LAMBDA),
            result({"StatusCode": "200"}),
            "ValidationException",
            f"{INVALID}Field 'StatusCode' must be a number",
        ),
        (
            task("arn:aws:states:::aws-sdk:lambda:getFunction"),
            result({"Configuration": {"MemorySize": 1}}),
            "ValidationException",
            f"{INVALID}Field 'MemorySize' is less than the minimum value",
        ),
        (
            task("arn:aws:states:::aws-sdk:s3:getObject"),
            result({"StorageClass": "COLD"}),
            "ValidationException",
            f"{INVALID}Field 'StorageClass' is not an expected value",
        ),
    ],
)
def test_what_is_refused(aws: EmbeddedAws, state: Any, request_: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        answered(aws, state, **request_)
    assert (refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]) == (code, message)


@pytest.mark.parametrize(("mode", "refused"), [("STRICT", True), ("PRESENT", False), ("NONE", False)])
def test_how_much_of_a_mocked_result_is_checked(aws: EmbeddedAws, mode: str, refused: bool) -> None:
    mock = {"result": "{}", "fieldValidationMode": mode}
    starting = {**task(START), "Parameters": {"StateMachineArn": "arn"}}
    if refused:
        with pytest.raises(ClientError, match="Required field 'ExecutionArn' is missing"):
            answered(aws, starting, mock=mock)
    else:
        assert answered(aws, starting, mock=mock)["output"] == {}


def test_a_state_that_takes_longer_than_five_minutes_is_timed_out(fast: Machines) -> None:
    answer = answered(fast.aws, {"Type": "Wait", "Seconds": 400, "End": True})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")

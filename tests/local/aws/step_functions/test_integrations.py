"""moto's nested executions fail or outlive their parent, and its errors have other names than AWS's."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines
from tests.testbed.queues import listening, told

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import HistoryEventTypeDef

START = "arn:aws:states:::states:startExecution"
FOR_EVER = {"Type": "Wait", "Seconds": 86_400, "End": True}


def task(resource: str, arguments: Any, **more: Any) -> dict[str, Any]:
    if "Next" not in more:
        more["End"] = True
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, **more}


def table(aws: EmbeddedAws) -> None:
    aws.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )


# --- nested executions


def test_an_execution_starts_another_and_goes_on(machines: Machines) -> None:
    child = machines.make({"Rest": FOR_EVER}, name="child")
    ended = machines.run({"Start": task(START, {"StateMachineArn": child, "Name": "one", "Input": {"n": 1}})})
    assert ended.status == "SUCCEEDED"
    assert ended.output["ExecutionArn"] == child.replace(":stateMachine:", ":execution:") + ":one"
    assert isinstance(ended.output["StartDate"], int)
    described = machines.states.describe_execution(executionArn=ended.output["ExecutionArn"])
    assert (described["status"], described["input"]) == ("RUNNING", '{"n":1}')


@pytest.mark.parametrize(
    ("pattern", "output"), [("sync", '{"doubled":4,"list":[null]}'), ("sync:2", {"doubled": 4, "list": [None]})]
)
def test_a_parent_waits_for_what_its_child_says(machines: Machines, pattern: str, output: Any) -> None:
    double = {"Type": "Succeed", "Output": {"doubled": "{% $states.input.n * 2 %}", "list": [None]}}
    child = machines.make({"Double": double}, name="child")
    ended = machines.run({"Nest": task(f"{START}.{pattern}", {"StateMachineArn": child, "Input": {"n": 2}})})
    assert ended.status == "SUCCEEDED"
    said = ended.output
    assert (said["Status"], said["StateMachineArn"], said["Output"]) == ("SUCCEEDED", child, output)
    assert said["StartDate"] <= said["StopDate"]
    assert ended.types[3:6] == ["TaskStarted", "TaskSubmitted", "TaskSucceeded"]


@pytest.mark.parametrize("output", ["text", None, 7])
def test_a_child_may_say_anything(machines: Machines, output: Any) -> None:
    child = machines.make({"End": {"Type": "Succeed"}}, name="child")
    nest = task(f"{START}.sync:2", {"StateMachineArn": child, "Input": output}, Output="{% $states.result.Output %}")
    # A text is handed on as the input's JSON, so it has to be one.
    given = json.dumps(output) if isinstance(output, str) else output
    nest["Arguments"]["Input"] = given
    if output is None:
        del nest["Arguments"]["Input"]
    assert machines.run({"Nest": nest}).output == ({} if output is None else output)


def test_a_child_that_fails_is_the_failure_of_its_task(machines: Machines) -> None:
    child = machines.make({"End": {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none left"}}, name="child")
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    nest = task(f"{START}.sync:2", {"StateMachineArn": child, "Name": "one", "Input": {"n": 1}}, Catch=catch)
    ended = machines.run({"Nest": nest, "Caught": {"Type": "Succeed"}})
    assert ended.output["Error"] == "States.TaskFailed"
    cause = json.loads(ended.output["Cause"])
    assert {name: cause[name] for name in ("Name", "Status", "Error", "Cause", "Input")} == {
        "Name": "one",
        "Status": "FAILED",
        "Error": "OutOfPaper",
        "Cause": "none left",
        "Input": '{"n":1}',
    }


def test_a_child_is_stopped_with_its_parent(machines: Machines) -> None:
    child = machines.make({"Rest": FOR_EVER}, name="child")
    parent = machines.start(
        machines.make({"Nest": task(f"{START}.sync:2", {"StateMachineArn": child, "Name": "one", "Input": {}})})
    )
    nested = child.replace(":stateMachine:", ":execution:") + ":one"
    while not any(event["type"] == "TaskSubmitted" for event in _events(machines, parent)):
        time.sleep(0.01)
    machines.states.stop_execution(executionArn=parent)
    assert machines.end(parent, seconds=0).status == "ABORTED"
    assert machines.end(nested).status == "ABORTED"


def _events(machines: Machines, arn: str) -> list[HistoryEventTypeDef]:
    events: list[HistoryEventTypeDef] = machines.states.get_execution_history(executionArn=arn)["events"]
    return events


def test_a_child_is_stopped_when_the_time_of_its_task_is_up(fast: Machines) -> None:
    child = fast.make({"Rest": FOR_EVER}, name="child")
    nest = task(
        f"{START}.sync:2",
        {"StateMachineArn": child, "Name": "one", "Input": {}},
        TimeoutSeconds=600,
        Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Caught", "Output": "caught"}],
    )
    ended = fast.run({"Nest": nest, "Caught": {"Type": "Succeed"}})
    assert (ended.status, ended.output) == ("SUCCEEDED", "caught")
    assert timedelta(minutes=10) <= ended.lasted < timedelta(minutes=12)
    assert fast.end(child.replace(":stateMachine:", ":execution:") + ":one").status == "ABORTED"


def test_time_passes_quickly_while_a_child_waits(fast: Machines) -> None:
    child = fast.make({"Rest": FOR_EVER}, name="child")
    ended = fast.run({"Nest": task(f"{START}.sync:2", {"StateMachineArn": child, "Input": {}})})
    assert timedelta(days=1) <= ended.lasted < timedelta(days=1, minutes=1)


def test_a_name_that_was_used_is_an_error_that_can_be_caught(machines: Machines) -> None:
    child = machines.make({"End": {"Type": "Succeed"}}, name="child")
    machines.end(machines.start(child, name="one"))
    ended = machines.run({"Nest": task(f"{START}.sync:2", {"StateMachineArn": child, "Name": "one", "Input": {}})})
    assert ended.error == "StepFunctions.ExecutionAlreadyExistsException"


def test_a_child_is_started_by_its_alias(machines: Machines) -> None:
    child = machines.make({"End": {"Type": "Succeed", "Output": "live"}}, name="child")
    version = machines.states.publish_state_machine_version(stateMachineArn=child)["stateMachineVersionArn"]
    route: Any = [{"stateMachineVersionArn": version, "weight": 100}]
    machines.states.create_state_machine_alias(name="live", routingConfiguration=route)
    nest = task(f"{START}.sync:2", {"StateMachineArn": f"{child}:live", "Input": {}})
    assert machines.run({"Nest": nest}).output["Output"] == "live"


# --- what services do


def test_dynamodb_sns_and_cloudwatch_do_what_they_are_asked(machines: Machines) -> None:
    aws = machines.aws
    table(aws)
    topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
    queue = listening(aws, topic, "heard")
    put = {"Put": {"TableName": "things", "Item": {"id": {"S": "a"}, "n": {"N": "{% $string($states.input.n) %}"}}}}
    metric = {"MetricName": "Runs", "Value": 1, "Unit": "Count"}
    ended = machines.run(
        {
            "Write": task(
                "arn:aws:states:::aws-sdk:dynamodb:transactWriteItems",
                {"TransactItems": [put]},
                Output="{% $states.input %}",
                Next="Read",
            ),
            "Read": task(
                "arn:aws:states:::dynamodb:getItem",
                {"TableName": "things", "Key": {"id": {"S": "a"}}},
                Output={"n": "{% $number($states.result.Item.n.N) %}"},
                Next="Tell",
            ),
            "Tell": task(
                "arn:aws:states:::sns:publish",
                {"TopicArn": topic, "Subject": "News", "Message": {"n": "{% $states.input.n %}"}},
                Output="{% $states.input %}",
                Next="Count",
            ),
            "Count": task(
                "arn:aws:states:::aws-sdk:cloudwatch:putMetricData",
                {"Namespace": "Test", "MetricData": [metric]},
                Output="{% $states.input %}",
            ),
        },
        {"n": 3},
    )
    assert (ended.status, ended.output) == ("SUCCEEDED", {"n": 3})
    assert [json.loads(text) for text in told(aws.client("sqs"), queue)] == [{"n": 3}]
    assert [one["MetricName"] for one in aws.client("cloudwatch").list_metrics(Namespace="Test")["Metrics"]] == ["Runs"]


# --- what errors are called


ABSENT = {"TableName": "things", "ConditionExpression": "attribute_exists(id)"}
CANCELLED = {
    "TransactItems": [
        {"Put": {**ABSENT, "Item": {"id": {"S": "a"}}}},
        {"Put": {"TableName": "things", "Item": {"id": {"S": "b"}}}},
    ]
}


@pytest.mark.parametrize(
    ("resource", "arguments", "error", "cause"),
    [
        (
            "aws-sdk:dynamodb:transactWriteItems",
            CANCELLED,
            "DynamoDb.TransactionCanceledException",
            "specific reasons [ConditionalCheckFailed, None] (Service: DynamoDb, Status Code: 400",
        ),
        (
            "aws-sdk:dynamodb:putItem",
            {**ABSENT, "Item": {"id": {"S": "a"}}},
            "DynamoDb.ConditionalCheckFailedException",
            "The conditional request failed (Service: DynamoDb",
        ),
        (
            "dynamodb:putItem",
            {**ABSENT, "Item": {"id": {"S": "a"}}},
            "DynamoDB.ConditionalCheckFailedException",
            "The conditional request failed (Service: AmazonDynamoDBv2",
        ),
        (
            "aws-sdk:dynamodb:getItem",
            {"TableName": "nothing", "Key": {"id": {"S": "a"}}},
            "DynamoDb.ResourceNotFoundException",
            "Service: DynamoDb",
        ),
        (
            "lambda:invoke",
            {"FunctionName": "nothing"},
            "Lambda.ResourceNotFoundException",
            "Function not found",
        ),
    ],
)  # fmt: skip
def test_an_error_has_the_name_and_cause_of_aws(
    machines: Machines, resource: str, arguments: Any, error: str, cause: str
) -> None:
    table(machines.aws)
    ended = machines.run({"Ask": task(f"arn:aws:states:::{resource}", arguments)})
    assert (ended.status, ended.error) == ("FAILED", error)
    assert cause in str(ended.cause)


@pytest.mark.parametrize(
    ("resource", "arguments", "error"),
    [
        ("lambda:invoke", {"FunctionName": "work"}, "Lambda.AWSLambdaException"),
        ("dynamodb:getItem", {"TableName": "things", "Key": {"id": {"S": "a"}}}, "DynamoDB.AmazonDynamoDBException"),
        ("aws-sdk:dynamodb:getItem", {"TableName": "things", "Key": {"id": {"S": "a"}}}, "DynamoDb.DynamoDbException"),
        (
            "aws-sdk:cloudwatch:putMetricData",
            {"Namespace": "Test", "MetricData": [{"MetricName": "Runs", "Value": 1}]},
            "CloudWatch.CloudWatchException",
        ),
        ("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"}, "SNS.AmazonSNSException"),
        (
            "states:startExecution",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m", "Input": {}},
            "StepFunctions.AWSStepFunctionsException",
        ),
    ],
)
def test_a_denied_access_has_no_name_of_its_own(machines: Machines, resource: str, arguments: Any, error: str) -> None:
    role = machines.aws.client("iam").create_role(RoleName="nothing", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    ask = task(f"arn:aws:states:::{resource}", arguments)
    ended = machines.end(machines.start(machines.make({"Ask": ask}, role=role)))
    assert (ended.status, ended.error) == ("FAILED", error)
    assert "is not authorized to perform" in str(ended.cause)


def test_step_functions_own_api_has_the_casing_of_every_other(machines: Machines) -> None:
    other = machines.start(machines.make({"Rest": FOR_EVER}, name="other"))
    look = task("arn:aws:states:::aws-sdk:sfn:describeExecution", {"ExecutionArn": other})
    arguments = {"ExecutionArn": other, "Error": "Stopped", "Cause": "enough"}
    stop = task("arn:aws:states:::aws-sdk:sfn:stopExecution", arguments, Next="Look")
    said = machines.run({"Stop": stop, "Look": look}).output
    assert (said["Status"], said["Error"], said["Cause"]) == ("ABORTED", "Stopped", "enough")


@pytest.mark.parametrize(
    ("arn", "error"),
    [
        ("arn:of-nothing", "Sfn.InvalidArnException"),
        ("arn:aws:states:us-east-1:123456789012:execution:machine:gone", "Sfn.ExecutionDoesNotExistException"),
    ],
)
def test_an_execution_that_is_not_there_cannot_be_stopped(machines: Machines, arn: str, error: str) -> None:
    ended = machines.run({"Stop": task("arn:aws:states:::aws-sdk:sfn:stopExecution", {"ExecutionArn": arn})})
    assert (ended.status, ended.error) == ("FAILED", error)

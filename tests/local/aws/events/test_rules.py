"""What a rule of EventBridge delivers to its targets, and under which permission."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from orchestrator.local.aws.events.delivery import Undelivered, lets_events
from orchestrator.local.aws.events.templates import text_of
from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines, hearing
from tests.testbed.sources import create

RULE = "arn:aws:events:us-east-1:123456789012:rule/orders"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "Order placed",
    "source": "shop",
    "account": "123456789012",
    "time": "2026-12-01T08:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {"order": {"id": 7}, "lines": ["a"]},
    "ingestion-time": 1.0,
}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, {name: value for name, value in EVENT.items() if name != "ingestion-time"}),
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail.order"}, {"id": 7}),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"id": "$.detail.order.id", "when": "$.time"},
                    "InputTemplate": '{"order": <id>, "at": "<when>"}',
                }
            },
            {"order": 7, "at": "2026-12-01T08:00:00Z"},
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"id": "$.detail.order.id"}, "InputTemplate": '"order <id>"'}},
            "order 7",
        ),
    ],
    ids=["whole", "Input", "InputPath", "InputTransformer", "InputTransformer to a text"],
)
def test_what_a_target_gets_of_an_event(target: Any, expected: Any) -> None:
    """Source: "Amazon EventBridge input transformation", "Targets"."""
    assert json.loads(text_of(EVENT, target, RULE)) == expected


@pytest.mark.parametrize(
    ("statement", "lets"),
    [
        ({}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Principal": "*"}, True),
        ({"Action": "sqs:*"}, True),
        ({"Action": "sqs:ReceiveMessage"}, False),
        ({"Resource": "arn:aws:sqs:us-east-1:123456789012:other"}, False),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}s"}}}, False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"{RULE[:-2]}*"}}}, True),
        ({"Effect": "Deny"}, False),
    ],
)
def test_whom_a_policy_lets(statement: dict[str, Any], lets: bool) -> None:
    """Source: "Using resource-based policies for Amazon EventBridge"."""
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        **statement,
    }
    assert lets_events({"Statement": [whole]}, "sqs:SendMessage", queue, RULE) is lets
    assert not lets_events(None, "sqs:SendMessage", queue, RULE)


@pytest.mark.parametrize(
    ("code", "status", "is_called", "passes"),
    [
        ("ThrottlingException", 400, "THROTTLING", True),
        ("TooManyRequestsException", 429, "THROTTLING", True),
        ("InternalServerError", 500, "SDK_CLIENT_ERROR", True),
        ("AccessDeniedException", 400, "NO_PERMISSIONS", False),
        ("StateMachineDoesNotExist", 400, "NO_RESOURCE", False),
        ("InvalidExecutionInput", 400, "SDK_CLIENT_ERROR", False),
    ],
)
def test_what_may_pass_is_tried_again(code: str, status: int, is_called: str, passes: bool) -> None:
    """Source: "How EventBridge retries delivering events"."""
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    fault = Undelivered.of(ClientError(answer, "StartExecution"))
    assert (fault.code, fault.passes) == (is_called, passes)


def test_what_has_no_answer_is_tried_again() -> None:
    assert Undelivered.of(ReadTimeoutError(endpoint_url="x")).passes


def put(aws: EmbeddedAws, **target: Any) -> None:
    """A rule with one target, and an event for it; those who put it hear of nothing that goes wrong."""
    events = aws.client("events")
    events.put_rule(Name="orders", EventPattern=json.dumps({"source": ["shop"]}))
    one: Any = {"Id": "t", **target}
    events.put_targets(Rule="orders", Targets=[one])
    detail = json.dumps(EVENT["detail"])
    answer = events.put_events(Entries=[{"Source": "shop", "DetailType": "Order placed", "Detail": detail}])
    assert answer["FailedEntryCount"] == 0


@pytest.fixture
def undelivered(aws: EmbeddedAws) -> Any:
    """What the dead-letter queue has got: attributes of each message."""
    url = aws.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]

    def attributes() -> list[dict[str, str]]:
        got = aws.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
        return [{name: value["StringValue"] for name, value in one["MessageAttributes"].items()} for one in got]

    return attributes


DEAD_LETTERS = {"Arn": "arn:aws:sqs:us-east-1:123456789012:undelivered"}


def test_a_state_machine_is_started_with_the_event_under_the_targets_role(aws: EmbeddedAws, machines: Machines) -> None:
    arn = machines.make({"S": {"Type": "Succeed"}}, name="orders")
    put(aws, Arn=arn, RoleArn=machines.role)
    (execution,) = aws.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    output = machines.end(execution["executionArn"]).output
    assert output["detail"] == EVENT["detail"]
    assert (output["account"], output["source"]) == ("123456789012", "shop")


def test_a_template_makes_the_input_of_a_state_machine(aws: EmbeddedAws, machines: Machines) -> None:
    arn = machines.make({"S": {"Type": "Succeed"}}, name="orders")
    transformer = {"InputPathsMap": {"id": "$.detail.order.id"}, "InputTemplate": '{"taskId": "order-<id>"}'}
    put(aws, Arn=arn, RoleArn=machines.role, InputTransformer=transformer)
    (execution,) = aws.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    assert machines.end(execution["executionArn"]).output == {"taskId": "order-7"}


def test_an_event_whose_role_may_not_start_the_machine_goes_to_the_dead_letters(
    aws: EmbeddedAws, machines: Machines, undelivered: Any
) -> None:
    """Source: "Using dead-letter queues to process undelivered events in EventBridge"."""
    arn = machines.make({"S": {"Type": "Succeed"}}, name="orders")
    nobody = aws.client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    put(aws, Arn=arn, RoleArn=nobody, DeadLetterConfig=DEAD_LETTERS)
    assert aws.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"] == []
    (attributes,) = undelivered()
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (RULE, arn)


@pytest.mark.parametrize("lets", [True, False])
def test_a_queue_hears_if_its_policy_lets_the_rule(aws: EmbeddedAws, undelivered: Any, lets: bool) -> None:
    attributes = hearing("q")
    url = aws.client("sqs").create_queue(QueueName="q", Attributes=attributes if lets else {})["QueueUrl"]
    put(aws, Arn="arn:aws:sqs:us-east-1:123456789012:q", DeadLetterConfig=DEAD_LETTERS)
    got = aws.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
    assert [json.loads(one["Body"])["detail"] for one in got] == [EVENT["detail"]] * lets
    assert [one["ERROR_CODE"] for one in undelivered()] == ["NO_PERMISSIONS"] * (not lets)


@pytest.mark.parametrize("lets", [True, False])
def test_a_function_hears_if_its_policy_lets_the_rule(
    aws: EmbeddedAws, machines: Machines, undelivered: Any, lets: bool
) -> None:
    """Source: "Using resource-based policies for Amazon EventBridge", "AWS Lambda permissions"."""
    heard = aws.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    source = (
        "import boto3, json\n"
        "def handler(event, context):\n"
        f"    boto3.client('sqs').send_message(QueueUrl={heard!r}, MessageBody=json.dumps(event))\n"
    )
    lambda_ = aws.client("lambda")
    arn = create(lambda_, "hear", source, machines.role, Timeout=10)
    if lets:
        lambda_.add_permission(
            FunctionName="hear",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=RULE,
        )
    put(aws, Arn=arn, DeadLetterConfig=DEAD_LETTERS)
    got: list[Any] = []
    until = time.monotonic() + (8 if lets else 0)
    while not got and time.monotonic() < until:
        got = aws.client("sqs").receive_message(QueueUrl=heard).get("Messages", [])
        time.sleep(0.02)
    assert [json.loads(one["Body"])["detail"] for one in got] == [EVENT["detail"]] * lets
    assert [one["ERROR_CODE"] for one in undelivered()] == ["NO_PERMISSIONS"] * (not lets)


@pytest.mark.parametrize("lets", [True, False])
def test_a_topic_hears_if_its_policy_lets_the_rule(aws: EmbeddedAws, undelivered: Any, lets: bool) -> None:
    topic = aws.client("sns").create_topic(Name="t")["TopicArn"]
    from_topics: Any = {"Policy": hearing("q")["Policy"].replace("events.amazonaws.com", "sns.amazonaws.com")}
    queue = aws.client("sqs").create_queue(QueueName="q", Attributes=from_topics)["QueueUrl"]
    subscription: Any = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:123456789012:q"}
    aws.client("sns").subscribe(**subscription)
    if lets:
        policy = (
            hearing("q")["Policy"]
            .replace("sqs:SendMessage", "sns:Publish")
            .replace("sqs:us-east-1:123456789012:q", topic[8:])
        )
        aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    put(aws, Arn=topic, DeadLetterConfig=DEAD_LETTERS)
    assert len(aws.client("sqs").receive_message(QueueUrl=queue).get("Messages", [])) == lets
    assert [one["ERROR_CODE"] for one in undelivered()] == ["NO_PERMISSIONS"] * (not lets)


@pytest.mark.parametrize(
    ("target", "message_"),
    [
        (
            {"Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"},
            "RoleArn is required for target arn:aws:states:us-east-1:123456789012:stateMachine:m.",
        ),
        (
            {"Arn": "arn:aws:batch:us-east-1:123456789012:job-queue/q"},
            "The embedded AWS delivers events to events, lambda, logs, sns, sqs, states, not to"
            " arn:aws:batch:us-east-1:123456789012:job-queue/q",
        ),
        ({"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "Input": "no"}, "JSON syntax error in input for target t"),
        (
            {"Arn": "arn:aws:sqs:us-east-1:123456789012:q", "Input": "1", "InputPath": "$"},
            "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
        ),
    ],
)
def test_a_target_that_would_never_hear_is_refused(aws: EmbeddedAws, target: Any, message_: str) -> None:
    with pytest.raises(ClientError) as refused:
        put(aws, **target)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ValidationException", message_)

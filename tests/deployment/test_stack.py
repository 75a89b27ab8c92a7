"""Stacks: created, changed, left alone, and what is said when they fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.errors import DeploymentFailed
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.clients import own_clients

NAME = "orchestrator-dev"


def template(*queues: str) -> str:
    """Queues, the visibility timeout of all a parameter."""
    return json.dumps(
        {
            "Parameters": {"Seconds": {"Type": "String", "Default": "30"}},
            "Resources": {
                queue: {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {"QueueName": queue, "VisibilityTimeout": {"Ref": "Seconds"}},
                }
                for queue in queues
            },
            "Outputs": {"First": {"Value": {"Fn::GetAtt": [queues[0], "Arn"]}}},
        }
    )


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def stack(aws: EmbeddedAws, lines: list[str]) -> CloudFormationStack:
    return CloudFormationStack(aws.client("cloudformation"), NAME, sleep=lambda seconds: None, progress=lines.append)


def test_before_it_is_created_there_is_none(stack: CloudFormationStack) -> None:
    assert stack.describe() is None


def test_a_stack_is_created_and_says_what_is_in_it(stack: CloudFormationStack, lines: list[str]) -> None:
    created = stack.deploy({"Seconds": "60"}, TemplateBody=template("one"))
    assert created == stack.describe()
    assert (created.status, created.parameters) == ("CREATE_COMPLETE", {"Seconds": "60"})
    assert created.outputs == {"First": "arn:aws:sqs:us-east-1:123456789012:one"}
    assert stack.template() == json.loads(template("one"))
    assert lines[-1] == "CREATE_COMPLETE orchestrator-dev (AWS::CloudFormation::Stack)"


def test_a_stack_is_changed_in_place(stack: CloudFormationStack, aws: EmbeddedAws, lines: list[str]) -> None:
    stack.deploy({}, TemplateBody=template("one"))
    lines.clear()
    changed = stack.deploy({"Seconds": "90"}, TemplateBody=template("one", "two"))
    assert changed.status == "UPDATE_COMPLETE"
    sqs = aws.client("sqs")
    for queue in ("one", "two"):
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        assert found["Attributes"] == {"VisibilityTimeout": "90"}
    assert not any(line.startswith("CREATE_COMPLETE orchestrator-dev") for line in lines), "events of the past"


def test_any_other_refusal_is_not_taken_for_a_missing_stack(aws: EmbeddedAws) -> None:
    client = own_clients(aws)("cloudformation")

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    client.meta.events.register("before-call.cloudformation.DescribeStacks", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        CloudFormationStack(client, NAME, sleep=lambda seconds: None, progress=lambda line: None).describe()


def test_what_of_a_stack_is_gone_has_no_name(aws: EmbeddedAws) -> None:
    client = own_clients(aws)("cloudformation")
    there = {"LogicalResourceId": "There", "PhysicalResourceId": "there", "ResourceStatus": "CREATE_COMPLETE"}
    gone = {"LogicalResourceId": "Gone", "PhysicalResourceId": "gone", "ResourceStatus": "DELETE_COMPLETE"}
    answer = {"StackResourceSummaries": [there, gone]}
    client.meta.events.register(
        "before-call.cloudformation.ListStackResources", lambda **_: (AWSResponse("", 200, {}, None), answer)
    )
    assert CloudFormationStack(client, NAME).physical_names() == {"There": "there"}


def event(number: int, resource: str, status: str, reason: str = "") -> dict[str, str]:
    return {
        "EventId": str(number),
        "LogicalResourceId": resource,
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


class SlowCloudFormation:
    """A stack that goes through ``statuses``, a look each; the embedded AWS has neither the time nor the failures."""

    def __init__(
        self, statuses: list[str], events: list[dict[str, str]], change_set: dict[str, str] | None = None
    ) -> None:
        self._statuses = iter(statuses)
        self._events = events
        self._change_set = change_set or {"Status": "CREATE_COMPLETE"}
        self.executed = False

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [{"StackStatus": next(self._statuses)}]}

    def create_change_set(self, **_: Any) -> Any:
        return {"Id": "change-set"}

    def describe_change_set(self, **_: Any) -> Any:
        return self._change_set

    def delete_change_set(self, **_: Any) -> None:
        self._change_set = {}

    def execute_change_set(self, **_: Any) -> None:
        self.executed = True

    def get_paginator(self, _operation: str) -> SlowCloudFormation:
        return self

    def paginate(self, **_: Any) -> Any:
        past = [event(0, "Old", "CREATE_FAILED", "long ago")]
        return [{"StackEvents": [*(self._events[::-1] if self.executed else []), *past]}]


def deploy(client: SlowCloudFormation, slept: list[float] | None = None) -> list[str]:
    lines: list[str] = []
    waited = slept if slept is not None else []
    slow: Any = client
    CloudFormationStack(slow, NAME, sleep=waited.append, progress=lines.append).deploy({}, TemplateBody="{}")
    return lines


def test_a_slow_change_is_waited_for() -> None:
    slept: list[float] = []
    changing = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    lines = deploy(SlowCloudFormation(["CREATE_COMPLETE", *changing], [event(1, "Dlq", "UPDATE_COMPLETE")]), slept)
    assert slept == [2.0, 2.0]
    assert lines == ["UPDATE_COMPLETE Dlq (AWS::SQS::Queue)"]


def test_the_first_resource_that_failed_is_named() -> None:
    events = [
        event(1, "Topic", "CREATE_IN_PROGRESS"),
        event(2, "Other", "CREATE_FAILED", "Resource creation cancelled"),
        event(3, "Dlq", "CREATE_FAILED", "a queue of this name exists"),
        event(4, "Role", "CREATE_FAILED", "something else"),
    ]
    client = SlowCloudFormation(["CREATE_COMPLETE", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"], events)
    expected = (
        r"^stack orchestrator-dev is in UPDATE_ROLLBACK_COMPLETE:"
        r" CREATE_FAILED Dlq \(AWS::SQS::Queue\): a queue of this name exists$"
    )
    with pytest.raises(DeploymentFailed, match=expected):
        deploy(client)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("orchestrator-dev-Dlq already exists", "or deploy another environment with --env"),
        (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
            " below its minimum value of [10].",
            "deploy with --no-reserved-concurrency, or ask AWS for a higher quota",
        ),
    ],
)
def test_a_failure_that_a_person_can_mend_says_how(reason: str, advice: str) -> None:
    client = SlowCloudFormation(
        ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"], [event(1, "Dlq", "CREATE_FAILED", reason)]
    )
    with pytest.raises(DeploymentFailed, match=f"; .*{advice}$"):
        deploy(client)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (
            "ROLLBACK_FAILED",
            r"could not be deleted; delete the stack \(`orchestrator destroy`\), then deploy again",
        ),
        ("UPDATE_ROLLBACK_FAILED", "continue it in the console"),
        ("UPDATE_IN_PROGRESS", "another deployment is under way"),
    ],
)
def test_a_stack_that_cannot_be_changed_now_says_what_to_do(status: str, advice: str) -> None:
    client = SlowCloudFormation([status], [])
    with pytest.raises(DeploymentFailed, match=advice):
        deploy(client)
    assert not client.executed


def test_a_stack_that_was_rolled_back_can_be_changed() -> None:
    client = SlowCloudFormation(["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE"], [])
    deploy(client)
    assert client.executed


def test_a_stack_that_is_as_it_should_be_is_left_alone() -> None:
    reason = "The submitted information didn't contain changes. Submit different information to create a change set."
    client = SlowCloudFormation(["CREATE_COMPLETE"] * 2, [], {"Status": "FAILED", "StatusReason": reason})
    assert deploy(client) == []
    assert not client.executed


def test_a_change_set_that_is_refused_says_why() -> None:
    refused = {"Status": "FAILED", "StatusReason": "Template error: no such resource"}
    with pytest.raises(DeploymentFailed, match="the change set was refused: Template error: no such resource"):
        deploy(SlowCloudFormation(["CREATE_COMPLETE"], [], refused))


def test_a_creation_that_failed_before_is_cleared_away_by_the_next(
    aws: EmbeddedAws, stack: CloudFormationStack, lines: list[str]
) -> None:
    taken = aws.client("sqs").create_queue(QueueName="two")["QueueUrl"]
    with pytest.raises(DeploymentFailed, match=r"ROLLBACK_COMPLETE: CREATE_FAILED two .*already exists"):
        stack.deploy({"Seconds": "60"}, TemplateBody=template("one", "two"))
    assert stack.deployable() is None
    aws.client("sqs").delete_queue(QueueUrl=taken)
    assert stack.deploy({}, TemplateBody=template("one", "two")).status == "CREATE_COMPLETE"
    assert "the creation of orchestrator-dev failed before and was rolled back; its record goes first" in lines


def test_a_change_set_that_was_never_executed_is_in_nobodys_way(aws: EmbeddedAws, stack: CloudFormationStack) -> None:
    aws.client("cloudformation").create_change_set(
        StackName=NAME, ChangeSetName="forgotten", ChangeSetType="CREATE", TemplateBody=template("one")
    )
    assert stack.deployable() is None
    assert stack.deploy({}, TemplateBody=template("one")).status == "CREATE_COMPLETE"

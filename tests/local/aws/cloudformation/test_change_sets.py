"""Change sets that fail: what was made is deleted, what was changed is as before, and the stack says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import ChangeSetTypeType

#: Its name is taken, so it cannot be created.
IN_THE_WAY: dict[str, Any] = {
    "Type": "AWS::SQS::Queue",
    "DependsOn": "Table",
    "Properties": {"QueueName": "taken", "VisibilityTimeout": 7},
}


def table(*, protected: bool, policy: str = "RetainExceptOnCreate") -> dict[str, Any]:
    properties = {
        "TableName": "things",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "DeletionProtectionEnabled": protected,
    }
    return {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": policy, "Properties": properties}


def queue(seconds: int) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "own", "VisibilityTimeout": seconds}}


def execute(aws: EmbeddedAws, kind: ChangeSetTypeType, **resources: Any) -> str:
    """The stack's status after a change set with these resources."""
    client = aws.client("cloudformation")
    body: Any = {"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in resources}}
    made = client.create_change_set(
        StackName="stack", ChangeSetName=f"c{kind}", ChangeSetType=kind, TemplateBody=json.dumps(body)
    )
    client.execute_change_set(ChangeSetName=made["Id"], StackName="stack")
    return str(client.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"])


def tables(aws: EmbeddedAws) -> list[str]:
    return list(aws.client("dynamodb").list_tables()["TableNames"])


def events(aws: EmbeddedAws) -> list[str]:
    """Oldest first, of resources."""
    found = aws.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    return [
        f"{one['ResourceStatus']} {one['LogicalResourceId']}"
        for one in reversed(found)
        if one["LogicalResourceId"] != "stack"
    ]


@pytest.fixture
def taken(aws: EmbeddedAws) -> EmbeddedAws:
    aws.client("sqs").create_queue(QueueName="taken")
    return aws


@pytest.mark.parametrize(
    ("policy", "left"), [("Delete", []), ("RetainExceptOnCreate", []), ("Retain", ["things"])], ids=str
)
def test_a_creation_that_fails_deletes_what_it_made(taken: EmbeddedAws, policy: str, left: list[str]) -> None:
    status = execute(taken, "CREATE", Table=table(protected=False, policy=policy), Queue=IN_THE_WAY)
    assert status == "ROLLBACK_COMPLETE"
    assert tables(taken) == left
    assert events(taken) == ["CREATE_FAILED Queue", f"{'DELETE_SKIPPED' if left else 'DELETE_COMPLETE'} Table"]
    stack = taken.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]
    assert stack.get("Outputs", []) == []


def test_a_stack_whose_creation_was_rolled_back_is_deleted_before_it_is_created_again(taken: EmbeddedAws) -> None:
    execute(taken, "CREATE", Table=table(protected=False), Queue=IN_THE_WAY)
    client = taken.client("cloudformation")
    refusals: tuple[tuple[ChangeSetTypeType, str], ...] = (
        ("UPDATE", "is in ROLLBACK_COMPLETE state and can not be updated"),
        ("CREATE", "already exist"),
    )
    for kind, words in refusals:
        with pytest.raises(ClientError, match=words):
            execute(taken, kind, Table=table(protected=False))
    client.delete_stack(StackName="stack")
    assert execute(taken, "CREATE", Table=table(protected=False)) == "CREATE_COMPLETE"


def test_a_protected_table_outlives_the_rollback_that_should_have_deleted_it(taken: EmbeddedAws) -> None:
    assert execute(taken, "CREATE", Table=table(protected=True), Queue=IN_THE_WAY) == "ROLLBACK_FAILED"
    assert (tables(taken), events(taken)[-1]) == (["things"], "DELETE_FAILED Table")


def test_an_update_that_fails_gives_everything_back(taken: EmbeddedAws) -> None:
    execute(taken, "CREATE", Own=queue(30))
    status = execute(taken, "UPDATE", Own=queue(60), Table=table(protected=False), Queue=IN_THE_WAY)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert tables(taken) == []
    client = taken.client("sqs")
    url = client.get_queue_url(QueueName="own")["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes == {"VisibilityTimeout": "30"}
    listed = taken.client("cloudformation").list_stack_resources(StackName="stack")["StackResourceSummaries"]
    assert [one["LogicalResourceId"] for one in listed] == ["Own"]


def test_an_update_that_fails_loses_a_protected_table(taken: EmbeddedAws) -> None:
    """It is no longer the stack's, so the next update meets a table of its name."""
    execute(taken, "CREATE", Own=queue(30))
    execute(taken, "UPDATE", Own=queue(30), Table=table(protected=True), Queue=IN_THE_WAY)
    assert tables(taken) == ["things"]
    assert execute(taken, "UPDATE", Own=queue(30), Table=table(protected=True)) == "UPDATE_ROLLBACK_COMPLETE"
    last = taken.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    assert any("Table already exists: things" in one.get("ResourceStatusReason", "") for one in last)


def test_a_table_is_protected_by_an_update_and_deleted_by_nobody(aws: EmbeddedAws) -> None:
    execute(aws, "CREATE", Table=table(protected=False))
    assert execute(aws, "UPDATE", Table=table(protected=True)) == "UPDATE_COMPLETE"
    client = aws.client("dynamodb")
    assert client.describe_table(TableName="things")["Table"]["DeletionProtectionEnabled"] is True
    with pytest.raises(ClientError) as caught:
        client.delete_table(TableName="things")
    assert caught.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Resource cannot be deleted as it is currently protected against deletion."
        " Disable deletion protection first.",
    }


def test_what_a_template_no_longer_names_is_deleted_last_or_kept(aws: EmbeddedAws) -> None:
    execute(aws, "CREATE", Own=queue(30), Table=table(protected=False))
    execute(aws, "UPDATE", Other={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "other"}})
    assert tables(aws) == ["things"]
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_stack_that_is_created_at_once_is_rolled_back_as_well(taken: EmbeddedAws) -> None:
    client = taken.client("cloudformation")
    body = {"Resources": {"Table": table(protected=False), "Queue": IN_THE_WAY}}
    client.create_stack(StackName="stack", TemplateBody=json.dumps(body))
    assert client.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert tables(taken) == []

"""moto answers whoever asks: here a role may do what its policies allow, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.iam.roles import Asked
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.roles import Actor, allow, denied

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/things"


def put(actor: Actor, key: str = "a") -> None:
    actor.client("dynamodb").put_item(TableName="things", Item={"id": {"S": key}})


@pytest.fixture
def things(aws: EmbeddedAws) -> EmbeddedAws:
    aws.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    aws.client("s3").create_bucket(Bucket="things")
    return aws


def test_a_role_may_do_what_it_is_allowed(things: EmbeddedAws) -> None:
    put(Actor(things, allow("dynamodb:PutItem", TABLE)))
    assert things.client("dynamodb").scan(TableName="things")["Count"] == 1


@pytest.mark.parametrize(
    "statement",
    [
        allow("dynamodb:GetItem", TABLE),
        allow("dynamodb:PutItem", TABLE + "-others"),
        allow("dynamodb:PutItem", TABLE, Condition={"StringEquals": {"aws:SourceAccount": "1"}}),
    ],
)
def test_another_action_another_resource_or_a_condition_that_does_not_hold_is_not_enough(
    things: EmbeddedAws, statement: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        put(Actor(things, statement))
    assert denied(caught).startswith(
        "User: arn:aws:sts::123456789012:assumed-role/actor/embedded is not authorized to perform: dynamodb:PutItem"
        f" on resource: {TABLE}"
    )
    assert things.client("dynamodb").scan(TableName="things")["Count"] == 0


def test_wildcards_match_and_an_explicit_deny_wins(things: EmbeddedAws) -> None:
    put(Actor(things, allow(["dynamodb:Put*"], [TABLE[:-3] + "*"])))
    things.client("iam").delete_role_policy(RoleName="actor", PolicyName="p")
    things.client("iam").delete_role(RoleName="actor")
    with pytest.raises(ClientError):
        put(Actor(things, allow("*"), {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"}))


def test_a_transaction_needs_the_permission_of_each_of_its_writes(things: EmbeddedAws) -> None:
    actor = Actor(things, allow("dynamodb:PutItem", TABLE))
    writes: list[TransactWriteItemTypeDef] = [{"Put": {"TableName": "things", "Item": {"id": {"S": "a"}}}}]
    actor.client("dynamodb").transact_write_items(TransactItems=writes)
    writes.append({"Delete": {"TableName": "things", "Key": {"id": {"S": "b"}}}})
    with pytest.raises(ClientError) as caught:
        actor.client("dynamodb").transact_write_items(TransactItems=writes)
    assert "dynamodb:DeleteItem" in denied(caught)


def test_metrics_can_be_bound_to_a_namespace(things: EmbeddedAws) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Ours"}}
    client = Actor(things, allow("cloudwatch:PutMetricData", Condition=condition)).client("cloudwatch")
    client.put_metric_data(Namespace="Ours", MetricData=[{"MetricName": "m", "Value": 1}])
    with pytest.raises(ClientError) as caught:
        client.put_metric_data(Namespace="Theirs", MetricData=[{"MetricName": "m", "Value": 1}])
    assert "cloudwatch:PutMetricData" in denied(caught)


def test_objects_can_be_bound_to_a_prefix(things: EmbeddedAws) -> None:
    client = Actor(things, allow(["s3:PutObject", "s3:DeleteObject"], "arn:aws:s3:::things/mine/*")).client("s3")
    client.put_object(Bucket="things", Key="mine/a", Body=b"x")
    things.client("s3").put_object(Bucket="things", Key="yours/a", Body=b"x")
    requests: list[Callable[[], Any]] = [
        lambda: client.put_object(Bucket="things", Key="yours/b", Body=b"x"),
        lambda: client.get_object(Bucket="things", Key="mine/a"),
        lambda: client.delete_objects(Bucket="things", Delete={"Objects": [{"Key": "mine/a"}, {"Key": "yours/a"}]}),
    ]
    for request in requests:
        with pytest.raises(ClientError) as caught:
            request()
        denied(caught)
    left = things.client("s3").list_objects_v2(Bucket="things")["Contents"]
    assert [one["Key"] for one in left] == ["mine/a", "yours/a"]


def test_what_was_asked_for_is_remembered(things: EmbeddedAws) -> None:
    actor = Actor(things, allow("dynamodb:PutItem", TABLE))
    put(actor)
    with pytest.raises(ClientError):
        actor.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:123456789012:news", Message="m")
    publish = Permission(action="sns:Publish", resource="arn:aws:sns:us-east-1:123456789012:news")
    assert roles.used() == {Asked(role="actor", permission=Permission(action="dynamodb:PutItem", resource=TABLE))}
    assert roles.denied() == {Asked(role="actor", permission=publish)}


def test_a_policy_that_changes_counts_from_then_on(things: EmbeddedAws) -> None:
    actor = Actor(things, allow("dynamodb:PutItem", TABLE))
    put(actor)
    things.client("iam").delete_role_policy(RoleName="actor", PolicyName="p")
    with pytest.raises(ClientError):
        put(actor, "b")

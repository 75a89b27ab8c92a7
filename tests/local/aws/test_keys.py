"""moto encrypts nothing: here, what is encrypted with a key is for roles that may use the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import hearing
from tests.testbed.cloudformation import deploy, template
from tests.testbed.roles import Actor, allow, denied

ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": ACCOUNT, "Action": "kms:*", "Resource": "*"}],
}

#: What a role does with something of each kind.
CALLS: dict[str, Callable[[Any], Any]] = {
    "dynamodb": lambda client: client.put_item(TableName="things", Item={"id": {"S": "a"}}),
    "s3": lambda client: client.put_object(Bucket="things", Key="a", Body=b"x"),
    "sns": lambda client: client.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:things", Message="m"),
    "sqs": lambda client: client.send_message(QueueUrl=QUEUE, MessageBody="m"),
}
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/things"
ACTIONS = ["dynamodb:PutItem", "s3:PutObject", "sns:Publish", "sqs:SendMessage"]


@pytest.fixture
def key(aws: EmbeddedAws) -> str:
    """The key of a table, a bucket, a topic and a queue."""
    arn = str(aws.client("kms").create_key(Description="ours")["KeyMetadata"]["Arn"])
    aws.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn},
    )
    aws.client("s3").create_bucket(Bucket="things")
    default: Any = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    aws.client("s3").put_bucket_encryption(
        Bucket="things",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    aws.client("sns").create_topic(Name="things", Attributes={"KmsMasterKeyId": arn})
    aws.client("sqs").create_queue(QueueName="things", Attributes={"KmsMasterKeyId": arn})
    return arn


def through(service: str) -> dict[str, Any]:
    return {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}


@pytest.mark.parametrize("service", CALLS)
def test_who_may_use_the_key_through_the_service_may_use_what_is_encrypted(
    aws: EmbeddedAws, key: str, service: str
) -> None:
    of_key = allow(["kms:Decrypt", "kms:GenerateDataKey"], key, Condition=through(service))
    answer = CALLS[service](Actor(aws, allow(ACTIONS), of_key).client(service))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("service", CALLS)
def test_who_may_not_use_the_key_is_refused(aws: EmbeddedAws, key: str, service: str) -> None:
    with pytest.raises(ClientError) as caught:
        CALLS[service](Actor(aws, allow(ACTIONS)).client(service))
    denied(caught)


def test_it_is_the_key_that_lacks(aws: EmbeddedAws, key: str) -> None:
    actor = Actor(aws, allow(ACTIONS), allow("kms:Decrypt", key, Condition=through("s3")))
    with pytest.raises(ClientError) as caught:
        CALLS["dynamodb"](actor.client("dynamodb"))
    assert f"not authorized to perform: kms:Decrypt on resource: {key}" in denied(caught)


RULE = "arn:aws:events:us-east-1:123456789012:rule/painted"
FOR_EVENTS: dict[str, Any] = {"Principal": {"Service": "events.amazonaws.com"}}

#: Conditions of a statement for EventBridge, and whether it then lets anything through.
CONDITIONS = [
    ({}, True),
    ({"ArnEquals": {"aws:SourceArn": RULE}}, False),
    ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, False),
]


def paint(aws: EmbeddedAws, target: str) -> None:
    """An event that a rule sends to the target."""
    events = aws.client("events")
    events.put_rule(Name="painted", EventPattern=json.dumps({"source": ["paint"]}))
    events.put_targets(Rule="painted", Targets=[{"Id": "target", "Arn": target}])
    answer = events.put_events(Entries=[{"Source": "paint", "DetailType": "painted", "Detail": "{}"}])
    assert answer["FailedEntryCount"] == 0


@pytest.mark.parametrize(("condition", "heard"), CONDITIONS)
def test_a_rule_reaches_an_encrypted_queue_if_the_key_lets_it_without_asking_for_the_source(
    aws: EmbeddedAws, key: str, condition: dict[str, Any], heard: bool
) -> None:
    statement = {**allow(["kms:Decrypt", "kms:GenerateDataKey"]), **FOR_EVENTS}
    policy = json.dumps({**POLICY, "Statement": [*POLICY["Statement"], {**statement, "Condition": condition}]})
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    aws.client("sqs").set_queue_attributes(QueueUrl=QUEUE, Attributes=hearing("things"))
    paint(aws, "arn:aws:sqs:us-east-1:123456789012:things")
    assert bool(aws.client("sqs").receive_message(QueueUrl=QUEUE).get("Messages")) is heard


def test_a_rule_does_not_reach_an_encrypted_queue_if_the_key_does_not_name_eventbridge(
    aws: EmbeddedAws, key: str
) -> None:
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(POLICY))
    aws.client("sqs").set_queue_attributes(QueueUrl=QUEUE, Attributes=hearing("things"))
    paint(aws, "arn:aws:sqs:us-east-1:123456789012:things")
    assert aws.client("sqs").receive_message(QueueUrl=QUEUE).get("Messages", []) == []


@pytest.mark.parametrize(("condition", "heard"), [*CONDITIONS, (None, False)])
def test_a_rule_reaches_a_log_group_if_a_policy_of_the_logs_lets_it(
    aws: EmbeddedAws, condition: dict[str, Any] | None, heard: bool
) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/aws/events/paint")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/paint"
    statement = {**allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:*"), **FOR_EVENTS}
    if condition is not None:
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
        logs.put_resource_policy(policyName="paint", policyDocument=json.dumps(document))
    paint(aws, group)
    assert bool(logs.filter_log_events(logGroupName="/aws/events/paint")["events"]) is heard


def test_what_is_encrypted_with_a_key_of_aws_is_for_whoever_may_use_it(aws: EmbeddedAws) -> None:
    aws.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True},
    )
    CALLS["dynamodb"](Actor(aws, allow(ACTIONS)).client("dynamodb"))
    assert aws.client("dynamodb").scan(TableName="things")["Count"] == 1


def test_a_key_of_a_stack_can_be_changed_and_opens_its_log_groups(aws: EmbeddedAws) -> None:
    def resources(description: str) -> dict[str, Any]:
        key = {"Description": description, "KeyPolicy": POLICY, "EnableKeyRotation": True}
        group = {"LogGroupName": "group", "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}
        return {
            "Key": {"Type": "AWS::KMS::Key", "Properties": key},
            "Group2": {"Type": "AWS::Logs::LogGroup", "Properties": group},
        }

    deploy(aws, "CREATE", template(**resources("old")), "red")
    deploy(aws, "UPDATE", template(**resources("new")), "red")
    client = aws.client("kms")
    (found,) = client.list_keys()["Keys"]
    assert client.describe_key(KeyId=found["KeyId"])["KeyMetadata"]["Description"] == "new"
    text = client.get_key_policy(KeyId=found["KeyId"], PolicyName="default")["Policy"]
    assert json.loads(text) == POLICY
    (group,) = aws.client("logs").describe_log_groups(logGroupNamePrefix="group")["logGroups"]
    assert group["kmsKeyId"] == found["KeyArn"]


def test_a_key_has_the_tags_that_its_template_says_before_an_update_and_after(aws: EmbeddedAws) -> None:
    def tags_of(kind: Any, value: str | None) -> list[Any]:
        tags = [{"Key": "team", "Value": value}] if value else []
        properties = {"Description": "ours", "KeyPolicy": POLICY, "Tags": tags}
        deploy(aws, kind, template(Ours={"Type": "AWS::KMS::Key", "Properties": properties}), "blue")
        client = aws.client("kms")
        (key,) = client.list_keys()["Keys"]
        return list(client.list_resource_tags(KeyId=key["KeyId"])["Tags"])

    assert tags_of("CREATE", "shop") == [{"TagKey": "team", "TagValue": "shop"}]
    assert tags_of("UPDATE", "post") == [{"TagKey": "team", "TagValue": "post"}]

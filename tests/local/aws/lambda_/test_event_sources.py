"""moto takes any answer of a function for a whole batch's: here queues and streams call functions as Lambda does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.queues import drained
from tests.testbed.sources import create

#: It says which records it was called with, and fails at those that tell it to.
HANDLER = """
import json, os
import boto3
def handler(event, context):
    about = [json.loads(record["body"]) if "body" in record else {
        name: next(iter(value.values())) for name, value in record["dynamodb"]["NewImage"].items()
    } for record in event["Records"]]
    ids = [record.get("messageId") or record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps([one["id"] for one in about]))
    if any(one.get("fails") == "all" and not os.path.exists(path(one)) for one in about):
        for one in about:
            open(path(one), "w").close()
        raise ValueError("as it was told to")
    failed = [number for number, one in zip(ids, about) if one.get("fails") == "once" and not os.path.exists(path(one))]
    for one in about:
        open(path(one), "w").close()
    always = [number for number, one in zip(ids, about) if one.get("fails") == "always"]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in [*failed, *always]]}
def path(one):
    return os.path.join(os.environ["LAMBDA_TASK_ROOT"], one["id"])
"""

POLLING = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
]


class Sources:
    """A queue and a table, a function that either can call, and what it says."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.sqs, self.iam = aws.client("sqs"), aws.client("iam")
        self.seen = self.sqs.create_queue(QueueName="seen")["QueueUrl"]
        self.given_up = self.sqs.create_queue(QueueName="given-up")["QueueUrl"]
        self.queue = self.sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        table = aws.client("dynamodb").create_table(
            TableName="work",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.stream = table["TableDescription"]["LatestStreamArn"]
        role = self.iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        self.may(POLLING)
        told = {"Variables": {"SEEN": self.seen}}
        create(aws.client("lambda"), "work", HANDLER, role, Timeout=20, Environment=told)

    def may(self, actions: Sequence[str]) -> None:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=document)

    def map_(self, source: str, **more: Any) -> str:
        made = self.aws.client("lambda").create_event_source_mapping(
            EventSourceArn=source, FunctionName="work", FunctionResponseTypes=["ReportBatchItemFailures"], **more
        )
        return str(made["UUID"])

    def map_queue(self, **more: Any) -> str:
        return self.map_("arn:aws:sqs:us-east-1:123456789012:work", **more)

    def map_stream(self, **more: Any) -> str:
        return self.map_(self.stream, StartingPosition="LATEST", **more)

    def send(self, *bodies: Mapping[str, Any]) -> None:
        entries: Any = [{"Id": str(number), "MessageBody": json.dumps(body)} for number, body in enumerate(bodies)]
        self.sqs.send_message_batch(QueueUrl=self.queue, Entries=entries)

    def put(self, *items: Mapping[str, Any]) -> None:
        for item in items:
            values = {name: {"S": text} for name, text in item.items()}
            self.aws.client("dynamodb").put_item(TableName="work", Item=values)

    def calls(self, until: Callable[[list[list[str]]], bool] = bool) -> list[list[str]]:
        """What the function was called with, when there is nothing left to do and ``until`` holds of it."""
        found: list[list[str]] = []
        deadline = time.monotonic() + 30
        while not until(found):
            assert time.monotonic() < deadline, found
            assert self.aws.event_sources.settled(30)
            found += [json.loads(body) for body in drained(self.sqs, self.seen)]
        return found


@pytest.fixture
def sources(aws: EmbeddedAws) -> Sources:
    return Sources(aws)


def flat(calls: list[list[str]]) -> list[str]:
    return [one for call in calls for one in call]


def many(count: int) -> Callable[[list[list[str]]], bool]:
    return lambda calls: len(flat(calls)) >= count


# --- queues


def test_messages_come_in_batches_and_are_gone_afterwards(sources: Sources) -> None:
    sources.send({"id": "a"}, {"id": "b"}, {"id": "c"})
    sources.map_queue(BatchSize=10)
    assert sorted(flat(sources.calls())) == ["a", "b", "c"]
    assert drained(sources.sqs, sources.queue) == []


def test_of_a_batch_only_the_messages_that_failed_come_again(sources: Sources) -> None:
    sources.send({"id": "a"}, {"id": "b", "fails": "once"})
    sources.map_queue(BatchSize=10)
    assert sources.calls(many(3)) == [["a", "b"], ["b"]]
    assert drained(sources.sqs, sources.queue) == []


def test_all_messages_of_a_call_that_failed_come_again(sources: Sources) -> None:
    sources.send({"id": "a"}, {"id": "b", "fails": "all"})
    sources.map_queue(BatchSize=10)
    assert sources.calls(many(4)) == [["a", "b"], ["a", "b"]]


def test_messages_that_a_filter_does_not_want_are_gone_without_a_call(sources: Sources) -> None:
    sources.send({"id": "a", "kind": "good"}, {"id": "b", "kind": "bad"})
    sources.map_queue(BatchSize=10, FilterCriteria={"Filters": [{"Pattern": '{"body": {"kind": ["good"]}}'}]})
    assert sources.calls() == [["a"]]
    assert drained(sources.sqs, sources.queue) == []


def test_a_mapping_that_is_deleted_or_disabled_takes_nothing(sources: Sources) -> None:
    deleted = sources.map_queue(BatchSize=10)
    sources.aws.client("lambda").delete_event_source_mapping(UUID=deleted)
    sources.map_queue(BatchSize=10, Enabled=False)
    sources.send({"id": "a"})
    assert sources.aws.event_sources.settled(10)
    assert len(drained(sources.sqs, sources.queue)) == 1
    assert drained(sources.sqs, sources.seen) == []


def test_a_role_that_may_not_receive_takes_nothing_until_it_may(sources: Sources) -> None:
    sources.may([action for action in POLLING if action != "sqs:ReceiveMessage"])
    sources.map_queue(BatchSize=10)
    sources.send({"id": "a"})
    time.sleep(0.3)
    assert drained(sources.sqs, sources.seen) == []
    sources.may(POLLING)
    assert sources.calls() == [["a"]]


def test_a_message_that_nobody_has_dealt_with_comes_when_it_is_in_sight_again(sources: Sources) -> None:
    """Its receiver has died, or never got the answer. The clock is this AWS's: an hour passes in a second."""
    with sources.aws.on(VirtualClock(datetime.now(UTC), speed=3600)):
        sources.send({"id": "a"})
        assert sources.sqs.receive_message(QueueUrl=sources.queue, VisibilityTimeout=3600)["Messages"]
        sources.map_queue(BatchSize=10)
        assert sources.calls(many(1)) == [["a"]]


def test_a_message_that_is_delayed_comes_in_time(sources: Sources) -> None:
    clock = VirtualClock(datetime.now(UTC), speed=1000)
    with sources.aws.on(clock):
        sources.map_queue(BatchSize=10)
        begin = clock.now()
        sources.sqs.send_message(QueueUrl=sources.queue, MessageBody='{"id": "a"}', DelaySeconds=600)
        assert sources.calls(many(1)) == [["a"]]
        assert clock.now() - begin >= timedelta(seconds=600)


# --- streams


def test_changes_come_in_their_order(sources: Sources) -> None:
    sources.map_stream(BatchSize=100)
    sources.put(*({"id": str(number)} for number in range(20)))
    assert flat(sources.calls(many(20))) == [str(number) for number in range(20)]


def test_a_change_that_failed_comes_again_before_all_that_came_after_it(sources: Sources) -> None:
    sources.map_stream(BatchSize=100)
    sources.put({"id": "a", "fails": "once"}, {"id": "b"})
    calls = flat(sources.calls(lambda calls: flat(calls)[-2:] == ["a", "b"] and flat(calls).count("a") > 1))
    assert calls.count("a") == 2


DESTINATION = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:given-up"}}


def given_up(sources: Sources) -> list[dict[str, Any]]:
    return [json.loads(body) for body in drained(sources.sqs, sources.given_up)]


def test_a_change_that_always_fails_is_split_off_given_up_and_said_to_be(sources: Sources) -> None:
    """Source: LocalStack's recording of an on-failure destination; "Splitting a batch does not count"."""
    more = {"MaximumRetryAttempts": 2, "BisectBatchOnFunctionError": True}
    sources.map_stream(BatchSize=100, DestinationConfig=DESTINATION, **more)
    sources.put({"id": "a", "fails": "always"}, {"id": "b"})
    calls = sources.calls(lambda calls: "b" in flat(calls) and calls[-1] == ["b"])
    assert calls.count(["a"]) == 3
    (said,) = given_up(sources)
    assert said["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert said["requestContext"]["approximateInvokeCount"] == 3
    assert said["requestContext"]["functionArn"].endswith(":function:work")
    assert said["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    info = said["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, sources.stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]


def test_a_batch_that_is_not_split_is_given_up_as_a_whole(sources: Sources) -> None:
    sources.map_stream(BatchSize=2, MaximumRetryAttempts=1, DestinationConfig=DESTINATION)
    sources.may([action for action in POLLING if action != "dynamodb:GetRecords"])
    sources.put({"id": "a", "fails": "always"}, {"id": "b"})
    sources.may(POLLING)
    sources.put({"id": "c"})
    assert sources.calls(lambda calls: "c" in flat(calls)) == [["a", "b"], ["a", "b"], ["c"]]
    assert [one["DDBStreamBatchInfo"]["batchSize"] for one in given_up(sources)] == [2]


def test_changes_that_no_filter_wants_call_nobody(sources: Sources) -> None:
    patterns = [{"Pattern": json.dumps({"dynamodb": {"NewImage": {"kind": {"S": [kind]}}}})} for kind in ("x", "y")]
    sources.map_stream(BatchSize=100, FilterCriteria={"Filters": patterns})
    sources.put({"id": "a", "kind": "x"}, {"id": "b", "kind": "z"}, {"id": "c", "kind": "y"})
    assert flat(sources.calls(many(2))) == ["a", "c"]

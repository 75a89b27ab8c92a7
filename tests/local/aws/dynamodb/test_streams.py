"""moto tells the changes of a transaction that failed, too: here a change is told once, after it is final."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.server import EmbeddedAws

THEN = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def changes(aws: EmbeddedAws) -> Iterator[list[dict[str, Any]]]:
    """Of the table ``work``, as functions get them."""
    aws.client("dynamodb").create_table(
        TableName="work",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    found: list[dict[str, Any]] = []
    listeners = list(streams._listeners)
    streams.on_change(lambda stream, record: found.append(record))
    yield found
    streams._listeners[:] = listeners


def put(id_: str, condition: str | None = None) -> Any:
    more = {"ConditionExpression": condition} if condition else {}
    return {"TableName": "work", "Item": {"id": {"S": id_}}, **more}


def test_a_change_is_told_with_what_was_before_and_is_now(aws: EmbeddedAws, changes: list[dict[str, Any]]) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(**put("a"))
    dynamodb.update_item(
        TableName="work",
        Key={"id": {"S": "a"}},
        UpdateExpression="SET n = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    dynamodb.delete_item(TableName="work", Key={"id": {"S": "a"}})
    assert [change["eventName"] for change in changes] == ["INSERT", "MODIFY", "REMOVE"]
    assert "OldImage" not in changes[0]["dynamodb"]
    assert changes[1]["dynamodb"]["OldImage"] == {"id": {"S": "a"}}
    assert changes[1]["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "n": {"N": "1"}}
    numbers = [int(change["dynamodb"]["SequenceNumber"]) for change in changes]
    assert numbers == sorted(set(numbers))


def test_the_changes_of_a_transaction_are_told_when_it_has_succeeded(
    aws: EmbeddedAws, changes: list[dict[str, Any]]
) -> None:
    aws.client("dynamodb").transact_write_items(TransactItems=[{"Put": put("a")}, {"Put": put("b")}])
    assert [change["dynamodb"]["Keys"]["id"]["S"] for change in changes] == ["a", "b"]


def test_a_transaction_that_failed_has_changed_nothing(aws: EmbeddedAws, changes: list[dict[str, Any]]) -> None:
    never: Any = {"Put": put("b", "attribute_exists(id)")}
    with pytest.raises(ClientError, match="TransactionCanceled"):
        aws.client("dynamodb").transact_write_items(TransactItems=[{"Put": put("a")}, never])
    assert changes == []


def test_a_change_is_of_the_time_that_the_embedded_aws_lives_in(
    aws: EmbeddedAws, changes: list[dict[str, Any]]
) -> None:
    with aws.on(VirtualClock(THEN, speed=1)):
        aws.client("dynamodb").put_item(**put("a"))
    (change,) = changes
    assert abs(change["dynamodb"]["ApproximateCreationDateTime"] - THEN.timestamp()) < 60


def test_what_changes_nothing_is_no_change(aws: EmbeddedAws, changes: list[dict[str, Any]]) -> None:
    """Source: "Change data capture for DynamoDB Streams"; recorded test_batch_write_items_streaming."""
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(**put("a"))
    dynamodb.put_item(**put("a"))
    dynamodb.batch_write_item(RequestItems={"work": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}]})
    dynamodb.transact_write_items(TransactItems=[{"Put": put("a")}])
    dynamodb.delete_item(TableName="work", Key={"id": {"S": "never there"}})
    assert [change["eventName"] for change in changes] == ["INSERT"]


def test_a_record_has_the_size_of_its_keys_and_images(aws: EmbeddedAws, changes: list[dict[str, Any]]) -> None:
    """Source: recorded test_dynamodb_event_filter: keys, new and old image, names and values, in bytes."""
    aws.client("dynamodb").put_item(**put("abcd"))
    aws.client("dynamodb").put_item(TableName="work", Item={"id": {"S": "abcd"}, "name": {"S": "xy"}})
    assert [change["dynamodb"]["SizeBytes"] for change in changes] == [12, 24]
    assert {change["eventVersion"] for change in changes} == {"1.1"}

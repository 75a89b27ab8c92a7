"""moto copies whole tables for a transaction, takes no lock, and does again what it is sent again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws

Item = dict[str, Any]


@pytest.fixture
def dynamodb(aws: EmbeddedAws) -> Any:
    """A client, and a table ``runs`` with an index by status."""
    client = aws.client("dynamodb")
    client.create_table(
        TableName="runs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("task", "slot", "status")],
        KeySchema=[{"AttributeName": "task", "KeyType": "HASH"}, {"AttributeName": "slot", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "StatusIndex",
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "slot", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    return client


def key(task: str, slot: str = "1") -> Item:
    return {"task": {"S": task}, "slot": {"S": slot}}


def put(task: str, **more: str) -> dict[str, Any]:
    item = {**key(task), **{name: {"S": value} for name, value in more.items()}}
    return {"Put": {"TableName": "runs", "Item": item}}


def add(task: str) -> dict[str, Any]:
    """One more, in a transaction."""
    return {"Update": {"TableName": "runs", "Key": key(task), **ADD}}


ADD = {
    "UpdateExpression": "ADD #n :one",
    "ExpressionAttributeNames": {"#n": "n"},
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}
NEVER = {"ConditionExpression": "attribute_exists(nothing)"}


def read(dynamodb: Any, task: str) -> Item | None:
    item: Item | None = dynamodb.get_item(TableName="runs", Key=key(task)).get("Item")
    return item


def at_once(work: Callable[[int], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, range(times)))


def cancelled(work: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    return str(caught.value.response["Error"]["Message"])


def test_no_update_is_lost(dynamodb: Any) -> None:
    at_once(lambda _: dynamodb.update_item(TableName="runs", Key=key("a"), **ADD), 80)
    assert read(dynamodb, "a") == {**key("a"), "n": {"N": "80"}}


def test_no_transaction_is_lost_or_fails(dynamodb: Any) -> None:
    at_once(lambda n: dynamodb.transact_write_items(TransactItems=[add("a"), put(f"b-{n}")]), 80)
    assert read(dynamodb, "a") == {**key("a"), "n": {"N": "80"}}
    assert dynamodb.scan(TableName="runs")["Count"] == 81


def test_of_many_claims_one_wins(dynamodb: Any) -> None:
    def claim(number: int) -> bool:
        item = {**key("a"), "owner": {"S": str(number)}}
        try:
            dynamodb.put_item(TableName="runs", Item=item, ConditionExpression="attribute_not_exists(task)")
        except ClientError:
            return False
        return True

    won = at_once(claim, 40)
    assert sum(won) == 1
    assert read(dynamodb, "a") == {**key("a"), "owner": {"S": str(won.index(True))}}


def test_a_transaction_that_fails_puts_back_what_it_touched(dynamodb: Any) -> None:
    before = {**key("old"), "status": {"S": "RUNNING"}, "list": {"L": [{"N": "1"}]}}
    dynamodb.put_item(TableName="runs", Item=before)
    change = {
        "TableName": "runs", "Key": key("old"),
        "UpdateExpression": "SET #s = :s, #l = list_append(#l, :l)",
        "ExpressionAttributeNames": {"#s": "status", "#l": "list"},
        "ExpressionAttributeValues": {":s": {"S": "FAILED"}, ":l": {"L": [{"N": "2"}]}},
    }  # fmt: skip
    gone = {"Delete": {"TableName": "runs", "Key": key("gone")}}
    dynamodb.transact_write_items(TransactItems=[put("gone", status="RUNNING")])
    check = {"ConditionCheck": {"TableName": "runs", "Key": key("none"), **NEVER}}
    said = cancelled(
        lambda: dynamodb.transact_write_items(TransactItems=[{"Update": change}, put("new", status="X"), gone, check])
    )
    assert said.endswith("[None, None, None, ConditionalCheckFailed]")
    assert (read(dynamodb, "old"), read(dynamodb, "new")) == (before, None)
    assert read(dynamodb, "gone") == {**key("gone"), "status": {"S": "RUNNING"}}
    assert [found(dynamodb, status) for status in ("RUNNING", "FAILED", "X")] == [["gone", "old"], [], []]


def found(dynamodb: Any, status: str) -> list[str]:
    answer = dynamodb.query(
        TableName="runs", IndexName="StatusIndex", KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "status"}, ExpressionAttributeValues={":s": {"S": status}},
    )  # fmt: skip
    return [item["task"]["S"] for item in answer["Items"]]


def test_a_transaction_that_fails_leaves_what_others_wrote(dynamodb: Any) -> None:
    def work(number: int) -> None:
        if number % 2:
            dynamodb.put_item(TableName="runs", Item=key(f"kept-{number}"))
        else:
            failing = {"Put": {**put("never")["Put"], **NEVER}}
            cancelled(lambda: dynamodb.transact_write_items(TransactItems=[put(f"undone-{number}"), failing]))

    at_once(work, 60)
    tasks = {item["task"]["S"] for item in dynamodb.scan(TableName="runs")["Items"]}
    assert tasks == {f"kept-{number}" for number in range(1, 60, 2)}


def test_a_transaction_that_is_sent_again_is_done_once(dynamodb: Any) -> None:
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add("a")], ClientRequestToken="the-same")
    assert read(dynamodb, "a") == {**key("a"), "n": {"N": "1"}}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[add("b")], ClientRequestToken="the-same")
    assert caught.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    dynamodb.transact_write_items(TransactItems=[add("a")])
    assert read(dynamodb, "a") == {**key("a"), "n": {"N": "2"}}


def test_a_transaction_that_failed_may_be_sent_again(dynamodb: Any) -> None:
    wait = {"ConditionCheck": {"TableName": "runs", "Key": key("a"), "ConditionExpression": "attribute_exists(task)"}}
    send = partial(dynamodb.transact_write_items, TransactItems=[wait, put("b")], ClientRequestToken="the-same")
    cancelled(send)
    dynamodb.put_item(TableName="runs", Item=key("a"))
    send()
    assert read(dynamodb, "b") == key("b")


def test_a_batch_reads_many_at_once(dynamodb: Any) -> None:
    at_once(lambda number: dynamodb.put_item(TableName="runs", Item=key(f"t-{number:02}")), 30)
    keys = [key(f"t-{number:02}") for number in range(25)]
    answer = dynamodb.batch_get_item(RequestItems={"runs": {"Keys": keys}})
    assert sorted(item["task"]["S"] for item in answer["Responses"]["runs"]) == [f"t-{n:02}" for n in range(25)]

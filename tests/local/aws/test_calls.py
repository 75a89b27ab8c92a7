"""What a state asks of DynamoDB takes no way through HTTP, and comes to the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.roles import Actor, allow, denied

KEY = {"id": {"S": "a"}}
VALUES: dict[str, Any] = {
    "text": {"S": "é"},
    "number": {"N": "1.50"},
    "list": {"L": [{"NULL": True}, {"BOOL": False}, {"SS": ["x"]}]},
    "map": {"M": {"inner": {"M": {}}}},
}

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "an item": ("get_item", {"TableName": "t", "Key": KEY}),
    "no item": ("get_item", {"TableName": "t", "Key": {"id": {"S": "b"}}}),
    "an item that is put": ("put_item", {"TableName": "t", "Item": {**KEY, **VALUES}, "ReturnValues": "ALL_OLD"}),
    "bytes": ("put_item", {"TableName": "t", "Item": {"id": {"S": "c"}, "bytes": {"B": b"\x00"}}}),
    "an update": (
        "update_item",
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    "several items": ("batch_get_item", {"RequestItems": {"t": {"Keys": [KEY]}}}),
    "a transaction": ("transact_write_items", {"TransactItems": [{"Delete": {"TableName": "t", "Key": KEY}}]}),
    "a condition that does not hold": (
        "delete_item",
        {"TableName": "t", "Key": KEY, "ConditionExpression": "attribute_not_exists(id)"},
    ),
    "a transaction that is cancelled": (
        "transact_write_items",
        {
            "TransactItems": [
                {
                    "ConditionCheck": {
                        "TableName": "t",
                        "Key": KEY,
                        "ConditionExpression": "attribute_not_exists(id)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                }
            ]
        },
    ),
    "a table that is not there": ("get_item", {"TableName": "nowhere", "Key": KEY}),
    "a value that is not used": (
        "update_item",
        {
            "TableName": "t",
            "Key": KEY,
            "UpdateExpression": "SET n = :n",
            "ExpressionAttributeValues": {":m": {"N": "1"}},
        },
    ),
    "a number that is none": ("put_item", {"TableName": "t", "Item": {**KEY, "n": {"N": "1e999"}}}),
}


@pytest.fixture
def table(aws: EmbeddedAws) -> Callable[[], None]:
    """Fills the table ``t`` anew."""

    def fill() -> None:
        client = aws.client("dynamodb")
        if "t" in client.list_tables()["TableNames"]:
            client.delete_table(TableName="t")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        client.put_item(TableName="t", Item={**KEY, **VALUES})

    return fill


def outcome(client: Any, action: str, asked: dict[str, Any]) -> Any:
    """The answer, or the error, without what names the request."""
    try:
        answer = getattr(client, action)(**asked)
    except ClientError as fault:
        answer = cast(dict[str, Any], fault.response)
        answer["kind"] = type(fault).__name__
    about = answer.pop("ResponseMetadata")
    assert about["RequestId"]
    return answer | {"status": about["HTTPStatusCode"]}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_is_what_a_client_outside_gets(aws: EmbeddedAws, table: Callable[[], None], name: str) -> None:
    action, asked = REQUESTS[name]
    table()
    outside = outcome(aws.client("dynamodb"), action, asked)
    after = aws.client("dynamodb").scan(TableName="t")["Items"]
    table()
    inside = outcome(aws.clients.get("dynamodb", aws.region, ""), action, asked)
    assert inside == outside
    assert aws.client("dynamodb").scan(TableName="t")["Items"] == after


def test_it_goes_the_short_way(aws: EmbeddedAws, table: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    table()
    client = aws.clients.get("dynamodb", aws.region, "")
    monkeypatch.setattr(client, "_make_request", lambda *_: pytest.fail("it was sent"))
    assert client.get_item(TableName="t", Key=KEY)["Item"]["text"] == {"S": "é"}


def test_what_is_asked_and_answered_is_no_part_of_the_table(aws: EmbeddedAws, table: Callable[[], None]) -> None:
    table()
    client = aws.clients.get("dynamodb", aws.region, "")
    asked: dict[str, Any] = {**KEY, "map": {"M": {"n": {"N": "1"}}}}
    client.put_item(TableName="t", Item=asked)
    asked["map"]["M"]["n"]["N"] = "2"
    answered = client.get_item(TableName="t", Key=KEY)["Item"]
    answered["map"]["M"]["n"]["N"] = "3"
    assert client.get_item(TableName="t", Key=KEY)["Item"]["map"] == {"M": {"n": {"N": "1"}}}


def test_a_role_may_do_what_its_policies_say(aws: EmbeddedAws, table: Callable[[], None]) -> None:
    table()
    client = Actor(aws, allow("dynamodb:GetItem")).client("dynamodb")
    assert client.get_item(TableName="t", Key=KEY)["Item"]["id"] == {"S": "a"}
    with pytest.raises(ClientError) as caught:
        client.delete_item(TableName="t", Key=KEY)
    assert "dynamodb:DeleteItem" in denied(caught)

"""What is asked of DynamoDB takes a short way, by HTTP and by a state, and comes to the same."""

from __future__ import annotations

import http.client
import json
import zlib
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from flask import Flask

from orchestrator.local.aws.environment import REGION
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


@pytest.fixture
def long_way(aws: EmbeddedAws) -> Any:
    """A client whose requests are unusual, so that they go through all of moto."""
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=aws.endpoint,
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
    )

    def unusual(request: Any, **_: Any) -> None:
        request.headers["Content-Encoding"] = "identity"

    client.meta.events.register("before-send", unusual)
    return client


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_is_that_of_the_long_way(
    aws: EmbeddedAws, table: Callable[[], None], long_way: Any, name: str
) -> None:
    action, asked = REQUESTS[name]
    table()
    expected = outcome(long_way, action, asked)
    after = long_way.scan(TableName="t")["Items"]
    for client in (aws.client("dynamodb"), aws.clients.get("dynamodb", aws.region, "")):
        table()
        assert outcome(client, action, asked) == expected
        assert long_way.scan(TableName="t")["Items"] == after


HEADERS = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential=embedded/20261125/{REGION}/dynamodb/aws4_request, Signature=none",
    "Content-Type": "application/x-amz-json-1.0",
}


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("GetItem", '{"TableName": "t", "Key": {"id": {"S": "a"}}}'),
        ("GetItem", '{"TableName": "t", "Key": {"id": {"S": "a"}}, "Unknown": 1, "ProjectionExpression": null}'),
        ("GetItem", '{"TableName": "t", "Key": {"id": {"N": 1}}}'),
        ("GetItem", '{"TableName": "t", "Key": ["id"]}'),
        ("GetItem", "[]"),
        ("GetItem", "{"),
        ("GetItem", ""),
        ("Scan", '{"TableName": "t", "Limit": "1"}'),
        ("Scan", '{"TableName": "t", "Limit": 1, "ReturnConsumedCapacity": "TOTAL"}'),
        ("Nothing", "{}"),
    ],
)
def test_status_headers_and_body_are_those_of_the_long_way(
    aws: EmbeddedAws, table: Callable[[], None], action: str, body: str
) -> None:
    table()

    def answer(**more: str) -> tuple[int, dict[str, str], object]:
        host = aws.endpoint.removeprefix("http://")
        connection = http.client.HTTPConnection(host)
        with closing(connection):
            target = {"X-Amz-Target": f"DynamoDB_20120810.{action}"}
            connection.request("POST", "/", body, {**HEADERS, **target, **more})
            given = connection.getresponse()
            headers = {name.lower(): value for name, value in given.getheaders()}
            assert headers.pop("x-amzn-requestid", "") or given.status >= 400
            headers.pop("date")
            text = given.read()
            if zlib.crc32(text) == int(headers.get("x-amz-crc32", 0)):
                # Members have no order.
                del headers["x-amz-crc32"]
            return given.status, headers, json.loads(text)

    assert answer() == answer(**{"Content-Encoding": "identity"})


def test_requests_by_http_go_the_short_way(
    aws: EmbeddedAws, table: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    table()
    monkeypatch.setattr(Flask, "wsgi_app", lambda *_: pytest.fail("Flask was asked"))
    values = {":id": KEY["id"]}
    request: Any = {"TableName": "t", "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": values}
    assert aws.client("dynamodb").query(**request)["Items"] == [{**KEY, **VALUES}]
    assert aws.client("dynamodb").scan(TableName="t", ConsistentRead=True)["Items"] == [{**KEY, **VALUES}]


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

"""What DynamoDB refuses before it looks at any item: AWS's codes and sentences, each with its source."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.dynamodb.parameters import reserved, unused
from orchestrator.local.aws.server import EmbeddedAws


@pytest.fixture
def table(aws: EmbeddedAws) -> Any:
    client = aws.client("dynamodb")
    client.create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    client.put_item(TableName="things", Item={"id": {"S": "there"}, "text": {"S": "a"}})
    return client


def put(**more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "things", "Item": {"id": {"S": "new"}}, **more}}


def update(expression: str, value: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "things",
            "Key": {"id": {"S": "there"}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": {":v": value},
        }
    }


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("shard = :shard AND nextRun <= :now", "shard"),
        ("id = :id AND #day BETWEEN :first AND :last", None),
        ("id = :id and begins_with(Name, :name)", "Name"),
        ("size = :size", "size"),
        ("id, text, design.until", "text"),
        ("id, design.until", "until"),
        ("id, #a.#size[0], owners", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("kind", ["KeyConditionExpression", "ProjectionExpression"])
def test_a_reserved_word_is_no_name_of_an_expression(kind: str, expression: str | None, word: str | None) -> None:
    said = f"Invalid {kind}: Attribute name is a reserved keyword; reserved keyword: {word}"
    assert reserved({kind: expression}) == (said if word else None)


def test_a_query_by_a_reserved_word_is_refused(table: Any) -> None:
    with pytest.raises(ClientError, match=r"Invalid KeyConditionExpression: .* reserved keyword: text"):
        table.query(
            TableName="things",
            KeyConditionExpression="id = :id AND text = :id",
            ExpressionAttributeValues={":id": {"S": "there"}},
        )


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ({}, None),
        (
            {
                "ConditionExpression": "#a = :b",
                "ExpressionAttributeNames": {"#a": "x"},
                "ExpressionAttributeValues": {":b": 1},
            },
            None,
        ),
        (
            {"ExpressionAttributeValues": {":b": 1}},
            "ExpressionAttributeValues can only be specified when using expressions",
        ),
        (
            {"UpdateExpression": "SET a = :bc", "ExpressionAttributeValues": {":bc": 1, ":b": 1}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        (
            {"FilterExpression": "#a = :b", "ExpressionAttributeNames": {"#a": "a", "#c": "c"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#c}",
        ),
    ],
)
def test_every_name_and_value_must_be_used(operation: Any, problem: str | None) -> None:
    """Source: aws-sdk-js#1883 and others: DynamoDB's ValidationException."""
    assert unused(operation) == problem


REFUSED: Any = [
    # "Limits and quotas in DynamoDB": numbers.
    (
        lambda client: client.put_item(TableName="things", Item={"id": {"S": "n"}, "n": {"N": "1" * 39}}),
        "Attempting to store more than 38 significant digits in a Number",
    ),
    (
        lambda client: client.put_item(TableName="things", Item={"id": {"S": "n"}, "n": {"N": "1E+126"}}),
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    ),
    # "Limits and quotas in DynamoDB": item size, 400 KB.
    (
        lambda client: client.put_item(TableName="things", Item={"id": {"S": "n"}, "b": {"B": b"x" * 410_000}}),
        "Item size has exceeded the maximum allowed size",
    ),
    # TransactWriteItems: ClientRequestToken, TransactItems.
    (
        lambda client: client.transact_write_items(TransactItems=[put()], ClientRequestToken="x" * 37),
        "Member must have length less than or equal to 36",
    ),
    (
        lambda client: client.transact_write_items(TransactItems=[put()] * 101),
        "Member must have length less than or equal to 100",
    ),
    (
        lambda client: client.transact_write_items(TransactItems=[put(), put()]),
        "Transaction request cannot include multiple operations on one item",
    ),
    (
        lambda client: client.transact_write_items(
            TransactItems=[put(Item={"id": {"S": str(n)}, "t": {"S": "x" * 390_000}}) for n in range(11)]
        ),
        "exceeds 4 MB",
    ),
    (
        lambda client: client.transact_write_items(
            TransactItems=[
                put(ConditionExpression="attribute_exists(id)", ExpressionAttributeValues={":v": {"S": "a"}})
            ]
        ),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}",
    ),
]


@pytest.mark.parametrize(("request_", "said"), REFUSED)
def test_what_is_refused(table: Any, request_: Any, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        request_(table)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert said in refused.value.response["Error"]["Message"]
    assert table.scan(TableName="things")["Count"] == 1


def test_a_number_of_38_digits_is_taken(table: Any) -> None:
    table.put_item(TableName="things", Item={"id": {"S": "n"}, "n": {"N": "9" * 38 + "0000"}})


TRANSACTIONS: Any = [
    # TransactWriteItems: what is wrong whatever the item is, is no cancellation.
    (
        [update("SET id = :v", {"S": "other"})],
        "ValidationException",
        None,
    ),
    # "Cancellation reasons": Validation Error.
    (
        [put(), update("ADD label :v", {"N": "1"})],
        "TransactionCanceledException",
        [
            {"Code": "None"},
            {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"},
        ],
    ),
    (
        [put(Item={"other": {"S": "a"}})],
        "TransactionCanceledException",
        [
            {
                "Code": "ValidationError",
                "Message": "One or more parameter values were invalid: Missing the key id in the item",
            }
        ],
    ),
    # "Cancellation reasons": Conditional Check Failed, and the item where ReturnValuesOnConditionCheckFailure asks.
    (
        [
            put(),
            put(
                Item={"id": {"S": "there"}},
                ConditionExpression="attribute_not_exists(id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        ],
        "TransactionCanceledException",
        [
            {"Code": "None"},
            {
                "Code": "ConditionalCheckFailed",
                "Message": "The conditional request failed",
                "Item": {"id": {"S": "there"}, "label": {"S": "a"}},
            },
        ],
    ),
]


@pytest.mark.parametrize(("items", "code", "reasons"), TRANSACTIONS)
def test_why_a_transaction_is_cancelled(table: Any, items: Any, code: str, reasons: Any) -> None:
    before = {"id": {"S": "there"}, "label": {"S": "a"}}
    table.put_item(TableName="things", Item=before)
    with pytest.raises(ClientError) as cancelled:
        table.transact_write_items(TransactItems=items)
    answer = cancelled.value.response
    assert answer["Error"]["Code"] == code
    if reasons:
        codes = ", ".join(reason["Code"] for reason in reasons)
        assert answer["Error"]["Message"] == (
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        )
        assert answer["CancellationReasons"] == reasons
    assert table.scan(TableName="things")["Items"] == [before]


def test_a_binary_value_that_is_no_base64_is_no_500(aws: EmbeddedAws, table: Any) -> None:
    item = {"id": {"S": "b"}, "map": {"M": {"b": {"B": "abc"}}}}
    request = urllib.request.Request(
        aws.endpoint,
        data=json.dumps({"TableName": "things", "Item": item}).encode(),
        headers={
            "X-Amz-Target": "DynamoDB_20120810.PutItem",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, Signature=x",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 400
        assert json.load(answer)["__type"].endswith("#SerializationException")


def test_binary_values_are_kept(table: Any) -> None:
    item = {"id": {"S": "b"}, "b": {"B": b"\x00\xff"}, "set": {"BS": [b"1", b"2"]}, "list": {"L": [{"B": b"q"}]}}
    table.put_item(TableName="things", Item=item)
    assert table.get_item(TableName="things", Key={"id": {"S": "b"}})["Item"] == item


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_consumed_is_told_on_demand(table: Any, asked: bool) -> None:
    """Source: UpdateItem and TransactWriteItems, ReturnConsumedCapacity: "NONE is the default"."""
    more: Any = {"ReturnConsumedCapacity": "TOTAL"} if asked else {}
    answers = [
        table.update_item(
            TableName="things", Key={"id": {"S": "u"}}, UpdateExpression="SET a = :a",
            ExpressionAttributeValues={":a": {"S": "x"}}, **more,
        ),
        table.transact_write_items(TransactItems=[put()], **more),
    ]  # fmt: skip
    assert [("ConsumedCapacity" in answer) for answer in answers] == [asked, asked]


def test_a_binary_value_may_be_in_a_transaction(table: Any) -> None:
    """Source: recorded test_transaction_write_binary_data."""
    table.transact_write_items(
        TransactItems=[put(Item={"id": {"S": "b"}, "data": {"B": b"foo"}})], ClientRequestToken="t"
    )
    assert table.get_item(TableName="things", Key={"id": {"S": "b"}})["Item"]["data"] == {"B": b"foo"}


def test_a_condition_that_failed_gives_the_item_if_it_is_asked_for(table: Any) -> None:
    """Source: recorded test_return_values_on_conditions_check_failure."""
    with pytest.raises(ClientError) as failed:
        table.put_item(
            TableName="things",
            Item={"id": {"S": "there"}},
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    answer: Any = failed.value.response
    assert answer["Error"] == {"Code": "ConditionalCheckFailedException", "Message": "The conditional request failed"}
    assert answer["Item"] == {"id": {"S": "there"}, "text": {"S": "a"}}


OF_BATCHES: Any = [
    # recorded test_batch_write_not_matching_schema
    (
        lambda client: client.batch_write_item(
            RequestItems={"things": [{"PutRequest": {"Item": {"other": {"S": "a"}}}}]}
        ),
        "ValidationException",
        "The provided key element does not match the schema",
    ),
    # recorded test_batch_write_not_existing_table
    (
        lambda client: client.transact_write_items(
            TransactItems=[{"Put": {"TableName": "none", "Item": {"id": {"S": "a"}}}}]
        ),
        "ResourceNotFoundException",
        "Requested resource not found",
    ),
    # TransactWriteItems, IdempotentParameterMismatchException
    (
        lambda client: [
            client.transact_write_items(TransactItems=[put(Item={"id": {"S": name}})], ClientRequestToken="t")
            for name in "ab"
        ],
        "IdempotentParameterMismatchException",
        "",
    ),
]


@pytest.mark.parametrize(("ask", "code", "said"), OF_BATCHES)
def test_what_is_refused_of_several_items(table: Any, ask: Any, code: str, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(table)
    error = refused.value.response["Error"]
    assert error["Code"] == code
    assert said in error["Message"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_batch_tells_what_was_consumed_on_demand(table: Any, asked: bool) -> None:
    """Source: recorded test_batch_write_items, test_dynamodb_get_batch_items."""
    more: Any = {"ReturnConsumedCapacity": "TOTAL"} if asked else {}
    written = table.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}]}, **more)
    read = table.batch_get_item(RequestItems={"things": {"Keys": [{"id": {"S": "a"}}]}}, **more)
    assert ["ConsumedCapacity" in answer for answer in (written, read)] == [asked, asked]

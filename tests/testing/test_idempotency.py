"""A handler that may be killed anywhere and run again passes; one that may not is told which of its writes doubles."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing import assert_idempotent, event
from orchestrator.testing.invocation import Handler

TABLE: dict[str, Any] = {
    "TableName": "Accounts",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}

Clients = Callable[[str], Any]


@pytest.fixture
def clients(aws: EmbeddedAws) -> Clients:
    """Of a handler: it knows nothing of the test."""
    session = boto3.Session(aws_access_key_id="embedded", aws_secret_access_key="embedded", region_name=aws.region)
    aws.client("dynamodb").create_table(**TABLE)
    aws.client("dynamodb").put_item(TableName="Accounts", Item={"id": {"S": "a"}, "amount": {"N": "1"}})
    aws.client("s3").create_bucket(Bucket="reports")
    aws.client("sqs").create_queue(QueueName="letters")
    aws.client("ses").verify_email_identity(EmailAddress="us@example.com")
    return cache(lambda service: session.client(service, endpoint_url=aws.endpoint))


def add(clients: Clients, **condition: Any) -> None:
    clients("dynamodb").update_item(
        TableName="Accounts",
        Key={"id": {"S": "a"}},
        UpdateExpression="SET seen = :run ADD amount :one",
        ExpressionAttributeValues={":one": {"N": "1"}, ":run": {"S": "my-task#1"}},
        **condition,
    )


def put(clients: Clients, key: str, body: str = "x") -> None:
    clients("s3").put_object(Bucket="reports", Key=key, Body=body.encode())


def careful(clients: Clients) -> Handler:
    """A counter that knows which run it has seen, and an object of a name that follows from the slot."""

    def handler(given: Any, context: Any) -> None:
        with suppress(clients("dynamodb").exceptions.ConditionalCheckFailedException):
            add(clients, ConditionExpression="attribute_not_exists(seen) OR seen <> :run")
        put(clients, f"{given['slot']}.csv")

    return handler


def naive(clients: Clients) -> Handler:
    def handler(given: Any, context: Any) -> None:
        put(clients, "report.csv")
        add(clients)

    return handler


def test_a_handler_that_may_be_run_again_passes(aws: EmbeddedAws, clients: Clients) -> None:
    assert assert_idempotent(careful(clients), event(), aws=aws) == 2


def test_a_counter_that_is_added_to_is_named(aws: EmbeddedAws, clients: Clients) -> None:
    with pytest.raises(AssertionError) as said:
        assert_idempotent(naive(clients), aws=aws)
    assert str(said.value) == (
        "not idempotent: killed after write 2 of 2, dynamodb:UpdateItem Accounts a, and run again, the handler leaves\n"
        "  dynamodb Accounts a: amount is 3 instead of 2"
    )


@pytest.mark.parametrize(
    ("service", "call", "said"),
    [
        (
            "sqs",
            lambda sqs: sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="letters")["QueueUrl"], MessageBody="hi"),
            'sqs letters "hi": 2 instead of 1',
        ),
        (
            "ses",
            lambda ses: ses.send_email(
                Source="us@example.com",
                Destination={"ToAddresses": ["ann@example.com"]},
                Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            ),
            "ses mail to ann@example.com: 2 instead of 1",
        ),
        (
            "s3",
            lambda s3: s3.put_object(Bucket="reports", Key=f"{uuid.uuid4()}.csv", Body=b""),
            "s3 reports: 2 instead of 1",
        ),
    ],
)
def test_what_is_sent_or_made_twice_is_named(
    aws: EmbeddedAws, clients: Clients, service: str, call: Callable[[Any], object], said: str
) -> None:
    def handler(given: Any, context: Any) -> None:
        call(clients(service))

    with pytest.raises(AssertionError, match="after write 1 of 1") as fault:
        assert_idempotent(handler, aws=aws)
    assert said in str(fault.value)


def test_a_handler_that_cannot_be_run_again_says_why(aws: EmbeddedAws, clients: Clients) -> None:
    def handler(given: Any, context: Any) -> None:
        add(clients, ConditionExpression="attribute_not_exists(seen)")
        put(clients, "x")

    with pytest.raises(AssertionError, match=r"after write 1 of 2.* and run again, the handler raises \w*Conditional"):
        assert_idempotent(handler, aws=aws)


def test_when_something_was_done_may_differ(aws: EmbeddedAws, clients: Clients) -> None:
    def handler(given: Any, context: Any) -> None:
        now = {"S": datetime.now(UTC).isoformat()}
        clients("dynamodb").put_item(TableName="Accounts", Item={"id": {"S": "b"}, "at": now})

    assert assert_idempotent(handler, aws=aws) == 1


def test_what_a_pattern_ignores_may_be_there_twice(aws: EmbeddedAws, clients: Clients) -> None:
    assert assert_idempotent(naive(clients), aws=aws, ignore=["dynamodb Accounts *"]) == 2


def test_a_handler_begins_each_time_with_what_was_there(aws: EmbeddedAws, clients: Clients) -> None:
    assert_idempotent(careful(clients), aws=aws)
    item = aws.client("dynamodb").get_item(TableName="Accounts", Key={"id": {"S": "a"}})["Item"]
    assert item["amount"] == {"N": "2"}

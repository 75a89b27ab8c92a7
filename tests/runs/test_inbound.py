"""What requests and messages become on the bus."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.runs.inbound import of_message, of_request, value_of
from orchestrator.tasks.inbound import Scheme

NOW = datetime(2026, 12, 1, 8, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1.5, null]}', {"a": [1.5, None]}),
        (b"", ""),
        (b"plain", "plain"),
        (b"7", 7),
        ("ü".encode(), "ü"),
        (b"\xff", "/w=="),
        (b"NaN", "NaN"),
        (b'"\\ud800"', '"\\ud800"'),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_body_is_what_json_says_or_else_a_text(body: bytes, value: Any) -> None:
    assert value_of(body) == value


def test_what_signs_a_request_or_names_its_sender_is_not_in_the_event() -> None:
    headers = {
        "x-hub-signature-256": "s",
        "x-github-event": "push",
        "authorization": "a",
        "cookie": "c",
        "x-forwarded-for": "1.2.3.4",
        "x-amzn-trace-id": "t",
    }
    arrival = of_request(
        "shop-dev", "deploy/github", Scheme.GITHUB, id_="a1", headers=headers, body=b'{"ref": "main"}', at=NOW
    )
    assert arrival.detail == {
        "stack": "shop-dev",
        "webhook": "deploy/github",
        "id": "a1",
        "headers": {"x-github-event": "push"},
        "body": {"ref": "main"},
    }
    entry = arrival.to_entry("default")
    assert json.loads(entry["Detail"]) == arrival.detail
    assert (entry["Time"], entry["DetailType"]) == (NOW, "Webhook Received")
    assert arrival.to_event()["time"] == "2026-12-01T08:00:00Z"


def test_a_message_has_the_moment_at_which_it_was_sent() -> None:
    arrival = of_message(
        "shop-dev",
        {
            "messageId": "m1",
            "body": '{"a": 1}',
            "attributes": {"SentTimestamp": str(int(NOW.timestamp() * 1000)), "ApproximateReceiveCount": "3"},
            "messageAttributes": {"kind": {"stringValue": "order"}, "picture": {"binaryValue": "x"}},
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders",
        },
    )
    assert arrival.at == NOW
    assert arrival.detail == {
        "stack": "shop-dev",
        "queue": "arn:aws:sqs:us-east-1:123456789012:orders",
        "id": "m1",
        "attributes": {"kind": "order"},
        "body": {"a": 1},
    }

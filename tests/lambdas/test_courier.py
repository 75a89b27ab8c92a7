"""The courier by itself: what it does with answers, and with messages that several want."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.system import courier
from orchestrator.errors import WebhookRefused, WebhookUnavailable
from orchestrator.handlers.invocation import client
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Destination, Format, Kind
from orchestrator.stack import Stack
from orchestrator.stores.subscriptions import Destinations, Recorded
from orchestrator.testing.invocation import Context
from tests.testbed.listener import Listener, listening
from tests.testbed.queues import drained

STACK = Stack()
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orchestrator-dev-Courier"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def told(environment: object, aws: EmbeddedAws, listener: Listener) -> Iterator[Callable[..., list[str]]]:
    """Declares webhooks at these paths; hands them a message; which of the batch's messages come again."""
    environment.setattr(courier, "_DELAYS", ())  # type: ignore[attr-defined] # pytest's MonkeyPatch
    courier._url.cache_clear()
    for name in (STACK.courier_queue, STACK.handler_failures):
        aws.client("sqs").create_queue(QueueName=name)
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    aws.client("kms").create_alias(AliasName=f"alias/{STACK.name}", TargetKeyId=key)

    def tell(*paths: str, body: Any = None) -> list[str]:
        for path in paths:
            hook = Destination(kind=Kind.WEBHOOK, address=f"{listener.url}{path}", format=Format.JSON)
            Destinations(aws.client("ssm"), STACK).put(Recorded(destination=hook))
        envelope = {
            "MessageId": "m",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:orchestrator-dev-Alerts",
            "Message": "hello",
            "Timestamp": "2026-12-01T00:00:00.000Z",
        }
        record = {"messageId": "1", "eventSourceARN": QUEUE, "body": json.dumps(body or envelope)}
        answer = courier.handler({"Records": [{**record, "eventSource": "aws:sqs"}]}, Context())  # type: ignore[arg-type] # stands in for Lambda's
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]

    yield tell
    courier._url.cache_clear()


def waiting(aws: EmbeddedAws, queue: str) -> list[Any]:
    sqs = aws.client("sqs")
    return [json.loads(body) for body in drained(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"])]


# --- answers


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_three_times(listener: Listener, slept: list[float], status: int) -> None:
    listener.answers["/busy"].extend([status, status, 204])
    before = len(listener.heard["/busy"])
    courier.deliver(f"{listener.url}/busy", b"{}", slept.append)
    assert len(listener.heard["/busy"]) - before == 3
    assert slept == [1.0, 3.0]


def test_what_does_not_pass_is_for_the_queue_to_bring_again(listener: Listener, slept: list[float]) -> None:
    listener.answers["/down"].extend([503] * 3)
    with pytest.raises(WebhookUnavailable, match="it answers 503"):
        courier.deliver(f"{listener.url}/down", b"{}", slept.append)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410])
def test_what_would_be_refused_again_is_not_tried_again(listener: Listener, slept: list[float], status: int) -> None:
    listener.answers["/gone"].append(status)
    with pytest.raises(WebhookRefused, match=f"it answers {status}"):
        courier.deliver(f"{listener.url}/gone", b"{}", slept.append)
    assert slept == []
    assert listener.heard["/elsewhere"] == []


def test_where_nobody_listens_the_error_does_not_say_where_that_is(slept: list[float]) -> None:
    with pytest.raises(WebhookUnavailable) as fault:
        courier.deliver("http://127.0.0.1:1/secret", b"{}", slept.append)
    assert "ConnectionRefusedError" in str(fault.value)
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize("url", ["http://example.com/secret", "file:///etc/passwd", "", "secret", "ftp://127.0.0.1/"])
def test_a_url_that_is_not_https_is_refused_without_a_request(slept: list[float], url: str) -> None:
    with pytest.raises(WebhookRefused, match="https") as fault:
        courier.deliver(url, b"{}", slept.append)
    assert "secret" not in str(fault.value)


# --- messages


def test_what_one_webhook_wants_is_taken_there(told: Callable[..., list[str]], listener: Listener) -> None:
    assert told("/one") == []
    assert [one["text"] for one in listener.heard["/one"]] == ["hello"]


def test_what_several_want_is_put_back_once_for_each(
    told: Callable[..., list[str]], aws: EmbeddedAws, listener: Listener
) -> None:
    assert told("/first", "/second") == []
    assert listener.heard["/first"] == listener.heard["/second"] == []
    for message in waiting(aws, STACK.courier_queue):
        assert told(body=message) == []
    assert [len(listener.heard[path]) for path in ("/first", "/second")] == [1, 1]


def test_what_one_of_them_does_not_take_comes_again_for_that_one_alone(
    told: Callable[..., list[str]], aws: EmbeddedAws, listener: Listener
) -> None:
    listener.answers["/down-now"].append(503)
    told("/up", "/down-now")
    again = [message for message in waiting(aws, STACK.courier_queue) if told(body=message)]
    assert len(again) == 1
    assert told(body=again[0]) == []
    assert [len(listener.heard[path]) for path in ("/up", "/down-now")] == [1, 2]


def test_what_is_refused_is_kept(told: Callable[..., list[str]], aws: EmbeddedAws, listener: Listener) -> None:
    listener.answers["/refuses"].append(410)
    assert told("/refuses") == []
    (kept,) = waiting(aws, STACK.handler_failures)
    assert kept["notification"]["Message"] == "hello"
    assert "/refuses" not in json.dumps(kept)


def test_a_secret_that_is_not_there_is_waited_for(told: Callable[..., list[str]]) -> None:
    hook = Destination(kind=Kind.WEBHOOK, address="ssm:not-there", format=Format.JSON)
    Destinations(client("ssm"), STACK).put(Recorded(destination=hook))
    assert told() == ["1"]


def test_a_message_for_a_webhook_that_is_declared_no_more_is_dropped(told: Callable[..., list[str]]) -> None:
    assert told(body={"for": "webhook-gone", "notification": {}}) == []


@pytest.mark.parametrize("junk", ["junk", "[]", "{}", '{"kind": "pigeon"}', "7"])
def test_a_parameter_of_somebody_elses_making_keeps_nobody_from_being_told(
    told: Callable[..., list[str]], aws: EmbeddedAws, listener: Listener, junk: str
) -> None:
    before = len(listener.heard["/told"])
    aws.client("ssm").put_parameter(Name=f"{STACK.destinations_path}/junk", Value=junk, Type="String")
    assert told("/told") == []
    assert len(listener.heard["/told"]) == before + 1


def test_what_nobody_wants_is_done_with(told: Callable[..., list[str]], aws: EmbeddedAws) -> None:
    assert told() == []
    assert waiting(aws, STACK.courier_queue) == waiting(aws, STACK.handler_failures) == []

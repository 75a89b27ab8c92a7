"""What a state asks of a function takes no way through HTTP, and comes to the same."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.roles import Actor, allow, denied
from tests.testbed.sources import create

CODE = """
def handler(event, context):
    if event.get("fails"): raise ValueError(event["fails"])
    return {"had": event, "who": context.invoked_function_arn}
"""

EVENTS: dict[str, dict[str, Any]] = {
    "an event": {"FunctionName": "f", "Payload": json.dumps({"a": "é"})},
    "bytes": {"FunctionName": "f", "Payload": b"{}"},
    "an error": {"FunctionName": "f", "Payload": json.dumps({"fails": "no such colour"})},
    "no JSON": {"FunctionName": "f", "Payload": "{"},
    "an ARN": {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:f", "Payload": "{}"},
    "an ARN of another account": {
        "FunctionName": "arn:aws:lambda:us-east-1:210987654321:function:f",
        "Payload": "{}",
    },
    "a log that is asked for": {"FunctionName": "f", "Payload": "{}", "LogType": "Tail"},
    "no function": {"FunctionName": "nowhere", "Payload": "{}"},
    "no version": {"FunctionName": "f", "Payload": "{}", "Qualifier": "7"},
}


@pytest.fixture
def actor(aws: EmbeddedAws) -> Actor:
    """May invoke the function ``f``, which is there."""
    actor = Actor(aws, allow("lambda:InvokeFunction"))
    create(aws.client("lambda"), "f", CODE, actor.role)
    return actor


def outcome(client: Any, asked: dict[str, Any]) -> Any:
    """The answer, or the error, without what names the request."""
    try:
        answer = client.invoke(**asked)
    except ClientError as fault:
        answer = cast(dict[str, Any], fault.response)
        answer["kind"] = type(fault).__name__
    about = answer.pop("ResponseMetadata")
    assert about["RequestId"]
    if payload := answer.pop("Payload", None):
        said = json.loads(payload.read())
        said.pop("requestId", None)
        answer["payload"] = said
    return answer | {"status": about["HTTPStatusCode"], "LogResult": "LogResult" in answer}


def test_an_answer_is_what_a_client_outside_gets(aws: EmbeddedAws, actor: Actor) -> None:
    outside, inside = aws.client("lambda"), actor.client("lambda")
    assert {name: outcome(inside, asked) for name, asked in EVENTS.items()} == {
        name: outcome(outside, asked) for name, asked in EVENTS.items()
    }


def test_it_goes_the_short_way(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    client = actor.client("lambda")
    monkeypatch.setattr(client, "_make_request", lambda *_: pytest.fail("it was sent"))
    answer = client.invoke(FunctionName="f", Payload="{}")
    assert json.loads(answer["Payload"].read())["had"] == {}


def test_a_role_may_invoke_what_its_policies_say(aws: EmbeddedAws, actor: Actor) -> None:
    document = {"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", "arn:aws:lambda:*:*:function:g")]}
    aws.client("iam").put_role_policy(RoleName="actor", PolicyName="p", PolicyDocument=json.dumps(document))
    with pytest.raises(ClientError) as caught:
        actor.client("lambda").invoke(FunctionName="f", Payload="{}")
    assert "lambda:InvokeFunction" in denied(caught)

"""An API destination hears of events: with what its connection adds, and no others than the role may call.

Source: "API destinations as targets in Amazon EventBridge", "Connections for API targets".
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines


class Endpoint:
    """A real HTTP server, and what it was told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], str]] = []
        self.status = 200
        self.told = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.heard.append((self.path, headers, body))
                self.send_response(endpoint.status)
                self.end_headers()
                endpoint.told.set()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


API_KEY = ("API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "k"}})
BASIC = ("BASIC", {"BasicAuthParameters": {"Username": "u", "Password": "p"}})


def put(aws: EmbeddedAws, url: str, role: str, kind: Any = API_KEY, **target: Any) -> str:
    """A rule with a destination, and an event for it; the destination's ARN."""
    events = aws.client("events")
    connection = events.create_connection(Name="c", AuthorizationType=kind[0], AuthParameters=kind[1])["ConnectionArn"]
    arn = events.create_api_destination(
        Name="d", ConnectionArn=connection, InvocationEndpoint=url, HttpMethod="POST", InvocationRateLimitPerSecond=1
    )["ApiDestinationArn"]
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    one: Any = {"Id": "t", "Arn": arn, "RoleArn": role, **target}
    events.put_targets(Rule="r", Targets=[one])
    answer = events.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": '{"n": 1}'}])
    assert answer["FailedEntryCount"] == 0
    return str(arn)


def test_an_endpoint_gets_the_event_with_the_key_of_its_connection(
    aws: EmbeddedAws, machines: Machines, endpoint: Endpoint
) -> None:
    put(aws, f"{endpoint.url}/orders", machines.role)
    assert endpoint.told.wait(5)
    ((path, headers, body),) = endpoint.heard
    assert (path, headers["x-key"], json.loads(body)["detail"]) == ("/orders", "k", {"n": 1})
    assert headers["content-type"] == "application/json; charset=utf-8"


def test_path_query_headers_and_template_are_the_targets(
    aws: EmbeddedAws, machines: Machines, endpoint: Endpoint
) -> None:
    parameters = {"PathParameterValues": ["a b"], "QueryStringParameters": {"q": "1"}, "HeaderParameters": {"x-h": "h"}}
    transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'}
    put(aws, f"{endpoint.url}/*/x", machines.role, BASIC, HttpParameters=parameters, InputTransformer=transformer)
    assert endpoint.told.wait(5)
    ((path, headers, body),) = endpoint.heard
    assert (path, headers["x-h"], json.loads(body)) == ("/a%20b/x?q=1", "h", {"number": 1})
    assert headers["authorization"] == f"Basic {base64.b64encode(b'u:p').decode()}"


def dead_letter(aws: EmbeddedAws, url: str) -> dict[str, str]:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        got = aws.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
        if got:
            return {name: value["StringValue"] for name, value in got[0]["MessageAttributes"].items()}
        time.sleep(0.02)
    raise AssertionError("nothing in the dead-letter queue")


DEAD_LETTERS = {"Arn": "arn:aws:sqs:us-east-1:123456789012:undelivered"}


def test_what_an_endpoint_refuses_goes_to_the_dead_letters(
    aws: EmbeddedAws, machines: Machines, endpoint: Endpoint
) -> None:
    url = aws.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]
    endpoint.status = 400
    arn = put(aws, endpoint.url, machines.role, DeadLetterConfig=DEAD_LETTERS)
    said = dead_letter(aws, url)
    assert (said["ERROR_CODE"], said["TARGET_ARN"]) == ("SDK_CLIENT_ERROR", arn)
    assert "answered 400" in said["ERROR_MESSAGE"]


def test_a_role_that_may_not_call_it_calls_nobody(aws: EmbeddedAws, endpoint: Endpoint) -> None:
    url = aws.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]
    nobody = aws.client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    put(aws, endpoint.url, nobody, DeadLetterConfig=DEAD_LETTERS)
    assert dead_letter(aws, url)["ERROR_CODE"] == "NO_PERMISSIONS"
    assert endpoint.heard == []


def test_a_connection_by_oauth_is_not_offered_and_the_dead_letter_says_so(aws: EmbeddedAws, machines: Machines) -> None:
    url = aws.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]
    oauth = {
        "ClientParameters": {"ClientID": "i", "ClientSecret": "s"},
        "AuthorizationEndpoint": "https://example.com/token",
        "HttpMethod": "POST",
    }
    kind = ("OAUTH_CLIENT_CREDENTIALS", {"OAuthParameters": oauth})
    put(aws, "https://example.com", machines.role, kind, DeadLetterConfig=DEAD_LETTERS)
    assert "does not offer OAuth" in dead_letter(aws, url)["ERROR_MESSAGE"]

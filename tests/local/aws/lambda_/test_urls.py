"""A function's URL: what becomes of a request on its way to the function, and of its result on the way back."""

from __future__ import annotations

import base64
import io
import json
import urllib.request
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError

import pytest

from orchestrator.local.aws.lambda_.urls import event_of, is_public, response_of
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.cloudformation import deploy
from tests.testbed.sources import create

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BY_URL = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl"}
BY_CALL = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"}

SOURCE = """
import json
def handler(event, context):
    if event["rawPath"] == "/fail":
        raise ValueError("x")
    return {"statusCode": 202, "headers": {"X-Seen": event["headers"]["x-mine"]}, "body": json.dumps(event)}
"""


def event(body: bytes = b"", **environ: Any) -> dict[str, Any]:
    request = {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), **environ}
    return event_of(request, "/a/b", "x1", NOW)


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json; charset=utf-8", '{"a": "ü"}'.encode(), False),
        ("text/plain", b"a", False),
        ("application/vnd.api+json", b"{}", False),
        ("application/json", b"\xff", True),
        ("application/octet-stream", b"a", True),
        ("application/x-www-form-urlencoded", b"a=b", True),
        ("", b"a", True),
    ],
)
def test_a_body_that_is_no_text_is_in_base64(content_type: str, body: bytes, encoded: bool) -> None:
    seen = event(body, CONTENT_TYPE=content_type)
    assert seen["isBase64Encoded"] is encoded
    assert (base64.b64decode(seen["body"]) if encoded else seen["body"].encode()) == body


def test_headers_cookies_and_query_are_as_in_the_payload_format_2() -> None:
    seen = event(
        QUERY_STRING="a=1&b=x%20y&a=2&c=",
        HTTP_X_HUB_SIGNATURE_256="sha256=0",
        HTTP_COOKIE="a=1; b=2",
        HTTP_HOST="127.0.0.1:4566",
        REMOTE_ADDR="10.0.0.1",
        HTTP_USER_AGENT="curl",
    )
    assert (seen["version"], seen["rawPath"]) == ("2.0", "/a/b")
    assert seen["headers"]["x-hub-signature-256"] == "sha256=0"
    assert seen["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in seen["headers"]
    assert seen["rawQueryString"] == "a=1&b=x%20y&a=2&c="
    assert seen["queryStringParameters"] == {"a": "1,2", "b": "x y", "c": ""}
    assert "body" not in seen
    about = seen["requestContext"]
    assert about["http"] == {
        "method": "POST",
        "path": "/a/b",
        "protocol": "HTTP/1.1",
        "sourceIp": "10.0.0.1",
        "userAgent": "curl",
    }
    assert (about["accountId"], about["time"]) == ("anonymous", "25/Nov/2026:12:00:00 +0000")


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        ({"hello": "world"}, 200, b'{"hello": "world"}'),
        ("hello", 200, b"hello"),
        ([1], 200, b"[1]"),
        (None, 200, b"null"),
        ({"statusCode": 201, "body": "made"}, 201, b"made"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a":1}'),
        ({"statusCode": "404"}, 404, b""),
        ({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}, 200, b"\xff"),
    ],
)
def test_a_result_becomes_an_answer(result: Any, status: int, body: bytes) -> None:
    said, headers, given = response_of(json.dumps(result).encode(), failed=False, request_id="r")
    assert (int(said.split()[0]), given) == (status, body)
    assert ("x-amzn-RequestId", "r") in headers


def test_an_answer_has_the_headers_and_cookies_of_the_result() -> None:
    result = {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "cookies": ["a=1", "b=2"]}
    _, headers, _ = response_of(json.dumps(result).encode(), failed=False, request_id="r")
    assert [text for name, text in headers if name.lower() == "content-type"] == ["text/html"]
    assert [text for name, text in headers if name == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("statements", "public"),
    [
        ([], False),
        ([BY_URL], False),
        ([BY_CALL], False),
        ([BY_URL, BY_CALL], True),
        ([BY_URL, {**BY_CALL, "Principal": {"Service": "sns.amazonaws.com"}}], False),
        ([BY_URL, {**BY_CALL, "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}], True),
        ([{**BY_URL, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}}, BY_CALL], False),
    ],
)
def test_both_permissions_are_needed(statements: list[dict[str, Any]], public: bool) -> None:
    assert is_public(statements) is public


@pytest.fixture
def url(aws: EmbeddedAws) -> str:
    """The URL of a function of a stack."""
    role = aws.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    create(aws.client("lambda"), "f", SOURCE, role)
    permission = {"FunctionName": "f", "Principal": "*"}
    resources: dict[str, Any] = {
        "Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": "f", "AuthType": "NONE"}},
        "ByUrl": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {**permission, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        },
        "ByCall": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {**permission, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
        },
    }
    outputs = {"Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}}
    parameters = {"Colour": {"Type": "String", "Default": "blue"}}
    template = {"Parameters": parameters, "Resources": resources, "Outputs": outputs}
    return deploy(aws, "CREATE", template, "red")["Url"]


def ask(url: str, path: str = "") -> tuple[int, Any, Any]:
    request = urllib.request.Request(f"{url}{path}", data=b'{"a": 1}', headers={"X-Mine": "1"})
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as fault:
        with fault:
            return fault.code, fault.headers, fault.read()


def test_the_url_of_a_stacks_function_calls_it(aws: EmbeddedAws, url: str) -> None:
    client = aws.client("lambda")
    config = client.get_function_url_config(FunctionName="f")
    assert (config["FunctionUrl"], config["AuthType"], config["InvokeMode"]) == (url, "NONE", "BUFFERED")
    status, headers, body = ask(url, "some/path?x=1")
    assert (status, headers["X-Seen"]) == (202, "1")
    seen = json.loads(body)
    assert (seen["rawPath"], seen["rawQueryString"], seen["body"]) == ("/some/path", "x=1", '{"a": 1}')
    status, _, body = ask(url, "fail")
    assert (status, body) == (502, b"Internal Server Error")
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.create_function_url_config(FunctionName="f", AuthType="NONE")
    statements = json.loads(client.get_policy(FunctionName="f")["Policy"])["Statement"]
    assert {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}} in [one.get("Condition") for one in statements]
    client.update_function_url_config(FunctionName="f", AuthType="AWS_IAM")
    assert ask(url)[0] == 403
    aws.client("cloudformation").delete_stack(StackName="stack")
    assert ask(url)[0] == 403
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function_url_config(FunctionName="f")

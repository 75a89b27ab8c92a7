"""No request is answered with a 500 or a page of HTML: what is not offered is refused in words, in AWS's shape."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from orchestrator.errors import StateUnusable
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.unforeseen import guarded


def answered(fault: Exception, **environ: str) -> tuple[str, dict[str, str], str]:
    """Status, headers and body of an application that raises."""
    said: list[Any] = []
    asked: dict[str, Any] = {**environ, "wsgi.input": io.BytesIO()}

    def application(_: dict[str, Any], __: Any) -> Iterable[bytes]:
        raise fault

    body = b"".join(guarded(application)(asked, lambda status, headers: said.extend([status, dict(headers)])))
    return said[0], said[1], body.decode()


JSON = {"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.EnableKinesisStreamingDestination"}
QUERY = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "REQUEST_METHOD": "POST", "PATH_INFO": "/"}


def test_what_is_not_offered_says_so() -> None:
    status, headers, body = answered(KeyError("StreamArn"), **JSON)
    assert status == "501 Not Implemented"
    assert headers["x-amzn-ErrorType"] == json.loads(body)["__type"] == "NotImplemented"
    assert json.loads(body)["message"] == (
        "The embedded AWS does not offer DynamoDB_20120810 EnableKinesisStreamingDestination (KeyError: 'StreamArn')"
    )


def test_a_folder_without_room_is_a_fault_of_this_side_and_says_which() -> None:
    status, headers, body = answered(StateUnusable("/data/state", "database or disk is full"), **JSON)
    assert (status, headers["x-amzn-ErrorType"]) == ("500 Internal Server Error", "InternalFailure")
    assert "the state in /data/state cannot be kept: database or disk is full; make room" in json.loads(body)["message"]


def test_a_query_is_answered_in_xml() -> None:
    _, headers, body = answered(NotImplementedError("not & never"), **QUERY)
    assert headers["Content-Type"] == "text/xml"
    assert "<Code>NotImplemented</Code>" in body
    assert "not &amp; never" in body


def test_a_table_that_changed_while_it_was_read_may_be_asked_again() -> None:
    status, _, body = answered(RuntimeError("dictionary changed size during iteration"), **JSON)
    assert (status, json.loads(body)["__type"]) == ("503 Service Unavailable", "ServiceUnavailable")


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("dynamodb", "enable_kinesis_streaming_destination", {"TableName": "t", "StreamArn": f"arn:{'a' * 40}"}),
        ("dynamodb", "describe_contributor_insights", {"TableName": "t"}),
        ("stepfunctions", "describe_map_run", {"mapRunArn": "arn:aws:states:us-east-1:123456789012:mapRun:a/b:c"}),
        ("events", "describe_endpoint", {"Name": "e"}),
        ("lambda", "list_capacity_providers", {}),
    ],
)  # fmt: skip
def test_a_client_hears_at_once_and_in_words(
    aws: EmbeddedAws, service: str, operation: str, request_: dict[str, Any]
) -> None:
    begun = time.monotonic()
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), operation)(**request_)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404, 501}
    assert refused.value.response["Error"]["Message"]
    assert "<" not in refused.value.response["Error"]["Message"]
    assert time.monotonic() - begun < 5


def test_what_a_request_must_have_is_named(aws: EmbeddedAws) -> None:
    """Source: how AWS's services word a member that is missing ("Member must not be null")."""
    client = boto3.client(
        "dynamodb",
        region_name=aws.region,
        endpoint_url=aws.endpoint,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(parameter_validation=False),
    )
    with pytest.raises(ClientError) as refused:
        client.put_item()
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must"
        " not be null; Value null at 'item' failed to satisfy constraint: Member must not be null",
    }

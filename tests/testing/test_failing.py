"""A test makes a call of AWS fail, and sees what its handler does."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing import Fault, faults


def keys(aws: EmbeddedAws) -> list[str]:
    return [one["Key"] for one in aws.client("s3").list_objects_v2(Bucket="reports").get("Contents", [])]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.THROTTLED, "ThrottlingException"),
        (Fault.BROKEN, "InternalServerError"),
        (Fault.DENIED, "AccessDeniedException"),
    ],
)
def test_a_call_is_refused_as_often_as_it_is_said_and_nothing_is_done(
    aws: EmbeddedAws, fault: Fault, code: str
) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="reports")
    with faults(aws, "s3:PutObject", fault, times=1) as struck:
        with pytest.raises(ClientError) as said:
            s3.put_object(Bucket="reports", Key="a")
        assert said.value.response["Error"]["Code"] == code
        assert keys(aws) == []
        s3.put_object(Bucket="reports", Key="b")
    assert (struck.count, keys(aws)) == (1, ["b"])


def test_a_call_whose_answer_is_lost_has_been_made(aws: EmbeddedAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="reports")
    with faults(aws, "s3:PutObject", "lost"), pytest.raises(ReadTimeoutError):
        s3.put_object(Bucket="reports", Key="a")
    assert keys(aws) == ["a"]
    s3.put_object(Bucket="reports", Key="b")


def test_clients_that_are_made_within_the_block_fail_too(aws: EmbeddedAws) -> None:
    with faults(aws, "sqs:CreateQueue"), pytest.raises(ClientError, match="throttled by a test"):
        boto3.client(
            "sqs",
            endpoint_url=aws.endpoint,
            region_name=aws.region,
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",
        ).create_queue(QueueName="q")

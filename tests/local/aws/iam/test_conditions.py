"""IAM's condition operators, as the page "IAM JSON policy elements: Condition operators" says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.iam import conditions
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.taskfile import settings_models
from tests.testbed.roles import Actor, allow, denied

ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop-dev-task-a"
CONTEXT: conditions.Context = {
    "aws:PrincipalAccount": "123456789012",
    "aws:CurrentTime": "2026-12-01T08:00:00+00:00",
    "aws:EpochTime": "1796112000",
    "aws:SecureTransport": "true",
    "aws:SourceIp": "203.0.113.7",
    "lambda:FunctionArn": ARN,
    "s3:prefix": "in/one",
    "s3:max-keys": "10",
    "aws:TagKeys": ("team", "cost"),
    "empty": (),
}


@pytest.mark.parametrize(
    ("name", "key", "expected", "holds"),
    [
        ("StringEquals", "s3:prefix", "in/one", True),
        ("StringEquals", "S3:Prefix", ["no", "in/one"], True),
        ("StringEquals", "s3:prefix", "IN/ONE", False),
        ("StringEquals", "s3:prefix", "in/*", False),
        ("StringEqualsIgnoreCase", "s3:prefix", "IN/ONE", True),
        ("StringNotEquals", "s3:prefix", ["no", "in/one"], False),
        ("StringNotEquals", "s3:prefix", ["no", "never"], True),
        ("StringNotEquals", "s3:delimiter", "/", True),
        ("StringNotEqualsIgnoreCase", "s3:prefix", "IN/ONE", False),
        ("StringLike", "s3:prefix", "in/*", True),
        ("StringLike", "s3:prefix", "in/??", False),
        ("StringLike", "s3:prefix", "in/${*}", False),
        ("StringLike", "s3:prefix", "[i]n/*", False),
        ("StringNotLike", "s3:prefix", "out/*", True),
        ("StringEquals", "aws:PrincipalAccount", "${aws:principalaccount}", True),
        ("StringEquals", "s3:prefix", "${aws:username}", False),
        ("StringEquals", "s3:prefix", "in/${aws:username, 'one'}", True),
        ("NumericLessThan", "s3:max-keys", 11, True),
        ("NumericLessThan", "s3:max-keys", "10", False),
        ("NumericLessThanEquals", "s3:max-keys", "10", True),
        ("NumericGreaterThan", "s3:max-keys", "9.5", True),
        ("NumericGreaterThanEquals", "s3:max-keys", "11", False),
        ("NumericEquals", "s3:max-keys", "10.0", True),
        ("NumericEquals", "s3:prefix", "10", False),
        ("NumericNotEquals", "s3:max-keys", "10", False),
        ("DateGreaterThan", "aws:CurrentTime", "2026-12-01T09:00:00+02:00", True),
        ("DateLessThan", "aws:CurrentTime", "2026-12-01", False),
        ("DateLessThanEquals", "aws:EpochTime", "2026-12-01T08:00:00Z", True),
        ("DateEquals", "aws:CurrentTime", 1796112000, True),
        ("DateNotEquals", "aws:CurrentTime", "2026-12-01T08:00:00Z", False),
        ("Bool", "aws:SecureTransport", True, True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("Bool", "aws:MultiFactorAuthPresent", "true", False),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"], True),
        ("IpAddress", "aws:SourceIp", "203.0.113.8", False),
        ("IpAddress", "aws:SourceIp", "2001:db8::/32", False),
        ("NotIpAddress", "aws:SourceIp", "10.0.0.0/8", True),
        ("ArnEquals", "lambda:FunctionArn", "arn:aws:lambda:*:*:function:shop-*", True),
        ("ArnLike", "lambda:FunctionArn", "arn:aws:lambda:*:function:shop-*", False),
        ("ArnNotLike", "lambda:FunctionArn", "arn:aws:lambda:*:*:function:post-*", True),
        ("Null", "aws:TagKeys", "false", True),
        ("Null", "s3:delimiter", True, True),
        ("Null", "empty", "true", True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost", "more"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAllValues:StringEquals", "s3:delimiter", ["team"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["team"], True),
        ("ForAnyValue:StringLike", "aws:TagKeys", ["t??"], False),
        ("ForAnyValue:StringEquals", "s3:delimiter", ["team"], False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["team"], True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["team"], False),
        ("StringEqualsIfExists", "s3:delimiter", "/", True),
        ("StringEqualsIfExists", "s3:prefix", "/", False),
    ],
)
def test_an_operator(name: str, key: str, expected: Any, holds: bool) -> None:
    assert conditions.hold({name: {key: expected}}, CONTEXT) is holds


def test_all_keys_and_all_operators_must_hold() -> None:
    both = {"StringEquals": {"s3:prefix": "in/one", "s3:max-keys": "10"}, "Bool": {"aws:SecureTransport": "true"}}
    assert conditions.hold(both, CONTEXT)
    assert not conditions.hold({**both, "Bool": {"aws:SecureTransport": "false"}}, CONTEXT)


NAMES = [
    f"{of}{name}{exists}"
    for of in ("", "ForAllValues:", "ForAnyValue:", "ForSome:")
    for name in (*conditions._MATCHES, *conditions._NEGATED, "Null", "StringMatches", "Numericequals")
    for exists in ("", "IfExists", "ifExists")
]


def test_a_project_s_file_may_name_what_is_evaluated_and_nothing_else() -> None:
    for name in NAMES:
        if settings_models.OPERATOR.fullmatch(name):
            conditions.hold({name: {"aws:SecureTransport": "true"}}, CONTEXT)
        else:
            with pytest.raises(NotImplementedError, match=f"^the embedded AWS knows no condition operator {name}$"):
                conditions.hold({name: {"aws:SecureTransport": "true"}}, CONTEXT)


def test_a_role_s_request_is_made_in_the_time_of_the_embedded_aws(aws: EmbeddedAws) -> None:
    until = {"Bool": {"aws:SecureTransport": "true"}, "DateLessThan": {"aws:CurrentTime": "2030-01-01"}}
    queues = Actor(aws, allow("sqs:CreateQueue", Condition=until)).client("sqs")
    with aws.on(VirtualClock(datetime(2029, 12, 31, 23, tzinfo=UTC), speed=1)):
        queues.create_queue(QueueName="one")
    with aws.on(VirtualClock(datetime(2030, 1, 1, tzinfo=UTC), speed=1)), pytest.raises(ClientError) as caught:
        queues.create_queue(QueueName="two")
    assert "not authorized to perform: sqs:CreateQueue" in denied(caught)

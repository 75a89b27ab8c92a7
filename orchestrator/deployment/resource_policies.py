"""Policies of queues, topics and buckets: who may send to them, and that nobody may without TLS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.deployment.statements import Statement, allow, attribute, document


def queues(logical_ids: Sequence[str], **senders: Any) -> dict[str, Any]:
    """What refuses requests without TLS to queues, and lets ``senders`` send to them: ARNs of rules or topics, by the
    name of their service (``events=…``, ``sns=…``).
    """
    arns = [attribute(logical_id) for logical_id in logical_ids]
    sending = [
        {
            **allow("sqs:SendMessage", arns, **_from(sender)),
            "Principal": {"Service": f"{service}.amazonaws.com"},
        }
        for service, sender in senders.items()
    ]
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": logical_id} for logical_id in logical_ids],
            "PolicyDocument": document([*sending, _tls_only("sqs:*", arns)]),
        },
    }


def _from(source: Any) -> dict[str, Any]:
    """The condition that a request is made for a resource, or for one of several patterns."""
    return {"ArnLike" if isinstance(source, list) else "ArnEquals": {"aws:SourceArn": source}}


def topic(logical_id: str, *, alarms: Any) -> dict[str, Any]:
    """The policy of a topic: it lets ``alarms``, a pattern of ARNs, publish, and denies publishing without TLS.

    A role needs no statement here, since its own policy lets it publish; an alarm has no role. SNS refuses a policy
    with "sns:*", because not all of those actions apply to topics.
    """
    arn_ = {"Ref": logical_id}
    telling = {
        **allow("sns:Publish", arn_, ArnLike={"aws:SourceArn": alarms}),
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
    }
    return {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [arn_],
            "PolicyDocument": document([telling, _tls_only("sns:Publish", [arn_])]),
        },
    }


def bucket(logical_id: str) -> dict[str, Any]:
    """A bucket policy that refuses requests without TLS."""
    arn_ = attribute(logical_id)
    objects = {"Fn::Sub": f"${{{logical_id}.Arn}}/*"}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": logical_id},
            "PolicyDocument": document([_tls_only("s3:*", [arn_, objects])]),
        },
    }


def _tls_only(action: str, resources: Sequence[Any]) -> Statement:
    """A refusal, so that it names every action."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }

"""What lies in a queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


def listening(aws: EmbeddedAws, topic: str, name: str) -> str:
    """The URL of a new queue that hears everything a topic says, as its policy lets it."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = aws.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return str(url)


def drained(sqs: SQSClient, url: str) -> list[str]:
    """Receives and deletes all messages. Returns their bodies."""
    bodies: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    return bodies


def told(sqs: SQSClient, url: str) -> list[str]:
    """Returns what a topic has sent to the queue since the last call."""
    return [json.loads(body)["Message"] for body in drained(sqs, url)]

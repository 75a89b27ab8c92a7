"""What lies in a queue."""

from __future__ import annotations

import json
from typing import Any


def drained(sqs: Any, url: str) -> list[str]:
    """The bodies of all messages, which are gone then."""
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(message["Body"])
    return found


def told(sqs: Any, url: str) -> list[str]:
    """What a topic has sent to the queue since it was last asked."""
    return [json.loads(body)["Message"] for body in drained(sqs, url)]

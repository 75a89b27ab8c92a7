"""A queue whose messages call a function."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from orchestrator.local.aws.lambda_.event_source import RETRY_SECONDS, Source
from orchestrator.local.aws.lambda_.mappings import parsed


class QueueSource(Source):
    """Messages of a queue. What is not dealt with comes again when the queue's visibility timeout is over."""

    def _take(self) -> bool:
        client = self._aws.clients.get("sqs", self._aws.region, self.function.role)
        account, name = self.mapping.event_source_arn.split(":")[4:6]
        url = f"https://sqs.{self._aws.region}.amazonaws.com/{account}/{name}"
        # Lambda needs to know it from the beginning ("Using Lambda with Amazon SQS").
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        received: list[dict[str, Any]] = []
        # ReceiveMessage gives ten at most.
        for _ in range(0, self.mapping.batch_size, 10):
            more = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(10, self.mapping.batch_size - len(received)),
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            ).get("Messages", [])
            received += more
            if len(more) < 10:
                break
        if not received:
            return False
        records = [self._record(message) for message in received]
        if not self.mapping.max_batch_window:
            # As recorded: a mapping with a batching window says null, and one without says nothing.
            records = [{name: value for name, value in one.items() if value is not None} for one in records]
        wanted = [record for record in records if self._wanted({"body": parsed(record["body"])})]
        failed = self._failures(wanted) if wanted else set()
        for message in received:
            if failed is not None and message["MessageId"] not in failed:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        if failed or failed is None:
            again = int(attributes["Attributes"]["VisibilityTimeout"])
            threading.Timer(again + RETRY_SECONDS, self.wake).start()
        return True

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        """Returns a message as Lambda hands it over, in Lambda's casing."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": self._on_clock(message.get("Attributes", {})),
            "messageAttributes": {
                name: {
                    **{key[0].lower() + key[1:]: text for key, text in value.items()},
                    "stringListValues": [],
                    "binaryListValues": [],
                }
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfMessageAttributes": message.get("MD5OfMessageAttributes"),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.event_source_arn,
            "awsRegion": self._aws.region,
        }

    def _on_clock(self, attributes: dict[str, str]) -> dict[str, str]:
        """Moves a message's times to this AWS's clock: moto's queues know only the machine's."""
        ahead = int((self._aws.clock.now() - datetime.now(UTC)).total_seconds() * 1000)
        times = ("SentTimestamp", "ApproximateFirstReceiveTimestamp")
        return attributes | {name: str(int(attributes[name]) + ahead) for name in times if name in attributes}

"""A queue whose messages call a function."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.local.aws.clock import FOREVER
from orchestrator.local.aws.lambda_.event_source import RETRY_SECONDS, Source
from orchestrator.local.aws.lambda_.mappings import parsed

#: At its very moment a message is not yet in sight.
_PAST = timedelta(milliseconds=1)


class QueueSource(Source):
    """Messages of a queue. What is not dealt with, or was received in vain, comes again when its visibility timeout is
    over.
    """

    def _take(self) -> bool:
        client = self._aws.clients.get("sqs", self._aws.region, self.function.role)
        account, name = self.mapping.event_source_arn.split(":")[4:6]
        url = f"https://sqs.{self._aws.region}.amazonaws.com/{account}/{name}"
        # Lambda needs to know it from the beginning ("Using Lambda with Amazon SQS").
        client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
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
        return True

    def _next_look(self) -> datetime:
        """Lambda asks all the time; here when the next message comes into sight, whoever has hidden it."""
        name = self.mapping.event_source_arn.rsplit(":", 1)[1]
        queue = self._aws.backend("sqs").queues.get(name)
        shown = [max(one.visible_at, one.delayed_until) for one in list(queue._messages)] if queue else []
        if not shown:
            return FOREVER
        soonest = datetime.fromtimestamp(min(shown) / 1000, UTC) + _PAST
        return max(soonest, self._aws.clock.now() + timedelta(seconds=RETRY_SECONDS))

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        """Returns a message as Lambda hands it over, in Lambda's casing."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
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

"""A table's stream whose changes call a function."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from datetime import UTC, datetime
from typing import Any

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.lambda_.event_source import RETRY_SECONDS, Source
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.step_functions.interpreter import timestamp

_SHARD = "shardId-00000000000000000000-00000000"

_READ_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_LIST_STREAMS = Permission(action="dynamodb:ListStreams")


class StreamSource(Source):
    """Changes of a table, in order: one that is not dealt with holds up those after it, until it is given up."""

    def __init__(self, aws: Aws, mapping: Any) -> None:
        self._changes: deque[dict[str, Any]] = deque()
        self._attempts = 0
        #: How many changes the next batch may have, after one that was split.
        self._most: int | None = None
        super().__init__(aws, mapping)

    def add(self, record: dict[str, Any]) -> None:
        if self._wanted(record):
            self._changes.append(record)
            self.wake()

    def _take(self) -> bool:
        if not self._changes:
            return False
        stream = self.mapping.event_source_arn
        wanted = [Permission(action=action, resource=stream) for action in _READ_STREAM]
        if not all(roles.may(self.function.role, one) for one in (*wanted, _LIST_STREAMS)):
            return False
        size = min(self._most or self.mapping.batch_size, len(self._changes))
        batch = [self._changes[index] for index in range(size)]
        failed = self._failures(batch)
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        if failed is None or not failed <= set(numbers):
            done = 0
        else:
            done = next((at for at, one in enumerate(numbers) if one in failed), len(batch))
        for _ in range(done):
            self._changes.popleft()
        if done:
            self._attempts, self._most = 0, None
        if done < len(batch):
            self._try_again(batch[done:], whole=not done)
        return True

    def _try_again(self, batch: list[dict[str, Any]], *, whole: bool) -> None:
        """Takes a batch again from its first failure. "Splitting a batch does not count towards the retry quota"."""
        if whole and self.mapping.bisect_on_error and len(batch) > 1:
            self._most = len(batch) // 2
            return
        self._attempts += 1
        limit = self.mapping.max_retry_attempts
        if limit is None or limit < 0 or self._attempts <= limit:
            time.sleep(RETRY_SECONDS / 10)
            return
        for _ in batch:
            self._changes.popleft()
        self._discard(batch, self._attempts)
        self._attempts, self._most = 0, None

    def _discard(self, batch: list[dict[str, Any]], attempts: int) -> None:
        """Tells whoever is to know of failures, if there is anybody, which changes were given up."""
        destination = (self.mapping.destination_config or {}).get("OnFailure", {}).get("Destination")
        if not destination:
            return
        first, last = batch[0]["dynamodb"], batch[-1]["dynamodb"]
        now = self._aws.clock.now()
        said = {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": self.mapping.function_arn,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": self._error},
            "version": "1.0",
            "timestamp": timestamp(now),
            "DDBStreamBatchInfo": {
                "shardId": _SHARD,
                "startSequenceNumber": first["SequenceNumber"],
                "endSequenceNumber": last["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _arrived(first),
                "approximateArrivalOfLastRecord": _arrived(last),
                "batchSize": len(batch),
                "streamArn": self.mapping.event_source_arn,
            },
        }
        service = destination.split(":")[2]
        client = self._aws.clients.get(service, self._aws.region, self.function.role)
        if service == "sqs":
            account, name = destination.split(":")[4:6]
            url = f"https://sqs.{self._aws.region}.amazonaws.com/{account}/{name}"
            client.send_message(QueueUrl=url, MessageBody=json.dumps(said))
        elif service == "sns":
            client.publish(TopicArn=destination, Message=json.dumps(said))
        else:
            key = f"aws/lambda/{self.mapping.uuid}/{_SHARD}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
            whole = {**said, "payload": {"Records": batch}}
            client.put_object(Bucket=destination.rsplit(":", 1)[1], Key=key, Body=json.dumps(whole, default=str))


def _arrived(change: dict[str, Any]) -> str:
    return datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

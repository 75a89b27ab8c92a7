"""Queues and streams that call functions.

moto calls a function while a message is put into its queue, takes any answer for the whole batch's, and knows neither
filters nor a function's permissions. Here each event source mapping has a thread that polls like Lambda: in batches,
under the function's role, and with partial answers ("Using Lambda with Amazon SQS", "Using AWS Lambda with Amazon
DynamoDB").
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import deque
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaBackend
from moto.sqs.models import Queue

from orchestrator.local.aws.clock import FOREVER, Wake
from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.events.patterns import matches
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.lambda_.mappings import failures, parsed
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions.interpreter import timestamp

#: In real seconds: what a function could not deal with is tried again after this.
_RETRY_SECONDS = 0.2

_NONE_YET = "No records processed"

_SHARD = "shardId-00000000000000000000-00000000"

_READ_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
_LIST_STREAMS = Permission(action="dynamodb:ListStreams")


class Source(ABC):
    """One mapping: a thread that calls the function as long as there is something."""

    def __init__(self, aws: Aws, mapping: Any) -> None:
        self._aws = aws
        self.mapping = mapping
        self._wake = Wake()
        self._guard = threading.Lock()
        self._stopped = False
        #: What the last call of the function ended with.
        self._error: str | None = None
        #: What GetEventSourceMapping says of it.
        self.last = _NONE_YET
        #: Set while there is nothing to do but what was tried in vain.
        self.idle = threading.Event()
        patterns = (mapping.filter_criteria or {}).get("Filters", [])
        self._patterns = [json.loads(one["Pattern"]) for one in patterns]
        threading.Thread(target=self._poll_for_ever, daemon=True, name="event-source").start()

    def wake(self) -> None:
        """Says that there is something to take."""
        with self._guard:
            self.idle.clear()
            self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        with self._guard:
            self._wake.set()

    @property
    def function(self) -> Any:
        return self._aws.backend("lambda").get_function(self.mapping.function_arn)

    def _poll_for_ever(self) -> None:
        clock = self._aws.clock
        with clock.busy():
            while not self._stopped:
                with self._guard:
                    self._wake = wake = Wake()
                if self._takes_some():
                    continue
                with self._guard:
                    # What came meanwhile is still to do.
                    if not wake.is_set():
                        self.idle.set()
                if not self._stopped:
                    clock.sleep_until(FOREVER, wake=wake, resting=True)

    def _takes_some(self) -> bool:
        """Whether there was anything. Nobody looks at what goes wrong on the way but the next attempt."""
        if not self.mapping.enabled:
            return False
        try:
            return self._take()
        except ClientError:
            self._later()
            return False
        except Exception:
            # A source that has ended would be silent for ever.
            logging.getLogger(__name__).exception("%s could not be read", self.mapping.event_source_arn)
            self._later()
            return False

    def _later(self) -> None:
        threading.Timer(_RETRY_SECONDS, self.wake).start()

    @abstractmethod
    def _take(self) -> bool:
        """One batch; whether there was one."""

    def _wanted(self, record: dict[str, Any]) -> bool:
        return not self._patterns or any(matches(pattern, record) for pattern in self._patterns)

    def _failures(self, records: list[dict[str, Any]]) -> set[str] | None:
        """Calls the function: the identifiers that it could not deal with; None for all."""
        answer = self._aws.functions.invoke(self.function, json.dumps({"Records": records}, default=str))
        self._error = "Unhandled" if answer.failed else None
        self.last = "PROBLEM: Function call failed" if answer.failed else "OK"
        if answer.failed:
            return None
        if "ReportBatchItemFailures" not in (self.mapping.function_response_types or []):
            return set()
        return failures(answer.payload)


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
            threading.Timer(again + _RETRY_SECONDS, self.wake).start()
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
            time.sleep(_RETRY_SECONDS / 10)
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


class EventSources:
    """The mappings of the embedded AWS."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._sources: dict[str, Source] = {}

    def put(self, mapping: Any) -> None:
        last = self.last_of(mapping.uuid)
        self.remove(mapping.uuid)
        kind = QueueSource if ":sqs:" in mapping.event_source_arn else StreamSource
        self._sources[mapping.uuid] = source = kind(self._aws, mapping)
        source.last = last
        source.wake()

    def remove(self, identifier: str) -> None:
        if source := self._sources.pop(identifier, None):
            source.stop()

    def forget(self) -> None:
        """Removes all mappings."""
        for identifier in list(self._sources):
            self.remove(identifier)

    def sent(self, queue_arn: str) -> None:
        """Wakes the mappings of a queue that has got a message."""
        for source in list(self._sources.values()):
            if source.mapping.event_source_arn == queue_arn:
                source.wake()

    def changed(self, stream: str, record: dict[str, Any]) -> None:
        """Hands a change of a table to the mappings of its stream."""
        for source in list(self._sources.values()):
            if isinstance(source, StreamSource) and source.mapping.event_source_arn == stream:
                source.add(record)

    def last_of(self, identifier: str) -> str:
        """Returns the result of a mapping's last batch."""
        source = self._sources.get(identifier)
        return source.last if source else _NONE_YET

    def settled(self, seconds: float) -> bool:
        """Waits until nothing is left to do but what was tried in vain; whether that was soon enough."""
        deadline = time.monotonic() + seconds
        # What one function does can be another's event.
        while not all(source.idle.is_set() for source in list(self._sources.values())):
            for source in list(self._sources.values()):
                if not source.idle.wait(max(0.0, deadline - time.monotonic())):
                    return False
        return True


def install(aws: Aws) -> None:
    """Lets mappings be known here, and nowhere in moto's queues and tables."""
    create, update, delete = (
        getattr(LambdaBackend, f"{verb}_event_source_mapping") for verb in ("create", "update", "delete")
    )
    add = Queue.add_message

    @replaces(LambdaBackend, "create_event_source_mapping", digest="ad4fbe5a5131")
    def create_event_source_mapping(self: Any, spec: dict[str, Any]) -> Any:
        mapping = create(self, spec)
        for queue in aws.backend("sqs").queues.values():
            queue.lambda_event_source_mappings.clear()
        for table in aws.backend("dynamodb").tables.values():
            table.lambda_event_source_mappings.clear()
        aws.event_sources.put(mapping)
        return mapping

    @replaces(LambdaBackend, "update_event_source_mapping", digest="7fc211b661c6")
    def update_event_source_mapping(self: Any, uuid: str, spec: dict[str, Any]) -> Any:
        mapping = update(self, uuid, spec)
        if mapping:
            aws.event_sources.put(mapping)
        return mapping

    @replaces(LambdaBackend, "delete_event_source_mapping", digest="f302c50d2d72")
    def delete_event_source_mapping(self: Any, uuid: str) -> Any:
        aws.event_sources.remove(uuid)
        return delete(self, uuid)

    @replaces(Queue, "add_message", digest="957f6e8cd41d")
    def add_message(self: Any, message: Any) -> None:
        add(self, message)
        aws.event_sources.sent(self.queue_arn)

    streams.on_change(lambda stream, record: aws.event_sources.changed(stream, record))

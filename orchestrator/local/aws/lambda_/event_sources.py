"""Queues and streams that call functions: the mappings of the embedded AWS."""

from __future__ import annotations

import time
from typing import Any

from moto.awslambda.models import LambdaBackend
from moto.sqs.models import Queue

from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.lambda_.event_source import NONE_YET, Source
from orchestrator.local.aws.lambda_.queue_source import QueueSource
from orchestrator.local.aws.lambda_.stream_source import StreamSource
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


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
        return source.last if source else NONE_YET

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

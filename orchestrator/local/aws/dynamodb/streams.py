"""DynamoDB streams that somebody follows.

moto keeps the changes of a table for GetRecords, those of a transaction that failed, too, and calls functions in the
midst of a write. Here a change is told once, after it is final.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models.table import StreamRecord, StreamShard

from orchestrator.local.aws.dynamodb.parameters import size
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: Called with the stream's ARN and the record as functions get it.
Listener = Callable[[str, dict[str, Any]], None]

_listeners: list[Listener] = []
_held = threading.local()


def on_change(listener: Listener) -> Callable[[], None]:
    """Calls it with every change of every table that has a stream. Returns what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


@contextmanager
def together() -> Iterator[None]:
    """A transaction of this thread: its changes are told at its end, or, where it fails, never."""
    _held.changes = []
    try:
        yield
        for stream, record in _held.changes:
            _tell(stream, record)
    finally:
        _held.changes = None


def _tell(stream: str, record: dict[str, Any]) -> None:
    for listener in _listeners:
        listener(stream, record)


def _in_json(value: Any) -> Any:
    """A copy of a record as Lambda hands it over, as JSON: bytes as Base64."""
    if isinstance(value, dict):
        return {name: _in_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(one) for one in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def install(aws: Aws) -> None:
    """Tells of changes."""

    @replaces(StreamShard, "add", digest="0f99968e057a")
    def add(self: Any, old: Any, new: Any) -> None:
        if old is not None and new is not None and old.attrs == new.attrs:
            # "If you perform a PutItem or UpdateItem operation that does not change any data": no record.
            return
        table = self.table
        kind = table.stream_specification["StreamViewType"]
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        made = StreamRecord(table, kind, name, old, new, len(self.items) + self.starting_sequence_number)
        stream = f"{table.table_arn}/stream/{table.latest_stream_label}"
        made.record["eventSourceARN"] = stream
        made.record["eventVersion"] = "1.1"
        made.record["awsRegion"] = aws.region
        images = (made.record["dynamodb"].get(image) or {} for image in ("Keys", "NewImage", "OldImage"))
        made.record["dynamodb"]["SizeBytes"] = sum(map(size, images))
        self.items.append(made)
        told = {**made.record, "dynamodb": _in_json(made.record["dynamodb"])}
        told["dynamodb"]["ApproximateCreationDateTime"] = aws.clock.now().timestamp()
        if getattr(_held, "changes", None) is not None:
            _held.changes.append((stream, told))
        else:
            _tell(stream, told)

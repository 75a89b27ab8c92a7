"""Records of DynamoDB's tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.responses import DynamoHandler

from orchestrator.local.aws.dynamodb.partitions import held
from orchestrator.local.aws.kept.folder import CLOCK, ITEM, Kept
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: DynamoDB's operations that change records.
_WRITES = {
    "put_item": "6d9c958ebd70",
    "delete_item": "374c0dbf92d1",
    "update_item": "e5ef13d54f52",
    "batch_write_item": "c5c6a0ddb152",
    "transact_write_items": "5af0d4e3b718",
}


def _touched(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables and keys, or whole items, that a request of DynamoDB writes."""
    if "TransactItems" in body:
        for one in body["TransactItems"]:
            yield from (_of(action) for name, action in one.items() if name != "ConditionCheck")
    elif "RequestItems" in body:
        for table, requests in body["RequestItems"].items():
            for one in requests:
                yield from ((table, action.get("Item") or action["Key"]) for action in one.values())
    else:
        yield _of(body)


def _of(action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return action["TableName"], action.get("Item") or action["Key"]


def install(aws: Aws) -> None:
    """Keeps every record that is written, and puts those of a table back when it is created."""

    def keep(kept: Kept, body: Mapping[str, Any]) -> None:
        tables = aws.backend("dynamodb").tables
        for name, key in _touched(body):
            table = tables[name.rpartition("/")[2]]
            place = json.dumps({one: key[one] for one in table.table_key_attrs}, sort_keys=True)
            with kept.lock:
                item = held(table, key)
                if item is None:
                    kept.remove(ITEM, table.name, place)
                else:
                    kept.put(ITEM, table.name, place, item.to_json()["Attributes"])
        kept.put(CLOCK, "", "", aws.clock.now().isoformat())

    def keeping(write: Any) -> Any:
        def written(self: Any) -> Any:
            answer = write(self)
            if kept := aws.kept:
                keep(kept, self.body)
            return answer

        return written

    for name, digest in _WRITES.items():
        replaces(DynamoHandler, name, digest=digest)(keeping(getattr(DynamoHandler, name)))

    create, delete = DynamoDBBackend.create_table, DynamoDBBackend.delete_table

    @replaces(DynamoDBBackend, "create_table", digest="138d3f415df3")
    def create_table(self: Any, *arguments: Any, **named: Any) -> Any:
        table = create(self, *arguments, **named)
        # What is there again has not changed: nobody who follows the table hears of it.
        shard, table.stream_shard = table.stream_shard, None
        for _, item in aws.kept.of(ITEM, table.name) if aws.kept else ():
            table.put_item(item)
        table.stream_shard = shard
        return table

    @replaces(DynamoDBBackend, "delete_table", digest="d15d396a25aa")
    def delete_table(self: Any, name: str) -> Any:
        table = delete(self, name)
        if aws.kept:
            aws.kept.remove(ITEM, table.name)
        return table

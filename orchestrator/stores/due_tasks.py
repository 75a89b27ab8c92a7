"""Which tasks the watchdog has to check: an index of the registry, by the moment at which each is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import to_item
from orchestrator.stack import DUE_INDEX, Stack
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: The partition of all tasks: one watchdog writes there, a task after the other.
SHARD = 0

#: A reserved word ("Reserved words in DynamoDB").
_SHARD = {"#shard": "shard"}

#: Where releases before 0.2.0 have put tasks, too: they stay there until a deployment changes them.
_EARLIER = (1, 2, 3)


class DueTasks:
    """Reads through ``client``, boto3's low-level client of DynamoDB.

    It asks for the tasks of earlier releases until it has seen that there are none, since nobody writes any more: one
    that is kept asks once.
    """

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.tasks_table
        self._shards = [SHARD, *_EARLIER]

    def ids(self, now: datetime) -> Iterator[str]:
        """Ids of the tasks whose next check is due; the cost grows with their number, not with that of all tasks."""
        for shard in tuple(self._shards):
            if shard != SHARD and self._is_empty(shard):
                self._shards.remove(shard)
            else:
                yield from self._of(shard, now)

    def _of(self, shard: int, now: datetime) -> Iterator[str]:
        due = self._query("#shard = :shard AND nextRun <= :now", {":shard": shard, ":now": key(now)})
        pages = self._client.get_paginator("query").paginate(**due)
        return (item["taskId"]["S"] for page in pages for item in page["Items"])

    def _is_empty(self, shard: int) -> bool:
        return not self._client.query(**self._query("#shard = :shard", {":shard": shard}), Limit=1)["Items"]

    def _query(self, condition: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "IndexName": DUE_INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": _SHARD,
            "ExpressionAttributeValues": to_item(values),
            "ProjectionExpression": "taskId",
        }

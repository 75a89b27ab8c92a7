"""The switches that stop many tasks at once and have not been taken back: items of the table Limits.

Each task that a switch covers has the pause in its own record, where TaskRunner finds it without asking for more. The
switch itself is there for the tasks that are deployed while it is on.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.dynamodb import Fields, to_item
from orchestrator.instants import read
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KIND = "switch"


class Switches:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.limits_table

    def turn_on(self, pause: Pause) -> None:
        """Keeps the pause of a switch, in the place of the one that it had."""
        until = read(pause.until)
        expiry = {"ttl": int(until.timestamp())} if until else {}
        item = {**pause.to_value(), **expiry, "kind": _KIND, "name": pause.switch}
        self._client.put_item(TableName=self._table, Item=to_item(item))

    def turn_off(self, switch: str) -> None:
        """Forgets a switch; nothing happens if it is not on."""
        self._client.delete_item(TableName=self._table, Key=to_item({"kind": _KIND, "name": switch}))

    def on(self, now: datetime) -> list[Pause]:
        """Every switch that is on, by name; none where the stack is still without the table."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#kind = :kind",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues=to_item({":kind": _KIND}),
            ConsistentRead=True,
        )
        try:
            pauses = [Pause.from_fields(Fields(item)) for page in pages for item in page["Items"]]
        except self._client.exceptions.ResourceNotFoundException:
            return []
        return [pause for pause in pauses if not pause.over(now)]

"""The read units that DynamoDB tells."""

from __future__ import annotations

from typing import Any

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from tests.testbed.tables import create_tables

STACK = Stack()


def units(answer: dict[str, Any]) -> float:
    return float(answer["ConsumedCapacity"]["CapacityUnits"])


def test_a_read_costs_by_what_is_read_and_not_by_what_is_shown(aws: EmbeddedAws) -> None:
    client: Any = create_tables(aws, STACK)
    table = STACK.runs_table
    for number in range(10):
        row = {"taskId": "a", "slot": f"2026-12-01T0{number}:00:00Z", "status": "SUCCEEDED", "result": "x" * 2000}
        client.put_item(TableName=table, Item={name: {"S": text} for name, text in row.items()})
    asked = {
        "TableName": table,
        "KeyConditionExpression": "taskId = :task",
        "ExpressionAttributeValues": {":task": {"S": "a"}},
        "ProjectionExpression": "slot",
        "ReturnConsumedCapacity": "TOTAL",
    }
    # Ten rows of some 2,070 bytes are 21 KB: six units of four.
    assert units(client.query(**asked, ConsistentRead=True)) == 6
    assert units(client.query(**asked)) == 3
    assert units(client.query(**asked | {"ExpressionAttributeValues": {":task": {"S": "nobody"}}})) == 0.5
    assert units(client.scan(TableName=table, ReturnConsumedCapacity="TOTAL", Limit=1)) == 0.5
    key = {"taskId": {"S": "a"}, "slot": {"S": "2026-12-01T01:00:00Z"}}
    assert units(client.get_item(TableName=table, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")) == 1
    assert "ConsumedCapacity" not in client.get_item(TableName=table, Key=key)

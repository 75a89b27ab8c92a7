"""When the watchdog has last looked at budgets: an item of the table Limits."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.dynamodb import Fields, to_item
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KEY = to_item({"kind": "budgets", "name": "look"})


class BudgetLooks:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.limits_table
        self._day = ""

    def is_due(self, now: datetime) -> bool:
        """Whether nobody has looked at all budgets on this day, in UTC. It asks until somebody has."""
        if self._day != _day(now):
            item = self._client.get_item(TableName=self._table, Key=_KEY).get("Item", {})
            self._day = Fields(item).find("day", str) or ""
        return self._day != _day(now)

    def done(self, now: datetime) -> None:
        """Says that every budget was looked at."""
        self._client.put_item(TableName=self._table, Item={**_KEY, **to_item({"day": _day(now)})})
        self._day = _day(now)


def _day(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"

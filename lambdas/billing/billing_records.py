"""Billing records: how each period stands, and which customers could not be billed and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import Fields, to_item
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = "BillingRecords"

#: The range key of a period's own record, and the beginning of a failure's.
SUMMARY, FAILURE = "SUMMARY", "FAILURE#"


class BillingState(StrEnum):
    """The states of a period."""

    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A customer who was not billed."""

    customer_id: str
    why: str


class BillingRecords:
    """The table, through boto3's low-level client. Its key is ``period`` and ``item``."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.table(TABLE)

    def failures(self, period: str) -> Iterator[Failure]:
        """Yields the period's failures, by customer."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="#period = :period AND begins_with(#item, :failure)",
            ExpressionAttributeNames={"#period": "period", "#item": "item"},
            ExpressionAttributeValues=to_item({":period": period, ":failure": FAILURE}),
        )
        for page in pages:
            for item in page["Items"]:
                fields = Fields(item)
                yield Failure(customer_id=fields.get("item", str).removeprefix(FAILURE), why=fields.get("why", str))

    def put_failure(self, period: str, failure: Failure) -> None:
        item = to_item({"period": period, "item": FAILURE + failure.customer_id, "why": failure.why})
        self._client.put_item(TableName=self._table, Item=item)

    def forget_failure(self, period: str, failure: Failure) -> None:
        key = to_item({"period": period, "item": FAILURE + failure.customer_id})
        self._client.delete_item(TableName=self._table, Key=key)

    def put_summary(self, period: str, attributes: Mapping[str, Any]) -> None:
        """``attributes`` are plain values."""
        item = to_item({"period": period, "item": SUMMARY, **attributes})
        self._client.put_item(TableName=self._table, Item=item)

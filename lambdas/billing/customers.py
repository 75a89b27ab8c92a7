"""Customers and price plans, as two tables of DynamoDB have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.billing.errors import InvalidPlan
from lambdas.billing.plans import Plan
from orchestrator.dynamodb import Fields, from_item, to_item
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

CUSTOMERS, PLANS = "Customers", "PricePlans"


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer. Name and address go into the invoice and its mail and nowhere else."""

    id: str
    #: Empty if the record names none: then the customer cannot be billed.
    plan_id: str
    name: str
    email: str


class Customers:
    """Reads both tables through boto3's low-level client."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._stack = stack

    def get(self, customer_id: str) -> Customer | None:
        key = to_item({"customerId": customer_id})
        item = self._client.get_item(TableName=self._stack.table(CUSTOMERS), Key=key).get("Item")
        return _customer(item) if item else None

    def all(self) -> dict[str, Customer]:
        """Returns every customer by id; it reads the whole table."""
        return {customer.id: customer for customer in map(_customer, self._scan(CUSTOMERS))}

    def plans(self) -> dict[str, Plan | InvalidPlan]:
        """Returns every plan by id, or the mistake in it."""
        plans: dict[str, Plan | InvalidPlan] = {}
        for item in self._scan(PLANS):
            record = from_item(item)
            plan_id = str(record["planId"])
            try:
                plans[plan_id] = Plan.read(plan_id, record)
            except InvalidPlan as fault:
                plans[plan_id] = fault
        return plans

    def _scan(self, table: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._stack.table(table), ConsistentRead=True)
        for page in pages:
            yield from page["Items"]


def _customer(item: dict[str, Any]) -> Customer:
    fields = Fields(item)
    plan_id, name, email = (fields.find(one, str) or "" for one in ("planId", "name", "email"))
    return Customer(id=fields.get("customerId", str), plan_id=plan_id, name=name, email=email)

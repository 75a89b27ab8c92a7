"""The tables of a stack, for tests that need nothing else of it."""

from __future__ import annotations

from typing import Any

from lambdas import functions
from orchestrator.deployment import storage
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack

_CREATED_WITH = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def create_tables(aws: EmbeddedAws, stack: Stack) -> Any:
    """Creates them as the template describes them, and gives DynamoDB's client."""
    client = aws.client("dynamodb")
    for resource in storage.tables(stack, functions.TABLES).values():
        properties = resource["Properties"]
        client.create_table(**{name: properties[name] for name in _CREATED_WITH if name in properties})
    return client

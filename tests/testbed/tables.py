"""The tables of a stack, for tests that need nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambdas import functions
from orchestrator.deployment import storage
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_CREATED_WITH = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def create_tables(aws: EmbeddedAws, stack: Stack) -> DynamoDBClient:
    """Creates them as the template describes them. Returns DynamoDB's client."""
    client = aws.client("dynamodb")
    for resource in storage.tables(stack, functions.TABLES).values():
        properties = resource["Properties"]
        request: dict[str, Any] = {name: properties[name] for name in _CREATED_WITH if name in properties}
        client.create_table(**request)
    return client

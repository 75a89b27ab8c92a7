"""Indexes that a table gets and loses while it is in use.

DynamoDB creates or deletes one of a table's indexes at a time. A new one is CREATING while it is filled, and cannot be
read until then ("Managing Global Secondary Indexes", "GlobalSecondaryIndexDescription"). CloudFormation creates or
deletes one in an update, refuses to change what an index holds, and does not wait until a new one is filled
("AWS::DynamoDB::Table", GlobalSecondaryIndexes). moto creates and deletes as many as it is asked for, and fills them at
once; a query of an index that is not there is refused as if the table were not. Here an index is filled once
DescribeTable has told somebody that it is not.

The refusals are in the words that users of AWS report: "Subscriber limit exceeded" from dynalite's tests against AWS,
"Cannot read from backfilling" from serverless/serverless issue 10666, CloudFormation's from aws/aws-cdk issue 14920 and
aws-amplify/amplify-category-api issue 988.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import GlobalSecondaryIndex, Table

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_ONE_AT_A_TIME = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
_ONE_AN_UPDATE = "Cannot perform more than one GSI creation or deletion in a single update"
_ANOTHER_NAME = (
    "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights Specification."
    " You can create a new GSI with a different name."
)


def updates_to(table: Any, wanted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The request of UpdateTable by which CloudFormation gives a table the indexes of a template."""
    there, to_be = {one.name: one for one in table.global_indexes}, {one["IndexName"]: one for one in wanted}
    for name in there.keys() & to_be.keys():
        if (there[name].schema, there[name].projection) != (to_be[name]["KeySchema"], to_be[name]["Projection"]):
            raise MockValidationException(_ANOTHER_NAME)
    updates = [{"Delete": {"IndexName": name}} for name in there if name not in to_be]
    updates += [{"Create": dict(one)} for name, one in to_be.items() if name not in there]
    if len(updates) > 1:
        raise MockValidationException(_ONE_AN_UPDATE)
    return updates


def _refuse_several(table: Any, updates: Iterable[Mapping[str, Any]]) -> None:
    """One is enough where another is being filled, unless it is that one which goes."""
    changes = [action for update in updates for kind, action in update.items() if kind in ("Create", "Delete")]
    filled = {one.name for one in table.global_indexes if one.status == "CREATING"}
    if len(changes) > 1 or (changes and filled - {changes[0]["IndexName"]}):
        raise JsonRESTError("com.amazonaws.dynamodb.v20120810#LimitExceededException", _ONE_AT_A_TIME)


def install(aws: Aws) -> None:
    """Lets a table get one index at a time, which is filled before it is read."""
    update, describe = DynamoDBBackend.update_table_global_indexes, DynamoDBBackend.describe_table
    describe_index, find = GlobalSecondaryIndex.describe, Table.get_index

    @replaces(Table, "get_index", digest="18e8870cd716")
    def get_index(self: Any, index_name: str, error_if_not: bool = False) -> Any:
        index = find(self, index_name, error_if_not)
        if getattr(index, "status", "ACTIVE") == "CREATING":
            raise MockValidationException(f"Cannot read from backfilling global secondary index: {index_name}")
        return index

    @replaces(DynamoDBBackend, "get_schema", digest="d9697684baeb")
    def get_schema(self: Any, table_name: str, index_name: str | None) -> Any:
        table = self.get_table(table_name)
        return table.get_index(index_name, error_if_not=True).schema if index_name else table.schema

    @replaces(DynamoDBBackend, "update_table_global_indexes", digest="f457ee5bb09c")
    def update_indexes(self: Any, table: Any, global_index_updates: list[dict[str, Any]]) -> None:
        _refuse_several(table, global_index_updates)
        before = {one.name for one in table.global_indexes}
        update(self, table, global_index_updates)
        for index in table.global_indexes:
            if index.name not in before:
                index.status = "CREATING"

    @replaces(GlobalSecondaryIndex, "describe", digest="bcfc399de33c")
    def describe_filled(self: Any) -> dict[str, Any]:
        return {**describe_index(self), **({"Backfilling": True} if self.status == "CREATING" else {})}

    @replaces(DynamoDBBackend, "describe_table", digest="c98118adb16b")
    def describe_table(self: Any, name: str) -> Any:
        described = describe(self, name)
        for index in self.get_table(name).global_indexes:
            index.status = "ACTIVE"
        return described

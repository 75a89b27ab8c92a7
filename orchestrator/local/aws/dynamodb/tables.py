"""What DynamoDB says of a table, where moto says more, less or something else.

Source: answers of AWS that LocalStack recorded (tests/aws/services/dynamodb/test_dynamodb in October 2025,
tests/aws/services/lambda_/event_source_mapping in October 2024): a table is CREATING in the answer to CreateTable,
UPDATING in that to UpdateTable and DELETING in that to DeleteTable. It has an id and no empty lists of indexes, and
names its billing mode only if it is on demand; once it is made, with the moment since which it is.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.dynamodb.exceptions import MockValidationException, ResourceNotFoundException
from moto.dynamodb.models.table import GlobalSecondaryIndex, Table
from moto.dynamodb.responses import DynamoHandler

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_NEITHER = (
    "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when"
    " BillingMode is PAY_PER_REQUEST"
)

#: What the answer to DeleteTable leaves out.
_NOT_SAID_OF_WHAT_GOES = {"AttributeDefinitions", "CreationDateTime", "KeySchema", "WarmThroughput"}


def described(table: Any, said: dict[str, Any]) -> dict[str, Any]:
    """Turns moto's description of a table into AWS's."""
    description = {name: value for name, value in said.items() if value != []}
    description["TableId"] = table.__dict__.setdefault("table_id", str(uuid.uuid4()))
    description["ProvisionedThroughput"] = {**said["ProvisionedThroughput"], "NumberOfDecreasesToday": 0}
    if table.billing_mode != "PAY_PER_REQUEST":
        del description["BillingModeSummary"]
    else:
        since = said["CreationDateTime"]
        description["BillingModeSummary"] = {"LastUpdateToPayPerRequestDateTime": since, **said["BillingModeSummary"]}
    for index in description.get("GlobalSecondaryIndexes", []):
        index["IndexArn"] = f"{table.table_arn}/index/{index['IndexName']}"
    return description


def install(aws: Aws) -> None:
    """Describes tables."""
    describe, describe_index = Table.describe, GlobalSecondaryIndex.describe
    create, update, delete = DynamoHandler.create_table, DynamoHandler.update_table, DynamoHandler.delete_table

    @replaces(Table, "describe", digest="f0abdc4fe663")
    def describe_table(self: Any, base_key: str = "TableDescription") -> dict[str, Any]:
        return {base_key: described(self, describe(self, base_key)[base_key])}

    @replaces(GlobalSecondaryIndex, "describe", digest="bcfc399de33c")
    def describe_global_index(self: Any) -> dict[str, Any]:
        said = describe_index(self)
        throughput = {**said["ProvisionedThroughput"], "NumberOfDecreasesToday": 0}
        return {**said, "ProvisionedThroughput": throughput, "IndexSizeBytes": 0, "ItemCount": 0}

    @replaces(DynamoHandler, "create_table", digest="0ff867394766")
    def create_table(self: Any) -> Any:
        if self.body.get("BillingMode") == "PAY_PER_REQUEST" and self.body.get("ProvisionedThroughput"):
            raise MockValidationException(_NEITHER)
        answer = create(self)
        said = answer.result["TableDescription"]
        said["TableStatus"] = "CREATING"
        if "BillingModeSummary" in said:
            del said["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"]
        for index in said.get("GlobalSecondaryIndexes", []):
            index["IndexStatus"] = "CREATING"
            index.pop("WarmThroughput", None)
        if "WarmThroughput" in self.body:
            said["WarmThroughput"] = {**said["WarmThroughput"], "Status": "UPDATING"}
        else:
            said.pop("WarmThroughput", None)
        return answer

    @replaces(DynamoHandler, "update_table", digest="c6cbd7f0cab1")
    def update_table(self: Any) -> Any:
        answer = update(self)
        answer.result["TableDescription"]["TableStatus"] = "UPDATING"
        return answer

    @replaces(DynamoHandler, "delete_table", digest="91050b5638bf")
    def delete_table(self: Any) -> Any:
        if self.body["TableName"] not in self.dynamodb_backend.tables:
            raise ResourceNotFoundException(table_name=self.body["TableName"])
        answer = delete(self)
        said = answer.result["TableDescription"]
        answer.result["TableDescription"] = {
            **{name: value for name, value in said.items() if name not in _NOT_SAID_OF_WHAT_GOES},
            "TableStatus": "DELETING",
        }
        return answer

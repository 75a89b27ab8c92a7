"""Facts about what DynamoDB says of tables.

``recorded``: answers of AWS that LocalStack recorded on 2025-10-08 (tests/aws/services/dynamodb/test_dynamodb).
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws

KEY: Any = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
ON_DEMAND = {**KEY, "BillingMode": "PAY_PER_REQUEST"}
PROVISIONED = {**KEY, "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 4}}


def made(aws: EmbeddedAws, **request: Any) -> Any:
    return aws.client("dynamodb").create_table(TableName="t", **request)["TableDescription"]


def test_a_table_is_being_created_and_then_active(aws: EmbeddedAws) -> None:
    """Source: recorded test_table_crud."""
    created = made(aws, **PROVISIONED)
    described = aws.client("dynamodb").describe_table(TableName="t")["Table"]
    assert (created["TableStatus"], described["TableStatus"]) == ("CREATING", "ACTIVE")
    assert created["TableId"] == described["TableId"]


def test_what_is_said_of_a_table_and_what_is_not(aws: EmbeddedAws) -> None:
    """Source: recorded test_table_crud: no billing mode of a provisioned one, no empty lists of indexes."""
    created = made(aws, **PROVISIONED)
    assert not created.keys() & {"BillingModeSummary", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"}
    assert "WarmThroughput" not in created
    assert created["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 4,
    }
    described = aws.client("dynamodb").describe_table(TableName="t")["Table"]
    assert described["WarmThroughput"] == {"ReadUnitsPerSecond": 5, "Status": "ACTIVE", "WriteUnitsPerSecond": 4}


def test_an_index_has_an_arn_and_counts(aws: EmbeddedAws) -> None:
    """Source: recorded test_gsi_with_billing_mode[PAY_PER_REQUEST]."""
    index = {"IndexName": "index", "KeySchema": KEY["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
    created = made(aws, **ON_DEMAND, GlobalSecondaryIndexes=[index])
    assert created["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (said,) = created["GlobalSecondaryIndexes"]
    assert said["IndexArn"] == f"{created['TableArn']}/index/index"
    assert (said["IndexSizeBytes"], said["ItemCount"], said["IndexStatus"]) == (0, 0, "CREATING")


def test_a_table_on_demand_has_no_provisioned_throughput(aws: EmbeddedAws) -> None:
    """Source: recorded test_dynamodb_pay_per_request."""
    with pytest.raises(ClientError) as refused:
        made(aws, **PROVISIONED, BillingMode="PAY_PER_REQUEST")
    assert refused.value.response["Error"]["Message"] == (
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified"
        " when BillingMode is PAY_PER_REQUEST"
    )


def test_a_table_is_being_updated_and_then_active_and_says_since_when_it_is_on_demand(aws: EmbeddedAws) -> None:
    """Source: recorded test_dynamodb_event_source_mapping_with_on_failure_destination_config."""
    created = made(aws, **ON_DEMAND)
    assert set(created["BillingModeSummary"]) == {"BillingMode"}
    stream: Any = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb = aws.client("dynamodb")
    updated = dynamodb.update_table(TableName="t", StreamSpecification=stream)["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    assert updated["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == created["CreationDateTime"]
    later = [dynamodb.describe_table(TableName="t")["Table"]["TableStatus"] for _ in range(2)]
    assert later == ["UPDATING", "ACTIVE"]


def test_of_a_table_that_goes_less_is_said(aws: EmbeddedAws) -> None:
    """Source: recorded test_table_crud."""
    made(aws, **PROVISIONED)
    gone = aws.client("dynamodb").delete_table(TableName="t")["TableDescription"]
    assert gone["TableStatus"] == "DELETING"
    assert not gone.keys() & {"AttributeDefinitions", "CreationDateTime", "KeySchema", "WarmThroughput"}
    with pytest.raises(ClientError) as refused:
        aws.client("dynamodb").delete_table(TableName="t")
    assert refused.value.response["Error"]["Message"] == "Requested resource not found: Table: t not found"

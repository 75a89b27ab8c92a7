"""Facts about indexes that a table gets and loses while it is in use.

``managing``: "Managing Global Secondary Indexes"; ``table``: "AWS::DynamoDB::Table", GlobalSecondaryIndexes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws

ITEM: Any = {"id": {"S": "1"}, "colour": {"S": "red"}, "weight": {"N": "7"}}


@pytest.fixture(scope="module")
def aws(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    yield embedded_aws
    embedded_aws.reset()


def index(name: str, projection: str = "ALL") -> Any:
    key = [{"AttributeName": "colour", "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": projection}}


def properties(name: str, *indexes: Any) -> Any:
    attributes = ["colour", "id"] if indexes else ["id"]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": one, "AttributeType": "S"} for one in attributes],
        **({"GlobalSecondaryIndexes": list(indexes)} if indexes else {}),
    }


@pytest.fixture
def table(aws: EmbeddedAws, request: pytest.FixtureRequest) -> str:
    """A table with an index ``old`` and an item, which a stack of its name has made."""
    name = f"t{abs(hash(request.node.name))}"
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=template(name, index("old")))
    aws.client("dynamodb").put_item(TableName=name, Item=ITEM)
    return name


def template(name: str, *indexes: Any) -> str:
    return json.dumps({"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": properties(name, *indexes)}}})


def update(aws: EmbeddedAws, name: str, *indexes: Any) -> str:
    """What CloudFormation says of the table, or nothing; the stack has those indexes then, or those of before."""
    client = aws.client("cloudformation")
    client.update_stack(StackName=name, TemplateBody=template(name, *indexes))
    failed = [
        one["ResourceStatusReason"]
        for one in client.describe_stack_events(StackName=name)["StackEvents"]
        if one["ResourceStatus"] == "UPDATE_FAILED"
    ]
    return failed[0] if failed else ""


def found(aws: EmbeddedAws, table: str, name: str) -> Any:
    (item,) = aws.client("dynamodb").query(
        TableName=table,
        IndexName=name,
        KeyConditionExpression="colour = :red",
        ExpressionAttributeValues={":red": {"S": "red"}},
    )["Items"]
    return item


def statuses(aws: EmbeddedAws, table: str) -> dict[str, tuple[str, bool]]:
    described = aws.client("dynamodb").describe_table(TableName=table)["Table"]
    return {
        one["IndexName"]: (one["IndexStatus"], one.get("Backfilling", False))
        for one in described.get("GlobalSecondaryIndexes", [])
    }


ACTIVE, FILLED = ("ACTIVE", False), ("CREATING", True)


def test_a_new_index_is_filled_and_then_has_what_was_there(aws: EmbeddedAws, table: str) -> None:
    """Source: managing; the refusal: serverless/serverless issue 10666."""
    assert update(aws, table, index("old"), index("new", "KEYS_ONLY")) == ""
    for read in (aws.client("dynamodb").scan, lambda **named: found(aws, table, named["IndexName"])):
        with pytest.raises(ClientError, match="Cannot read from backfilling global secondary index: new"):
            read(TableName=table, IndexName="new")
    assert found(aws, table, "old") == ITEM
    assert statuses(aws, table) == {"old": ACTIVE, "new": FILLED}
    assert statuses(aws, table) == {"old": ACTIVE, "new": ACTIVE}
    assert found(aws, table, "new") == {"id": ITEM["id"], "colour": ITEM["colour"]}


def test_an_index_that_was_deleted_is_not_read(aws: EmbeddedAws, table: str) -> None:
    """Source: managing; the words as users report them."""
    assert update(aws, table) == ""
    assert statuses(aws, table) == {}
    with pytest.raises(ClientError, match=r"ValidationException.*The table does not have the specified index: old"):
        found(aws, table, "old")


@pytest.mark.parametrize(
    "indexes", [(index("new"),), (index("old"), index("new"), index("other"))], ids=["one for another", "two"]
)
def test_cloudformation_makes_or_deletes_one_in_an_update(aws: EmbeddedAws, table: str, indexes: Any) -> None:
    """Source: table; the words: aws/aws-cdk issue 14920."""
    said = update(aws, table, *indexes)
    assert "Cannot perform more than one GSI creation or deletion in a single update" in said
    assert statuses(aws, table) == {"old": ACTIVE}


def test_cloudformation_changes_nothing_of_what_an_index_holds(aws: EmbeddedAws, table: str) -> None:
    """Source: table; the words: aws-amplify/amplify-category-api issue 988."""
    said = update(aws, table, index("old", "KEYS_ONLY"))
    assert "Cannot update GSI's properties other than Provisioned Throughput" in said
    assert found(aws, table, "old") == ITEM


def test_a_request_creates_or_deletes_one_and_none_while_another_is_filled(aws: EmbeddedAws, table: str) -> None:
    """Source: managing; the words: dynalite's tests against AWS."""
    # A client that does not try again what is over a limit.
    client = aws.clients.get("dynamodb", aws.region, "")
    attributes = properties(table, index("new"))["AttributeDefinitions"]

    def request(*updates: Any) -> None:
        client.update_table(TableName=table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=list(updates))

    only_one = r"LimitExceededException.*Only 1 online index can be created or deleted simultaneously per table"
    with pytest.raises(ClientError, match=only_one):
        request({"Create": index("new")}, {"Delete": {"IndexName": "old"}})
    request({"Create": index("new")})
    with pytest.raises(ClientError, match=only_one):
        request({"Delete": {"IndexName": "old"}})
    # One that is being filled may be deleted.
    request({"Delete": {"IndexName": "new"}})
    request({"Delete": {"IndexName": "old"}})
    assert statuses(aws, table) == {}

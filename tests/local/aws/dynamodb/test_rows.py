"""Items lie in a file, and come back as they were."""

from __future__ import annotations

import copy
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from orchestrator.local.aws.dynamodb import rows
from orchestrator.local.aws.dynamodb.rows import Rows
from orchestrator.local.aws.server import EmbeddedAws

VALUES: dict[str, Any] = {
    "text": {"S": "é\0\U0001f600"},
    "number": {"N": "1.50"},
    "binary": {"B": "AAE="},
    "true": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "list": {"L": [{"S": "a"}, {"M": {"inner": {"L": [{"N": "1"}]}}}, {"SS": ["x"]}]},
    "map": {"M": {"a": {"M": {}}, "b": {"L": []}}},
}


def made(slot: int, **attributes: Any) -> Any:
    key = {"task": {"S": f"t-{slot % 3}"}, "slot": {"N": str(slot)}}
    return Item(DynamoType(key["task"]), DynamoType(key["slot"]), {**key, **attributes})


@pytest.fixture
def table(embedded_aws: EmbeddedAws) -> Rows:
    return Rows(("task", "slot"))


def test_an_item_comes_back_with_every_kind_of_value(table: Rows) -> None:
    table.keep(made(1, **VALUES))
    table.forget({"task": {"S": "t-1"}, "slot": {"N": "1"}})
    back = table.get({"task": {"S": "t-1"}, "slot": {"N": "1.0"}})
    assert back.to_json()["Attributes"] == {"task": {"S": "t-1"}, "slot": {"N": "1"}, **VALUES}
    assert (back.hash_key, back.range_key) == (DynamoType({"S": "t-1"}), DynamoType({"N": "1"}))


def test_few_of_many_items_are_objects(table: Rows) -> None:
    before = sum(type(one) is Item for one in gc.get_objects())
    for number in range(5 * rows.AT_HAND):
        table.keep(made(number))
    assert sum(type(one) is Item for one in gc.get_objects()) - before <= rows.AT_HAND
    assert len(table) == 5 * rows.AT_HAND


def test_items_that_are_at_hand_are_small(table: Rows) -> None:
    table.keep(made(1, text={"S": "x" * 100_000}))
    key = {"task": {"S": "t-1"}, "slot": {"N": "1"}}
    assert table.get(key) is not table.get(key)


@pytest.mark.parametrize("schema", [("kind", "slot"), ("kind", None)])
def test_an_index_that_is_asked_late_knows_what_was_written_before(table: Rows, schema: rows.Schema) -> None:
    def of_kind(kind: str) -> set[int]:
        found = table.between(schema, kind.encode(), kind.encode() + b"\xff", first=2)
        return {int(item.range_key.value) for item in found}

    for number in range(120):
        table.keep(made(number, kind={"S": "odd" if number % 2 else "even"}))
    assert of_kind("Sodd") == set(range(1, 120, 2))
    table.keep(made(1, kind={"S": "even"}))
    table.keep(made(2))
    assert of_kind("Seven") == {1} | set(range(0, 120, 2)) - {2}


def test_a_copy_goes_its_own_way(table: Rows) -> None:
    table.keep(made(1))
    other = copy.deepcopy(table)
    other.keep(made(2))
    assert (len(table), len(other)) == (1, 2)


@pytest.fixture
def client(embedded_aws: EmbeddedAws) -> Iterator[Any]:
    """DynamoDB's, with a table of tasks."""
    client = embedded_aws.client("dynamodb")
    client.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "task", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "task", "KeyType": "HASH"}],
    )
    yield client
    embedded_aws.reset()


def test_a_table_restored_from_a_backup_has_the_items_of_then(client: Any) -> None:
    client.put_item(TableName="table", Item={"task": {"S": "a"}})
    backup = client.create_backup(TableName="table", BackupName="backup")["BackupDetails"]["BackupArn"]
    client.put_item(TableName="table", Item={"task": {"S": "b"}})
    client.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
    found = {name: client.scan(TableName=name)["Items"] for name in ("table", "restored")}
    counted = [client.describe_table(TableName=name)["Table"]["ItemCount"] for name in found]
    assert found == {"table": [{"task": {"S": "a"}}, {"task": {"S": "b"}}], "restored": [{"task": {"S": "a"}}]}
    assert counted == [2, 1]


def test_an_update_that_fails_half_way_changes_nothing(client: Any) -> None:
    client.put_item(TableName="table", Item={"task": {"S": "a"}, "n": {"N": "1"}, "text": {"S": "x"}})
    with pytest.raises(client.exceptions.ClientError):
        client.update_item(
            TableName="table",
            Key={"task": {"S": "a"}},
            UpdateExpression="SET n = n + :one, long = :long, long2 = :long",
            ExpressionAttributeValues={":one": {"N": "1"}, ":long": {"S": "x" * 300_000}},
        )
    item = client.get_item(TableName="table", Key={"task": {"S": "a"}})["Item"]
    assert item == {"task": {"S": "a"}, "n": {"N": "1"}, "text": {"S": "x"}}

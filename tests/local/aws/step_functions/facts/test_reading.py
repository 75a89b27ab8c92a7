"""A distributed map reads its items from S3 as on AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts.executions import assert_as_on_aws
from tests.local.aws.step_functions.facts.fact import Fact

OBJECTS = {
    "list.json": b'[{"n": 1}, {"n": 2}, {"n": 3}]',
    "object.json": b'{"n": 1}',
    "rows.csv": b"a,b\n1,2\n,x\n",
}
_BEGUN = ("ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted")


def reads(key: str, **config: Any) -> dict[str, dict[str, Any]]:
    """A distributed map that gives the items that it reads."""
    return {
        "A": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": config,
                "Arguments": {"Bucket": "facts-to-read", "Key": key},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "B",
                "States": {"B": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    }


def _read(name: str, source: str, states: Any, output: Any) -> Fact:
    events = (*_BEGUN, "MapRunSucceeded", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded")
    return Fact(name=name, source=f"recorded {source}", states=states, output=output, events=events)


def _unread(name: str, source: str, states: Any, cause: str) -> Fact:
    return Fact(
        name=name,
        source=f"recorded {source}",
        states=states,
        status="FAILED",
        error="States.ItemReaderFailed",
        cause=cause,
        events=(*_BEGUN, "MapRunFailed", "MapStateFailed", "ExecutionFailed"),
    )


FACTS = [
    _read(
        "the items of a list of JSON",
        "test_map_item_reader_base_json, 2023-09-21",
        reads("list.json", InputType="JSON"),
        [{"n": 1}, {"n": 2}, {"n": 3}],
    ),
    _read(
        "not more items than are wanted",
        "test_map_item_reader_base_json_max_items_jsonata, 2024-11-13",
        reads("list.json", InputType="JSON", MaxItems=2),
        [{"n": 1}, {"n": 2}],
    ),
    _read(
        "the rows of a CSV whose first one names the fields",
        "test_map_item_reader_base_csv_headers_first_line, 2023-09-21",
        reads("rows.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW"),
        [{"a": "1", "b": "2"}, {"a": "", "b": "x"}],
    ),
    _read(
        "the rows of a CSV whose fields are given",
        "test_map_item_reader_base_csv_headers_decl, 2023-09-21",
        reads("rows.csv", InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["c", "d"]),
        [{"c": "a", "d": "b"}, {"c": "1", "d": "2"}, {"c": "", "d": "x"}],
    ),
    _unread(
        "two fields of one name",
        "test_map_item_reader_csv_headers_decl_duplicate_headers, 2023-09-21",
        reads("rows.csv", InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["c", "c"]),
        "CSV headers cannot contain duplicates.",
    ),
    _unread(
        "JSON that is no list",
        "test_map_item_reader_json_no_json_list_object, 2023-09-21",
        reads("object.json", InputType="JSON"),
        "Attempting to map over non-iterable node.",
    ),
]


@pytest.fixture(scope="module", autouse=True)
def objects(world: Machines) -> None:
    s3 = world.aws.client("s3")
    s3.create_bucket(Bucket="facts-to-read")
    for key, body in OBJECTS.items():
        s3.put_object(Bucket="facts-to-read", Key=key, Body=body)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_items_are_read_as_on_aws(world: Machines, fact: Fact) -> None:
    assert_as_on_aws(world, fact)


@pytest.mark.parametrize("kind", ["JSONL", "PARQUET", "MANIFEST"])
def test_what_the_embedded_aws_cannot_read_is_refused_at_creation(world: Machines, kind: str) -> None:
    """AWS reads these, too: "ItemReader (Map)"."""
    with pytest.raises(ClientError, match=f"reads no items of the InputType {kind}; CSV and JSON it does") as refused:
        world.make(reads("list.json", InputType=kind), name="unread")
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


def test_an_item_reader_reads_from_s3_alone(world: Machines) -> None:
    """Measured on AWS: floci-io/floci, and badmintoncryer/cdk-preflight."""
    states = reads("list.json", InputType="JSON")
    states["A"]["ItemReader"]["Resource"] = "arn:aws:states:::s3:getObjects"
    with pytest.raises(ClientError, match="The field 'Resource' does not match any of the allowed values") as refused:
        world.make(states, name="unread")
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"

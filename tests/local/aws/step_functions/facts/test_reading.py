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


def _paths(given: object, **more: Any) -> dict[str, Any]:
    """A machine that says in its input how many items it reads."""
    states = reads("list.json", InputType="JSON", MaxItemsPath="$.n")
    reader = states["A"]["ItemReader"]
    reader["Parameters"] = reader.pop("Arguments")
    return {"query_language": "JSONPath", "states": states, "given": {"n": given}, **more}


FACTS = [
    *(
        Fact(
            name=f"as many items as a path says: {given}",
            source=f"recorded test_map_item_reader_csv_max_items_paths[{given}], 2024-01",
            output=[{"n": 1}, {"n": 2}, {"n": 3}][: given or 3],
            **_paths(given),
        )
        for given in (0, 2, 100_000_000, 100_000_001)
    ),
    Fact(
        name="fewer items than none",
        source="recorded test_map_item_reader_csv_max_items_paths[-1], 2024-01",
        events=(*_BEGUN, "MapRunFailed", "MapStateFailed", "ExecutionFailed"),
        details={5: {"error": "States.ItemReaderFailed", "cause": "field MaxItems must be positive"}},
        **_paths(-1, status="FAILED", error="States.ItemReaderFailed", cause="field MaxItems must be positive"),
    ),
    Fact(
        name="one item and a half",
        source="recorded test_map_item_reader_csv_max_items_paths[1.5], 2024-01",
        events=(*_BEGUN[:3], "ExecutionFailed"),
        **_paths(
            1.5,
            status="FAILED",
            error="States.Runtime",
            cause="An error occurred while executing the state 'A' (entered at the event id #2). "
            'The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.n',
        ),
    ),
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


def lists(prefix: str, **config: Any) -> dict[str, dict[str, Any]]:
    """A distributed map that gives what it is told of each object."""
    states = reads("", **config)
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2"} | ({"ReaderConfig": config} if config else {})
    states["A"]["ItemReader"] = reader | {"Arguments": {"Bucket": "facts-to-read", "Prefix": prefix}}
    return states


def test_objects_are_listed_as_step_functions_writes_them(world: Machines) -> None:
    """Measured: floci-io/floci#3460. ETag is Etag, in its quotes, and the moment is a number of seconds."""
    (one,) = world.run(lists("list.j"), name="lists").output
    told = world.aws.client("s3").head_object(Bucket="facts-to-read", Key="list.json")
    assert list(one) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]
    assert one | {"LastModified": 0} == {
        "Etag": told["ETag"],
        "Key": "list.json",
        "LastModified": 0,
        "Size": len(OBJECTS["list.json"]),
        "StorageClass": "STANDARD",
    }
    assert int(one["LastModified"]) == int(told["LastModified"].timestamp())


def test_every_object_is_listed_and_not_the_first_thousand(world: Machines) -> None:
    """Measured: the same, with 1006 objects. Here it is the page that is short."""
    client = world.aws.client("s3")
    for number in range(3):
        client.put_object(Bucket="facts-to-read", Key=f"pages/{number}", Body=b"")
    states = lists("pages/")
    states["A"]["ItemReader"]["Arguments"]["MaxKeys"] = 2
    states["A"]["ItemProcessor"]["States"]["B"]["Output"] = "{% $states.input.Key %}"
    assert world.run(states, name="pages").output == ["pages/0", "pages/1", "pages/2"]


def test_not_more_objects_are_listed_than_are_wanted(world: Machines) -> None:
    """The guide: "ItemReader (Map)"."""
    assert [one["Key"] for one in world.run(lists("", MaxItems=1), name="most").output] == ["list.json"]


def test_a_prefix_that_nothing_has_is_no_items(world: Machines) -> None:
    """Not confirmed."""
    assert world.run(lists("gone/"), name="none").output == []


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

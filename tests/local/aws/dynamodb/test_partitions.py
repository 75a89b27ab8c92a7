"""moto goes through all items of a table, and sorts them, for every page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.local.aws.server import EmbeddedAws

Item = dict[str, Any]

SCHEMA: Any = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "task", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
        {"AttributeName": "status", "AttributeType": "S"},
        {"AttributeName": "slot", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "task", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "StatusIndex",
            "KeySchema": [
                {"AttributeName": "status", "KeyType": "HASH"},
                {"AttributeName": "slot", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}

tasks, numbers = st.sampled_from(["a", "b", "é"]), st.integers(-3, 12)
statuses, slots = st.sampled_from(["RUNNING", "FAILED", None]), st.sampled_from(["1", "10", "2", "20", "3"])
writes = st.lists(
    st.one_of(
        st.tuples(st.just("put"), tasks, numbers, statuses, slots),
        st.tuples(st.just("update"), tasks, numbers, statuses, slots),
        st.tuples(st.just("delete"), tasks, numbers, statuses, slots),
        st.tuples(st.just("fail"), tasks, numbers, statuses, slots),
    ),
    max_size=25,
)
limits, directions = st.sampled_from([None, 1, 2, 3]), st.booleans()


class Model:
    """A table, and what it should hold."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.client = aws.client("dynamodb")
        self.client.create_table(TableName="model", **SCHEMA)
        self.items: dict[tuple[str, int], Item] = {}

    def write(self, kind: str, task: str, number: int, status: str | None, slot: str) -> None:
        key: Any = {"task": {"S": task}, "n": {"N": str(number)}}
        item = {**key, "slot": {"S": slot}, **({"status": {"S": status}} if status else {})}
        if kind == "delete":
            self.client.delete_item(TableName="model", Key=key)
            self.items.pop((task, number), None)
        elif kind == "put":
            self.client.put_item(TableName="model", Item=item)
            self.items[task, number] = item
        elif kind == "fail":
            never = {"ConditionExpression": "attribute_exists(nothing)"}
            failing: Any = {
                "ConditionCheck": {"TableName": "model", "Key": {"task": {"S": "x"}, "n": {"N": "0"}}, **never}
            }
            put: Any = {"Put": {"TableName": "model", "Item": item}}
            with pytest.raises(self.client.exceptions.TransactionCanceledException):
                self.client.transact_write_items(TransactItems=[put, failing])
        else:
            names, values = {"#s": "status"}, {":slot": {"S": slot}}
            change = "SET slot = :slot REMOVE #s"
            if status:
                values[":status"] = {"S": status}
                change = "SET slot = :slot, #s = :status"
            update: Any = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
            self.client.update_item(TableName="model", Key=key, UpdateExpression=change, **update)
            self.items[task, number] = item

    def pages(self, read: str, limit: int | None, **request: Any) -> list[Item]:
        """All items of all pages, each page as long as it may be."""
        more: dict[str, Any] = {"Limit": limit} if limit else {}
        found: list[Item] = []
        while True:
            page = getattr(self.client, read)(TableName="model", **request, **more)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            assert len(page["Items"]) == limit
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@pytest.fixture
def fresh(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    yield embedded_aws
    embedded_aws.reset()


conditions = st.sampled_from(
    [
        ("", lambda n: True, ()),
        (" AND n = :a", lambda n: n == 2, (2,)),
        (" AND n < :a", lambda n: n < 2, (2,)),
        (" AND n <= :a", lambda n: n <= 2, (2,)),
        (" AND n > :a", lambda n: n > 2, (2,)),
        (" AND n >= :a", lambda n: n >= 2, (2,)),
        (" AND n BETWEEN :a AND :b", lambda n: -1 <= n <= 10, (-1, 10)),
    ]
)


@pytest.mark.parametrize(
    ("condition", "forward", "expected"),
    [("n > :a", True, [3, 4]), ("n >= :a", True, [2, 3, 4]), ("n < :a", False, [1, 0]), ("n <= :a", False, [2, 1, 0])],
)
def test_a_page_that_begins_at_a_bound_is_not_the_last(
    fresh: EmbeddedAws, condition: str, forward: bool, expected: list[int]
) -> None:
    model = Model(fresh)
    for number in range(5):
        model.write("put", "a", number, None, "1")
    found = model.pages(
        "query", 1, KeyConditionExpression=f"task = :t AND {condition}", ScanIndexForward=forward,
        ExpressionAttributeValues={":t": {"S": "a"}, ":a": {"N": "2"}},
    )  # fmt: skip
    assert [int(item["n"]["N"]) for item in found] == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes, writes, tasks, conditions, limits, directions)
def test_a_query_finds_what_the_table_holds(
    fresh: EmbeddedAws, first: Any, second: Any, task: str, condition: Any, limit: int | None, forward: bool
) -> None:
    fresh.reset()
    model = Model(fresh)
    expression, holds, bounds = condition
    values = {f":{name}": {"N": str(bound)} for name, bound in zip("ab", bounds, strict=False)}
    # The order is made by the first query, and kept by what is written after it.
    for some in (first, second):
        for write in some:
            model.write(*write)
        found = model.pages(
            "query", limit, KeyConditionExpression=f"task = :t{expression}", ScanIndexForward=forward,
            ExpressionAttributeValues={":t": {"S": task}, **values},
        )  # fmt: skip
        expected = [item for (of, n), item in sorted(model.items.items()) if of == task and holds(n)]
        assert found == (expected if forward else expected[::-1])


slot_conditions = st.sampled_from(
    [
        ("", lambda slot: True, ()),
        (" AND slot = :a", lambda slot: slot == "10", ("10",)),
        (" AND slot >= :a", lambda slot: slot >= "10", ("10",)),
        (" AND slot < :a", lambda slot: slot < "2", ("2",)),
        (" AND slot BETWEEN :a AND :b", lambda slot: "10" <= slot <= "20", ("10", "20")),
        (" AND begins_with(slot, :a)", lambda slot: slot.startswith("1"), ("1",)),
    ]
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes, writes, slot_conditions, limits, directions)
def test_a_query_of_an_index_finds_what_the_table_holds(
    fresh: EmbeddedAws, first: Any, second: Any, condition: Any, limit: int | None, forward: bool
) -> None:
    fresh.reset()
    model = Model(fresh)
    expression, holds, bounds = condition
    values = {f":{name}": {"S": bound} for name, bound in zip("ab", bounds, strict=False)}
    for some in (first, second):
        for write in some:
            model.write(*write)
        found = model.pages(
            "query", limit, IndexName="StatusIndex", KeyConditionExpression=f"#s = :s{expression}",
            ScanIndexForward=forward, ExpressionAttributeNames={"#s": "status"},
            ExpressionAttributeValues={":s": {"S": "RUNNING"}, **values},
        )  # fmt: skip
        running = [item for _, item in sorted(model.items.items()) if item.get("status") == {"S": "RUNNING"}]
        expected = [item for item in running if holds(item["slot"]["S"])]
        expected.sort(key=lambda item: str(item["slot"]["S"]))
        assert found == (expected if forward else expected[::-1])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes, writes, limits)
def test_a_scan_finds_all_that_the_table_holds(fresh: EmbeddedAws, first: Any, second: Any, limit: int | None) -> None:
    fresh.reset()
    model = Model(fresh)
    for some in (first, second):
        for write in some:
            model.write(*write)
        found = model.pages("scan", limit)
        assert found == [item for _, item in sorted(model.items.items())]


def test_a_filter_takes_out_what_a_page_has_counted(fresh: EmbeddedAws) -> None:
    model = Model(fresh)
    for number in range(6):
        model.write("put", "a", number, "FAILED" if number % 2 else "RUNNING", "1")
    page = model.client.query(
        TableName="model", KeyConditionExpression="task = :t", FilterExpression="#s = :s", Limit=4,
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":t": {"S": "a"}, ":s": {"S": "FAILED"}},
    )  # fmt: skip
    assert [item["n"]["N"] for item in page["Items"]] == ["1", "3"]
    assert (page["ScannedCount"], page["LastEvaluatedKey"]["n"]) == (4, {"N": "3"})


def test_a_page_ends_at_a_megabyte(fresh: EmbeddedAws) -> None:
    model = Model(fresh)
    for number in range(5):
        item = {"task": {"S": "a"}, "n": {"N": str(number)}, "text": {"S": "x" * 300_000}}
        model.client.put_item(TableName="model", Item=item)
    query: Any = {"KeyConditionExpression": "task = :t", "ExpressionAttributeValues": {":t": {"S": "a"}}}
    first = model.client.query(TableName="model", **query)
    rest = model.client.query(TableName="model", **query, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert (first["Count"], rest["Count"]) == (3, 2)
    assert "LastEvaluatedKey" not in rest


def test_requests_cost_the_same_however_many_items_there_are(fresh: EmbeddedAws) -> None:
    model = Model(fresh)
    table = fresh.backend("dynamodb").get_table("model")
    requests: dict[str, dict[str, Any]] = {
        "query": {"KeyConditionExpression": "task = :t", "ExpressionAttributeValues": {":t": {"S": "t-3"}}, "Limit": 5},
        "scan": {"Limit": 5},
        "get_item": {"Key": {"task": {"S": "t-3"}, "n": {"N": "3"}}},
        "update_item": {
            "Key": {"task": {"S": "t-3"}, "n": {"N": "3"}},
            "UpdateExpression": "SET slot = :s",
            "ExpressionAttributeValues": {":s": {"S": "7"}},
        },
    }
    index: Any = {
        "IndexName": "StatusIndex", "KeyConditionExpression": "#s = :s AND slot > :f", "Limit": 5,
        "ExpressionAttributeNames": {"#s": "status"},
        "ExpressionAttributeValues": {":s": {"S": "SUCCEEDED"}, ":f": {"S": "00000100"}},
    }  # fmt: skip
    write: Any = {"Put": {"TableName": "model", "Item": {"task": {"S": "t-3"}, "n": {"N": "3"}}}}

    def fill(start: int, stop: int) -> None:
        for number in range(start, stop):
            key = {"task": {"S": f"t-{number % 10}"}, "n": {"N": str(number)}}
            table.put_item({**key, "status": {"S": "SUCCEEDED"}, "slot": {"S": f"{number:08}"}})

    def cost() -> float:
        """The least that one round has taken, in seconds."""
        taken = []
        for _ in range(8):
            began = time.perf_counter()
            for name, request in requests.items():
                getattr(model.client, name)(TableName="model", **request)
            model.client.query(TableName="model", **index)
            model.client.transact_write_items(TransactItems=[write])
            taken.append(time.perf_counter() - began)
        return min(taken)

    fill(0, 200)
    few = cost()
    fill(200, 10_000)
    assert cost() < 3 * few

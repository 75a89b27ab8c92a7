"""The cleanup: what is old goes, what is young stays, and time that runs out is said."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdas.data_cleanup import (
    MARGIN_MILLISECONDS,
    CleanupFailed,
    Progress,
    clean_items,
    clean_objects,
    handler,
    is_stale,
)
from orchestrator.errors import InvalidParameters
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.testing.invocation import SLOT, invoke
from tests.lambdas.conftest import BUCKET

NOW = datetime.fromisoformat(SLOT)
CUTOFF = NOW - timedelta(days=30)
SESSIONS = Stack().table("Sessions")


def put_objects(aws: EmbeddedAws, keys: dict[str, float]) -> None:
    """Objects of so many days before the slot; no API can date one back."""
    backend: Any = aws.global_backend("s3")
    for key, days in keys.items():
        backend.put_object(BUCKET, key, b"x").last_modified = NOW - timedelta(days=days)


def put_sessions(dynamodb: Any, ages: dict[str, float]) -> None:
    for name, days in ages.items():
        item = {"id": {"S": name}, "createdAt": {"S": (NOW - timedelta(days=days)).isoformat()}}
        dynamodb.put_item(TableName=SESSIONS, Item=item)


def keys(s3: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def sessions(dynamodb: Any) -> set[str]:
    return {item["id"]["S"] for item in dynamodb.scan(TableName=SESSIONS)["Items"]}


def always() -> bool:
    return True


def times(count: int) -> Any:
    """There is time so often."""
    left = iter([True] * count)
    return lambda: next(left, False)


def test_old_objects_under_the_prefix_go_and_all_others_stay(aws: EmbeddedAws, s3: Any) -> None:
    put_objects(aws, {"tmp/old": 31, "tmp/edge": 30, "tmp/young": 1, "keep/old": 400})
    result = invoke(handler, prefix="tmp/", retentionDays=30)
    assert keys(s3) == ["keep/old", "tmp/edge", "tmp/young"]
    assert result == {
        "cutoff": "2026-11-01T00:00:00Z",
        "dryRun": False,
        "complete": True,
        "objects": {"examined": 3, "deleted": 1, "complete": True, "undated": 0},
    }


def test_days_are_counted_from_the_slot(aws: EmbeddedAws, s3: Any) -> None:
    put_objects(aws, {"tmp/a": 31})
    result = invoke(handler, slot="2026-11-30T00:00:00Z", prefix="tmp/", retentionDays=30)
    assert (result["objects"]["deleted"], keys(s3)) == (0, ["tmp/a"])


def test_objects_of_several_pages_are_removed(aws: EmbeddedAws, s3: Any) -> None:
    put_objects(aws, {f"tmp/{number:05}": 40 if number % 2 else 1 for number in range(1100)})
    progress = clean_objects(s3, BUCKET, "tmp/", CUTOFF, has_time=always)
    assert progress == Progress(examined=1100, deleted=550)
    assert keys(s3) == [f"tmp/{number:05}" for number in range(0, 1100, 2)]


def test_time_that_runs_out_ends_between_pages_and_is_said(aws: EmbeddedAws, s3: Any) -> None:
    put_objects(aws, {f"tmp/{number:05}": 40 for number in range(1100)})
    progress = clean_objects(s3, BUCKET, "tmp/", CUTOFF, has_time=times(1))
    assert progress == Progress(examined=1000, deleted=1000, complete=False)
    assert clean_objects(s3, BUCKET, "tmp/", CUTOFF, has_time=always) == Progress(examined=100, deleted=100)


def test_objects_that_s3_keeps_are_an_error(aws: EmbeddedAws, s3: Any) -> None:
    def keep(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Errors"] = [{"Key": "tmp/a", "Code": "InternalError", "Message": "try again"}]

    put_objects(aws, {"tmp/a": 40})
    s3.meta.events.register("after-call.s3.DeleteObjects", keep)
    with pytest.raises(CleanupFailed, match=f"1 could not be deleted from s3://{BUCKET}: InternalError: try again"):
        clean_objects(s3, BUCKET, "tmp/", CUTOFF, has_time=always)


def test_old_items_go_and_young_ones_stay(dynamodb: Any) -> None:
    put_sessions(dynamodb, {"old": 31, "edge": 30, "young": 0, "future": -1})
    dynamodb.put_item(TableName=SESSIONS, Item={"id": {"S": "undated"}})
    result = invoke(handler, table="Sessions", timestampAttribute="createdAt", retentionDays=30)
    assert sessions(dynamodb) == {"edge", "young", "future", "undated"}
    assert result["items"] == {"examined": 5, "deleted": 1, "complete": True, "undated": 1}


def test_items_are_dated_by_a_key_of_the_table_too(dynamodb: Any) -> None:
    for moment in ("2026-10-01T00:00:00Z", "2026-11-30T00:00:00Z"):
        dynamodb.put_item(TableName=SESSIONS, Item={"id": {"S": moment}})
    assert clean_items(dynamodb, SESSIONS, "id", CUTOFF, has_time=always) == Progress(examined=2, deleted=1)
    assert sessions(dynamodb) == {"2026-11-30T00:00:00Z"}


def test_the_whole_key_of_an_item_is_used(dynamodb: Any) -> None:
    runs = Stack().runs_table
    for slot in ("2026-10-01T00:00:00Z", "2026-11-30T00:00:00Z"):
        dynamodb.put_item(TableName=runs, Item={"taskId": {"S": "a"}, "slot": {"S": slot}, "at": {"S": slot}})
    assert clean_items(dynamodb, runs, "at", CUTOFF, has_time=always).deleted == 1
    assert [item["slot"]["S"] for item in dynamodb.scan(TableName=runs)["Items"]] == ["2026-11-30T00:00:00Z"]


def test_items_are_read_as_they_are_now(dynamodb: Any) -> None:
    asked: list[dict[str, Any]] = []
    dynamodb.meta.events.register("provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params))
    clean_items(dynamodb, SESSIONS, "createdAt", CUTOFF, has_time=always)
    assert [request["ConsistentRead"] for request in asked] == [True]


@pytest.fixture
def unprocessed(dynamodb: Any) -> list[int]:
    """DynamoDB leaves the last requests of each batch unprocessed, so many as the list says, batch by batch."""
    plan: list[int] = []
    withheld: list[Any] = []

    def withhold(params: dict[str, Any], **_: Any) -> dict[str, Any]:
        table, requests = next(iter(params["RequestItems"].items()))
        count = len(requests) - (plan.pop(0) if plan else 0)
        withheld[:] = [table, requests[count:]]
        # A batch must not be empty; deleting something again changes nothing.
        return params | {"RequestItems": {table: requests[:count] or [{"DeleteRequest": {"Key": {"id": {"S": "-"}}}}]}}

    def confess(parsed: dict[str, Any], **_: Any) -> None:
        table, requests = withheld
        parsed["UnprocessedItems"] = {table: requests} if requests else {}

    dynamodb.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", withhold)
    dynamodb.meta.events.register("after-call.dynamodb.BatchWriteItem", confess)
    return plan


def test_unprocessed_deletes_are_sent_again_with_growing_delays(dynamodb: Any, unprocessed: list[int]) -> None:
    put_sessions(dynamodb, {f"s{number}": 40 for number in range(60)})
    delays: list[float] = []
    unprocessed += [24, 20, 3]
    progress = clean_items(dynamodb, SESSIONS, "createdAt", CUTOFF, has_time=always, sleep=delays.append)
    assert progress == Progress(examined=60, deleted=60)
    assert sessions(dynamodb) == set()
    assert len(delays) == 3
    assert all(0 <= delay <= 0.1 * 2**attempt for attempt, delay in enumerate(delays))


def test_deletes_that_stay_unprocessed_are_an_error(dynamodb: Any, unprocessed: list[int]) -> None:
    put_sessions(dynamodb, {f"s{number}": 40 for number in range(5)})
    unprocessed += [2] * 8
    with pytest.raises(CleanupFailed, match=f"2 could not be deleted from {SESSIONS}: DynamoDB left them unprocessed"):
        clean_items(dynamodb, SESSIONS, "createdAt", CUTOFF, has_time=always, sleep=lambda _: None)
    assert len(sessions(dynamodb)) == 2


def test_time_that_runs_out_ends_between_batches(dynamodb: Any) -> None:
    put_sessions(dynamodb, {f"s{number}": 40 for number in range(60)})
    progress = clean_items(dynamodb, SESSIONS, "createdAt", CUTOFF, has_time=times(3))
    assert progress == Progress(examined=60, deleted=50, complete=False)
    assert len(sessions(dynamodb)) == 10


def test_a_function_without_time_left_deletes_nothing_and_says_so(aws: EmbeddedAws, s3: Any, dynamodb: Any) -> None:
    put_objects(aws, {"tmp/a": 40})
    put_sessions(dynamodb, {"a": 40})
    params: dict[str, Any] = {
        "prefix": "tmp/",
        "table": "Sessions",
        "timestampAttribute": "createdAt",
        "retentionDays": 30,
    }
    result = invoke(handler, milliseconds_left=MARGIN_MILLISECONDS, **params)
    assert (result["complete"], keys(s3), sessions(dynamodb)) == (False, ["tmp/a"], {"a"})
    result = invoke(handler, milliseconds_left=MARGIN_MILLISECONDS + 1, **params)
    assert (result["complete"], keys(s3), sessions(dynamodb)) == (True, [], set())


def test_a_dry_run_counts_and_removes_nothing(aws: EmbeddedAws, s3: Any, dynamodb: Any) -> None:
    put_objects(aws, {"tmp/a": 40, "tmp/b": 1})
    put_sessions(dynamodb, {"a": 40, "b": 40})
    params: dict[str, Any] = {
        "prefix": "tmp/",
        "table": "Sessions",
        "timestampAttribute": "createdAt",
        "retentionDays": 30,
    }
    result = invoke(handler, dryRun=True, **params)
    assert (result["objects"]["deleted"], result["items"]["deleted"], result["dryRun"]) == (1, 2, True)
    assert (keys(s3), sessions(dynamodb)) == (["tmp/a", "tmp/b"], {"a", "b"})


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"prefix": "tmp/", "retentionDays": 0}, "retentionDays: Input should be greater than or equal to 1"),
        ({"prefix": "tmp/", "retentionDays": -3}, "retentionDays: Input should be greater than or equal to 1"),
        ({"prefix": "tmp/", "retentionDays": True}, "retentionDays: Input should be a valid integer"),
        ({"prefix": "tmp/", "retentionDays": "30"}, "retentionDays: Input should be a valid integer"),
        ({"prefix": "tmp/"}, "retentionDays: Field required"),
        ({"prefix": "", "retentionDays": 30}, "prefix: String should have at least 1 character"),
        ({"retentionDays": 30}, "name what to clean"),
        ({"table": "Sessions", "retentionDays": 30}, "table and timestampAttribute belong together"),
        ({"prefix": "a", "timestampAttribute": "at", "retentionDays": 30}, "timestampAttribute belong together"),
        ({"table": "a/b", "timestampAttribute": "at", "retentionDays": 30}, "table: String should match pattern"),
        ({"prefix": "a", "retentionDays": 30, "dryrun": True}, "dryrun: no such parameter; did you mean dryRun?"),
    ],
)
def test_params_that_could_delete_too_much_are_refused(params: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidParameters) as fault:
        invoke(handler, **params)
    assert problem in str(fault.value)


SECONDS = int(CUTOFF.timestamp())


@pytest.mark.parametrize(
    ("timestamp", "stale"),
    [
        ({"S": "2026-10-31T23:59:59Z"}, True),
        ({"S": "2026-11-01T00:00:00Z"}, False),
        ({"S": "2026-11-01T00:30:00+01:00"}, True),
        ({"S": "2026-10-31T23:30:00-01:00"}, False),
        ({"S": "2026-10-31T23:59:59.999999"}, True),
        ({"S": "2026-10-31"}, True),
        ({"S": "2026-11-01"}, False),
        ({"N": str(SECONDS - 1)}, True),
        ({"N": f"{SECONDS}.5"}, False),
        ({"N": str(SECONDS * 1000)}, False),
        ({"S": "1764010112345"}, None),
        ({"S": "yesterday"}, None),
        ({"S": "2026-13-45"}, None),
        ({"BOOL": True}, None),
        ({}, None),
    ],
)
def test_a_timestamp_is_read_for_what_it_is(timestamp: dict[str, Any], stale: bool | None) -> None:
    assert is_stale(timestamp, CUTOFF.astimezone(UTC)) is stale


def test_a_timestamp_without_an_offset_is_utc_wherever_this_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        assert is_stale({"S": "2026-10-31T23:59:59"}, CUTOFF)
    time.tzset()

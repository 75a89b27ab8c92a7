"""Failures are told whatever else has happened, and what cannot be read keeps nobody from anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.running import Running

OLDER, NEWER, FAR = "2026-05-05T08:00:00Z", "2026-05-06T08:00:00Z", "2099-05-05T08:00:00Z"


def told(stack: Running, task: str) -> list[str]:
    """The incidents that have hit a task."""
    return [item["severity"]["S"] for item in stack.items("Incidents") if task in item["tasks"]["SS"]]


def runs(stack: Running, task: str, slot: str, **params: object) -> str:
    given = {"taskId": task, "scheduledTime": slot, "trigger": "schedule", "params": params}
    return str(stack.execute(given)["status"])


def test_a_failure_of_a_slot_before_one_that_has_succeeded_is_told(real: Running) -> None:
    assert runs(real, "late-failure", NEWER) == "SUCCEEDED"
    assert runs(real, "late-failure", OLDER, fail="late") == "FAILED"
    real.until(lambda: "failed" in told(real, "late-failure"))


def test_a_rerun_of_an_old_slot_that_fails_is_told(real: Running) -> None:
    assert [runs(real, "failed-rerun", slot) for slot in (OLDER, NEWER)] == ["SUCCEEDED", "SUCCEEDED"]
    assert real.orchestrator("rerun", "failed-rerun", OLDER, "--param", "fail=again", "--wait").code == 1
    real.until(lambda: "failed" in told(real, "failed-rerun"))


def test_a_failure_is_told_though_a_slot_to_come_has_been_started(real: Running) -> None:
    assert real.execute({"taskId": "ahead", "scheduledTime": FAR})["status"] == "SUCCEEDED"
    assert runs(real, "ahead", OLDER, fail="now") == "FAILED"
    real.until(lambda: "failed" in told(real, "ahead"))


def test_a_run_that_hangs_is_told_while_it_runs(real: Running) -> None:
    started = real.orchestrator("start", "hung", "--param", "seconds=45", "--json")
    assert started.code == 0
    real.until(lambda: "RUNNING" in real.statuses("hung").values())

    def look() -> list[str]:
        assert real.orchestrator("start", "watchdog", "--wait").code == 0
        return told(real, "hung")

    assert real.until(look) == ["too long"]
    assert [run["status"] for run in real.runs("hung")] == ["RUNNING"]


@pytest.fixture
def odd_row(real: Running) -> Iterator[str]:
    """A row that somebody has written by hand, and wrongly."""
    texts = {"taskId": "odd", "slot": OLDER, "status": "RUNNING", "trigger": "magic", "executionArn": "garbage"}
    item = {name: {"S": text} for name, text in (texts | {"startedAt": OLDER}).items()}
    client, table = real.client("dynamodb"), "orchestrator-dev-TaskRuns"
    client.put_item(TableName=table, Item=item)
    yield OLDER
    client.delete_item(TableName=table, Key={name: item[name] for name in ("taskId", "slot")})


def test_a_row_that_cannot_be_read_is_named_and_stepped_over(real: Running, odd_row: str) -> None:
    assert real.orchestrator("start", "odd", "--slot", NEWER, "--wait").code == 0
    for command in (["runs", "odd", "--json"], ["runs", "--json"]):
        said = real.orchestrator(*command)
        assert said.code == 0
        assert odd_row in said.err
        assert "Traceback" not in said.err
        assert NEWER in [run["slot"] for run in said.json if run["taskId"] == "odd"]
    assert real.orchestrator("start", "watchdog", "--wait").code == 0


def test_a_row_with_bytes_in_it_is_a_row_like_any_other(real: Running) -> None:
    texts = {"taskId": "binary", "slot": OLDER, "status": "FAILED", "trigger": "schedule", "error": "Odd"}
    item = {name: {"S": text} for name, text in texts.items()} | {"note": {"B": b"\x00\xff"}}
    client, table = real.client("dynamodb"), "orchestrator-dev-TaskRuns"
    client.put_item(TableName=table, Item=item)
    key = {name: item[name] for name in ("taskId", "slot")}
    assert client.get_item(TableName=table, Key=key)["Item"] == item
    real.until(lambda: "failed" in told(real, "binary"))

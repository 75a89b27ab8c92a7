"""The ledger: which rows are found, and in what order."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import InvalidRecord, InvalidRow
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import Run, RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from tests.testbed.clients import own_clients

STACK = Stack()


@pytest.fixture
def ledger(dynamodb: Any) -> Ledger:
    return Ledger(dynamodb, STACK)


def put(dynamodb: Any, task_id: str, slot: str, kind: RunStatus = RunStatus.SUCCEEDED, **attributes: Any) -> None:
    key = {"taskId": {"S": task_id}, "slot": {"S": slot}}
    dynamodb.put_item(TableName=STACK.runs_table, Item={**key, "status": {"S": kind}, **attributes})


def slots(runs: tuple[Run, ...]) -> list[str]:
    return [run.slot for run in runs]


def test_a_row_is_found_by_its_slot(ledger: Ledger, dynamodb: Any) -> None:
    put(dynamodb, "a", "2026-12-01T08:00:00Z", durationSeconds={"N": "1.5"}, attempts={"N": "2"})
    assert ledger.get("a", "2026-12-01T08:00:00Z") == Run(
        task_id="a", slot="2026-12-01T08:00:00Z", status=RunStatus.SUCCEEDED, duration_seconds=1.5, attempts=2
    )
    assert ledger.get("a", "2026-12-01T09:00:00Z") is None


def test_what_does_not_apply_to_a_run_is_none(ledger: Ledger, dynamodb: Any) -> None:
    put(dynamodb, "a", "2026-12-01T08:00:00Z", startDelaySeconds={"NULL": True}, childExecutionArn={"NULL": True})
    run = ledger.get("a", "2026-12-01T08:00:00Z")
    assert run
    assert (run.start_delay_seconds, run.child_execution_arn) == (None, None)


def test_runs_of_a_task_come_newest_first_and_are_not_more_than_asked_for(ledger: Ledger, dynamodb: Any) -> None:
    for hour in range(8, 12):
        put(dynamodb, "a", f"2026-12-01T{hour:02}:00:00Z")
    put(dynamodb, "b", "2026-12-01T23:00:00Z")
    assert slots(ledger.runs("a", limit=3)) == [f"2026-12-01T{hour}:00:00Z" for hour in ("11", "10", "09")]


def test_a_span_of_a_tasks_slots_has_both_its_ends(ledger: Ledger, dynamodb: Any) -> None:
    for hour in range(8, 12):
        put(dynamodb, "a", f"2026-12-01T{hour:02}:00:00Z")
    put(dynamodb, "b", "2026-12-01T09:00:00Z")
    found = ledger.between("a", "2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z")
    assert slots(found) == ["2026-12-01T10:00:00Z", "2026-12-01T09:00:00Z"]


def test_a_span_is_of_moments_and_not_of_texts(ledger: Ledger, dynamodb: Any) -> None:
    second = "2026-12-01T08:00:12"
    for moment in (f"{second}Z", f"{second}.345Z", "2026-12-01T08:00:11.999Z", "2026-12-01T08:00:13Z"):
        put(dynamodb, "a", moment)
    assert slots(ledger.between("a", f"{second}Z", f"{second}.500Z")) == [f"{second}.345Z", f"{second}Z"]
    assert slots(ledger.between("a", "2026-12-01T08:00:11Z", f"{second}Z")) == [
        f"{second}Z",
        "2026-12-01T08:00:11.999Z",
    ]


def test_a_status_is_looked_for_past_the_runs_that_have_another(ledger: Ledger, dynamodb: Any) -> None:
    put(dynamodb, "a", "2026-12-01T00:00:00Z", RunStatus.FAILED)
    for minute in range(1, 30):
        put(dynamodb, "a", f"2026-12-01T00:{minute:02}:00Z")
    assert slots(ledger.runs("a", limit=1, statuses=[RunStatus.FAILED])) == ["2026-12-01T00:00:00Z"]


def test_runs_of_all_tasks_are_found_by_status_and_time(ledger: Ledger, dynamodb: Any) -> None:
    put(dynamodb, "a", "2026-12-01T08:00:00Z", RunStatus.FAILED)
    put(dynamodb, "b", "2026-12-01T09:00:00Z", RunStatus.FAILED)
    put(dynamodb, "c", "2026-12-01T10:00:00.123Z", RunStatus.FAILED)
    put(dynamodb, "d", "2026-12-01T09:00:00Z")
    failed = RunStatus.FAILED
    assert [run.task_id for run in ledger.with_status(failed)] == ["c", "b", "a"]
    within = ledger.with_status(failed, since="2026-12-01T08:00:00Z", until="2026-12-01T09:00:00Z", page=1)
    assert [run.task_id for run in within] == ["b", "a"]


def test_the_most_recent_runs_are_of_any_task_and_status(ledger: Ledger, dynamodb: Any) -> None:
    for hour, status in enumerate(RunStatus):
        put(dynamodb, f"task-{hour}", f"2026-12-01T{hour:02}:00:00Z", status)
    put(dynamodb, "old", "2026-11-01T00:00:00Z")
    newest = [f"2026-12-01T{hour:02}:00:00Z" for hour in reversed(range(len(RunStatus)))]
    assert slots(ledger.started(None, limit=len(RunStatus))) == newest
    assert slots(ledger.started(None, limit=2)) == newest[:2]


@pytest.mark.parametrize("tasks", [None, ["a", "b"]])
def test_the_newest_is_what_began_last_whatever_its_slot_is(
    ledger: Ledger, dynamodb: Any, tasks: list[str] | None
) -> None:
    put(dynamodb, "a", "2026-12-01T08:00:00Z", startedAt={"S": "2026-12-01T20:00:00.500Z"})
    put(dynamodb, "a", "2026-12-01T10:00:00Z", startedAt={"S": "2026-12-01T10:00:01.000Z"})
    put(dynamodb, "b", "2026-12-01T09:00:00Z", RunStatus.MISSED)
    put(dynamodb, "b", "2026-12-01T12:00:00Z", RunStatus.FAILED, startedAt={"S": "2026-12-01T12:00:00.100Z"})

    def found(**selection: Any) -> list[str]:
        return [slot[11:13] for slot in slots(ledger.started(tasks, limit=9, **selection))]

    assert found() == ["08", "12", "10", "09"]
    assert found(since="2026-12-01T20:00:00Z") == ["08"]
    assert found(since="2026-12-01T10:00:01Z", until="2026-12-01T12:00:00Z") == ["12", "10"]
    assert found(statuses=[RunStatus.MISSED, RunStatus.FAILED]) == ["12", "09"]


def test_runs_of_some_tasks_are_found_without_the_others(ledger: Ledger, dynamodb: Any) -> None:
    for task_id in ("a", "b", "c"):
        put(dynamodb, task_id, "2026-12-01T08:00:00Z")
    assert [run.task_id for run in ledger.started(["a", "c"], limit=9)] == ["c", "a"]


def test_what_a_query_costs_follows_the_limit_and_not_the_history(aws: EmbeddedAws, dynamodb: Any) -> None:
    for minute in range(50):
        put(dynamodb, "a", f"2026-12-01T00:{minute:02}:00Z", result={"S": "x" * 50_000})
    calls: list[int] = []
    client = own_clients(aws)("dynamodb")
    client.meta.events.register("after-call.dynamodb.Query", lambda parsed, **_: calls.append(parsed["Count"]))
    Ledger(client, STACK).runs("a", limit=5)
    assert calls == [5]


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": {"S": "GONE"}},
        {"trigger": {"S": "rocket"}},
        {"attention": {"S": "pretty"}},
        {"durationSeconds": {"S": "long"}, "status": {"N": "1"}},
        {"history": {"L": [{"M": {}}]}},
    ],
)
def test_one_row_that_cannot_be_read_is_reported_and_stepped_over(dynamodb: Any, wrong: dict[str, Any]) -> None:
    reported: list[tuple[str, str]] = []

    def report(fault: InvalidRecord | InvalidRow) -> None:
        assert isinstance(fault, InvalidRow)
        reported.append((fault.task_id, fault.slot))

    ledger = Ledger(dynamodb, STACK, report)
    put(dynamodb, "a", "2026-12-01T08:00:00Z")
    put(dynamodb, "a", "2026-12-01T09:00:00Z", **wrong)
    assert slots(ledger.runs("a", limit=9)) == ["2026-12-01T08:00:00Z"]
    assert reported == [("a", "2026-12-01T09:00:00Z")]
    with pytest.raises(InvalidRow, match="the ledger's row of task 'a', slot '2026-12-01T09:00:00Z', cannot be read"):
        ledger.get("a", "2026-12-01T09:00:00Z")

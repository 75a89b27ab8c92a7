"""What somebody has written by hand into a table, and what every command that reads in bulk makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.registry import Registry
from tests.cli.conftest import PutRow
from tests.testbed.deployed import STACK

Printed = pytest.CaptureFixture[str]
SLOT = "2026-11-02T07:00:00Z"


@pytest.fixture
def odd(embedded_aws: EmbeddedAws, registry: Registry, put_row: PutRow) -> Iterator[None]:
    """A row of an unknown trigger, and a record of an unknown kind, among sound ones."""
    dynamodb = embedded_aws.client("dynamodb")
    put_row("good", SLOT, "SUCCEEDED")
    row = {"taskId": "odd-row", "slot": SLOT, "status": "FAILED", "trigger": "rocket"}
    dynamodb.put_item(TableName=STACK.runs_table, Item={name: {"S": text} for name, text in row.items()})
    dynamodb.put_item(TableName=STACK.tasks_table, Item={"taskId": {"S": "odd-record"}, "kind": {"S": "rocket"}})
    yield
    dynamodb.delete_item(TableName=STACK.runs_table, Key={name: {"S": row[name]} for name in ("taskId", "slot")})
    dynamodb.delete_item(TableName=STACK.tasks_table, Key={"taskId": {"S": "odd-record"}})


@pytest.mark.parametrize("options", [[], ["--status", "succeeded"], ["good"]])
def test_runs_lists_what_can_be_read_and_names_what_cannot(odd: None, capsys: Printed, options: list[str]) -> None:
    assert main(["runs", "--json", *options]) == 0
    printed = capsys.readouterr()
    assert ("good", SLOT) in [(run["taskId"], run["slot"]) for run in map(json.loads, printed.out.splitlines())]
    named = "the ledger's row of task 'odd-row', slot '2026-11-02T07:00:00Z', cannot be read" in printed.err
    assert named == (not options)


def test_tasks_lists_what_can_be_read_and_names_what_cannot(odd: None, capsys: Printed) -> None:
    assert main(["tasks", "--json"]) == 0
    printed = capsys.readouterr()
    assert {"good", "bad"} <= {task["taskId"] for task in map(json.loads, printed.out.splitlines())}
    assert "the registry's record of 'odd-record' cannot be read" in printed.err


def test_verifying_goes_on_past_what_cannot_be_read(
    odd: None, registry: Registry, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    item: dict[str, Any] = {"taskId": {"S": "good"}, "slot": {"S": "2026-11-03T07:00:00Z"}, "status": {"S": "PERFECT"}}
    embedded_aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item)
    embedded_aws.client("dynamodb").update_item(
        TableName=STACK.tasks_table, Key={"taskId": {"S": "good"}}, UpdateExpression="REMOVE watchedSince"
    )
    assert main(["ledger", "verify", "--from", "2026-11-02", "--to", "2026-11-04", "--json"]) == 1
    printed = capsys.readouterr()
    problems = [line for line in map(json.loads, printed.out.splitlines()) if line.get("taskId") == "good"]
    # Nobody can say what became of it.
    assert [(one["slot"], one["problem"]) for one in problems] == [("2026-11-03T07:00:00Z", "unexplained")]
    assert "the registry's record of 'odd-record' cannot be read" in printed.err
    assert "'2026-11-03T07:00:00Z', cannot be read ('PERFECT' is not a valid RunStatus)" in printed.err


def test_one_odd_row_that_was_asked_for_is_named_and_fails(odd: None, capsys: Printed) -> None:
    assert main(["rerun", "odd-row", SLOT]) != 0
    assert "Traceback" not in capsys.readouterr().err

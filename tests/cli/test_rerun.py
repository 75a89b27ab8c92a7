"""`orchestrator rerun`, as a person and as a program use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import Upstream
from tests.cli.conftest import PutRow
from tests.testbed.deployed import STACK

SLOT = "2026-11-02T08:00:00Z"

Printed = pytest.CaptureFixture[str]


def register(registry: Registry, task_id: str, **fields: Any) -> str:
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields))
    return task_id


def found(ledger: Ledger, task_id: str) -> Run:
    run = ledger.get(task_id, SLOT)
    assert run is not None
    return run


def test_a_slot_is_run_again_and_its_row_says_what_became_of_it_before(
    registry: Registry, ledger: Ledger, capsys: Printed
) -> None:
    task_id = register(registry, "mended", params={"refuse": True})
    assert main(["start", task_id, "--slot", SLOT, "--wait"]) == 1
    register(registry, "mended")
    capsys.readouterr()
    assert main(["rerun", task_id, SLOT, "--wait", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["status"], row["trigger"], row["attempts"]) == ("SUCCEEDED", "rerun", 2)
    (earlier,) = row["history"]
    assert (earlier["status"], earlier["trigger"], earlier["error"]) == ("FAILED", "ad hoc", "InvalidParameters")
    assert found(ledger, task_id).history[0].execution_arn == earlier["executionArn"]


def test_a_rerun_that_fails_is_a_row_and_an_exit_code(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "broken", params={"refuse": True})
    main(["start", task_id, "--slot", SLOT, "--wait"])
    capsys.readouterr()
    assert main(["rerun", task_id, SLOT, "--wait"]) == 1
    assert "InvalidParameters" in capsys.readouterr().out.splitlines()[1]


def test_a_success_can_be_run_again_with_the_params_it_had_and_others_over_them(
    registry: Registry, ledger: Ledger
) -> None:
    task_id = register(registry, "params", params={"colour": "blue"})
    main(["start", task_id, "--slot", SLOT, "--param", "size=3", "--param", "weight=1", "--wait"])
    assert main(["rerun", task_id, SLOT, "--param", "weight=2", "--wait"]) == 0
    result = json.loads(found(ledger, task_id).result or "")
    assert result["event"]["params"] == {"colour": "blue", "size": 3, "weight": 2}


def test_an_ad_hoc_run_is_named_by_its_own_slot(registry: Registry, ledger: Ledger, capsys: Printed) -> None:
    task_id = register(registry, "ad-hoc")
    main(["start", task_id, "--wait", "--json"])
    slot = json.loads(capsys.readouterr().out)["slot"]
    assert main(["rerun", task_id, slot, "--wait"]) == 0
    (run,) = ledger.runs(task_id, limit=9)
    assert (run.slot, run.trigger, len(run.history)) == (slot, Trigger.RERUN, 1)


def test_a_rerun_that_is_not_waited_for_says_where_it_is(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "elsewhere")
    main(["start", task_id, "--slot", SLOT, "--wait"])
    capsys.readouterr()
    assert main(["rerun", task_id, SLOT]) == 0
    first, arn = capsys.readouterr().out.splitlines()
    assert first == f"Started elsewhere for {SLOT} again"
    assert ":execution:orchestrator-dev-TaskRunner:elsewhere-" in arn


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", SLOT], "there is no task 'nothing'"),
        (["good", "1999-01-01T00:00:00Z"], "`orchestrator backfill good --from 1999-01-01T00:00:00Z"),
        (["good", "yesterday"], "expected a slot, like 2026-12-01T08:00:00Z, found 'yesterday'"),
        (["good", "2026-12-01T08:00:00"], "expected a slot"),
    ],
)
def test_what_cannot_be_done_says_what_to_try(stack: Applied, capsys: Printed, arguments: list[str], said: str) -> None:
    assert main(["rerun", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_slot_that_still_runs_is_not_run_again(
    registry: Registry, put_row: PutRow, going_on: str, capsys: Printed
) -> None:
    put_row(register(registry, "running"), SLOT, "RUNNING", going_on)
    assert main(["rerun", "running", SLOT]) == 2
    said = capsys.readouterr().err
    assert "is still running" in said
    assert f"`orchestrator stop running {SLOT}` ({going_on})" in said


def test_a_slot_whose_run_died_is_run_again(registry: Registry, ledger: Ledger, put_row: PutRow) -> None:
    put_row(register(registry, "died"), SLOT, "RUNNING")
    assert main(["rerun", "died", SLOT, "--wait"]) == 0
    assert [earlier.status for earlier in found(ledger, "died").history] == [RunStatus.ABORTED]


def test_a_slot_is_left_as_it_was_while_another_run_of_the_task_goes_on(
    registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    task_id = register(registry, "busy")
    main(["start", task_id, "--slot", SLOT, "--wait"])
    before = found(ledger, task_id)
    change(embedded_aws, task_id, "lease", {"executionArn": {"S": "arn:other"}, "expiresAt": {"N": "99999999999"}})
    assert main(["rerun", task_id, SLOT, "--wait"]) == 1
    assert "another run of the task goes on" in capsys.readouterr().err
    assert found(ledger, task_id) == before


def test_a_paused_task_is_not_rerun(
    registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    task_id = register(registry, "paused")
    main(["start", task_id, "--slot", SLOT, "--wait"])
    change(embedded_aws, task_id, "pause", {"who": {"S": "ann"}})
    assert main(["rerun", task_id, SLOT]) == 2
    assert "paused is paused by ann; nothing of it runs" in capsys.readouterr().err
    assert found(ledger, task_id).status is RunStatus.SUCCEEDED


def change(aws: EmbeddedAws, task_id: str, name: str, value: dict[str, Any]) -> None:
    aws.client("dynamodb").update_item(
        TableName=STACK.tasks_table,
        Key={"taskId": {"S": task_id}},
        UpdateExpression=f"SET {name} = :value",
        ExpressionAttributeValues={":value": {"M": value}},
    )


def test_what_is_downstream_is_held_until_the_slot_has_run_again(
    registry: Registry, ledger: Ledger, capsys: Printed
) -> None:
    """By a rerun and by a backfill; nobody follows the ledger's stream here."""
    daily = (TaskSchedule(expression="cron(0 8 * * ? *)"),)
    for command in (
        ["rerun", "{}", SLOT],
        ["backfill", "{}", "--from", SLOT, "--to", SLOT, "--reprocess", "completed"],
    ):
        extract, load = f"extract-{command[0]}", f"load-{command[0]}"
        register(registry, extract, schedules=daily, downstream=(load,))
        register(registry, load, schedules=daily, after=(Upstream(task_id=extract),))
        for task_id in (extract, load):
            assert main(["start", task_id, *_of(task_id)]) == 0
        capsys.readouterr()
        assert main([extract if word == "{}" else word for word in command] + ["--downstream"]) == 0
        printed = capsys.readouterr()
        held = found(ledger, load)
        assert held.status is RunStatus.WAITING
        assert held.hold is not None
        assert held.hold.fresh == (f"{extract}#{SLOT}",)
        assert f"{load} {SLOT} waits for {extract} {SLOT}" in printed.out or "1 slots downstream" in printed.err
        assert main(["show", load, SLOT]) == 0
        assert f"waits for {extract} {SLOT}" in capsys.readouterr().out


def _of(task_id: str) -> list[str]:
    return ["--slot", SLOT, *(["--wait"] if task_id.startswith("extract") else [])]

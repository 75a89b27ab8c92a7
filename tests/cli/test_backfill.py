"""`orchestrator backfill`, as a person and as a program use it."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.cli.conftest import PutRow
from tests.testbed.deployed import STACK
from tests.testbed.processes import begun

ORCHESTRATOR = [sys.executable, "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]
WEEK = ["--from", "2026-11-02", "--to", "2026-11-04"]
SLOTS = [f"2026-11-0{day}T08:00:00Z" for day in (2, 3, 4)]

Printed = pytest.CaptureFixture[str]


def register(registry: Registry, task_id: str, **fields: Any) -> str:
    work = Target(kind=TargetKind.LAMBDA, name="work")
    daily = TaskSchedule(expression="cron(0 8 * * ? *)")
    registry.register(Task(id=task_id, target=work, schedules=(daily,), **fields))
    return task_id


def objects(printed: Printed) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.readouterr().out.splitlines()]


def pause(aws: EmbeddedAws, task_id: str) -> None:
    aws.client("dynamodb").update_item(
        TableName=STACK.tasks_table,
        Key={"taskId": {"S": task_id}},
        UpdateExpression="SET pause = :pause",
        ExpressionAttributeValues={":pause": {"M": {"who": {"S": "ann"}, "why": {"S": "moving"}}}},
    )


def test_every_slot_that_has_no_run_gets_one(registry: Registry, ledger: Ledger, capsys: Printed) -> None:
    task_id = register(registry, "fresh")
    assert main(["start", task_id, "--slot", SLOTS[1], "--wait"]) == 0
    capsys.readouterr()
    assert main(["backfill", task_id, *WEEK, "--max-active", "2"]) == 0
    said = capsys.readouterr()
    assert said.out == "2 succeeded, 0 failed.\n"
    assert said.err.splitlines()[-1] == "2 of 2 slots done"
    runs = ledger.runs(task_id, limit=9)
    assert [(run.slot, run.trigger) for run in reversed(runs)] == [
        (SLOTS[0], Trigger.BACKFILL),
        (SLOTS[1], Trigger.AD_HOC),
        (SLOTS[2], Trigger.BACKFILL),
    ]


def test_the_same_command_again_has_nothing_to_do(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "twice")
    assert main(["backfill", task_id, *WEEK, "--max-active", "3"]) == 0
    capsys.readouterr()
    assert main(["backfill", task_id, *WEEK]) == 0
    assert capsys.readouterr().out == "twice: none of 3 slots is to be run.\n"


def test_a_dry_run_shows_what_would_happen_with_each_slot_and_starts_nothing(
    registry: Registry, ledger: Ledger, capsys: Printed
) -> None:
    task_id = register(registry, "dry", params={"refuse": True})
    main(["start", task_id, "--slot", SLOTS[1], "--wait"])
    capsys.readouterr()
    assert main(["backfill", task_id, *WEEK, "--dry-run"]) == 0
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "SLOT                  DECISION  STATUS  WHY",
        "2026-11-02T08:00:00Z  run",
        "2026-11-03T08:00:00Z  keep      FAILED  InvalidParameters",
        "2026-11-04T08:00:00Z  run",
        "dry: 2 of 3 slots would be run; nothing was started.",
    ]
    assert main(["backfill", task_id, *WEEK, "--dry-run", "--reprocess", "failed", "--reverse", "--json"]) == 0
    assert [(one["slot"], one["decision"]) for one in objects(capsys)] == [
        (SLOTS[2], "run"),
        (SLOTS[1], "run again"),
        (SLOTS[0], "run"),
    ]
    assert len(ledger.runs(task_id, limit=9)) == 1


def test_what_failed_is_run_again_when_asked_for_and_is_an_exit_code_and_a_row_when_it_fails_again(
    registry: Registry, capsys: Printed
) -> None:
    task_id = register(registry, "failing", params={"failsAt": SLOTS[1]})
    assert main(["backfill", task_id, *WEEK, "--max-active", "3"]) == 1
    _header, row, summary = capsys.readouterr().out.splitlines()
    assert row.split()[:3] == ["failing", SLOTS[1], "FAILED"]
    assert summary == "2 succeeded, 1 failed."
    register(registry, "failing")
    assert main(["backfill", task_id, *WEEK, "--reprocess", "failed", "--json"]) == 0
    (again,) = objects(capsys)
    assert (again["slot"], again["status"]) == (SLOTS[1], "SUCCEEDED")
    assert [earlier["status"] for earlier in again["history"]] == ["FAILED"]
    assert "error" not in again


def test_what_succeeded_is_run_again_when_asked_for_and_once_by_a_command_that_is_repeated(
    registry: Registry, ledger: Ledger, put_row: PutRow, capsys: Printed
) -> None:
    task_id = register(registry, "completed")
    for slot in SLOTS:
        put_row(task_id, slot, "SUCCEEDED")
    began = datetime.now(UTC).isoformat()
    completed = ["backfill", task_id, *WEEK, "--reprocess", "completed", "--before", began, "--max-active", "3"]
    assert main(completed) == 0
    assert [(run.trigger, len(run.history)) for run in ledger.runs(task_id, limit=9)] == [(Trigger.BACKFILL, 1)] * 3
    capsys.readouterr()
    assert main(completed) == 0
    assert capsys.readouterr().out == "completed: none of 3 slots is to be run.\n"


def test_the_newest_slot_can_be_the_first(registry: Registry, ledger: Ledger) -> None:
    task_id = register(registry, "reverse")
    assert main(["backfill", task_id, *WEEK, "--reverse"]) == 0
    ran = sorted(ledger.runs(task_id, limit=9), key=lambda run: run.started_at or "")
    assert [run.slot for run in ran] == SLOTS[::-1]


def test_a_backfill_that_is_not_waited_for_says_where_it_is(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "elsewhere")
    assert main(["backfill", task_id, *WEEK, "--no-wait"]) == 0
    assert ":execution:orchestrator-dev-Backfill:elsewhere-" in capsys.readouterr().out
    assert main(["backfill", register(registry, "elsewhere-too"), *WEEK, "--no-wait", "--json"]) == 0
    (started,) = objects(capsys)
    assert (":execution:orchestrator-dev-Backfill:" in started["executionArn"], started["left"]) == (True, 0)


def test_days_are_those_of_the_tasks_time_zone(stack: Applied, capsys: Printed) -> None:
    # At 08:00 in Berlin; the day there began at 23:00 UTC.
    assert main(["backfill", "good", "--from", "2026-11-02", "--to", "2026-11-02", "--dry-run", "--json"]) == 0
    assert [one["slot"] for one in objects(capsys)] == ["2026-11-02T07:00:00Z"]


def test_from_and_to_are_within(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "within")
    assert main(["backfill", task_id, "--from", SLOTS[0], "--to", SLOTS[1], "--dry-run", "--json"]) == 0
    assert [one["slot"] for one in objects(capsys)] == SLOTS[:2]


def test_a_row_whose_execution_is_gone_is_run_again(registry: Registry, ledger: Ledger, put_row: PutRow) -> None:
    task_id = register(registry, "gone")
    put_row(task_id, SLOTS[0], "RUNNING")
    assert main(["backfill", task_id, *WEEK, "--max-active", "3"]) == 0
    assert [run.status for run in ledger.runs(task_id, limit=9)] == [RunStatus.SUCCEEDED] * 3


def test_a_run_that_goes_on_is_left_alone(registry: Registry, put_row: PutRow, going_on: str, capsys: Printed) -> None:
    task_id = register(registry, "going-on")
    put_row(task_id, SLOTS[0], "RUNNING", going_on)
    assert main(["backfill", task_id, *WEEK, "--reprocess", "completed", "--dry-run", "--json"]) == 0
    assert [one["decision"] for one in objects(capsys)] == ["still running", "run", "run"]


def test_a_run_that_ends_while_it_is_looked_at_is_not_taken_for_dead(
    registry: Registry, put_row: PutRow, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = register(registry, "just-ended")
    put_row(task_id, SLOTS[0], "RUNNING")
    ended = Runner.ended

    def ended_just_now(self: Runner, run: Run, now: datetime) -> bool:
        put_row(task_id, SLOTS[0], "SUCCEEDED")
        return ended(self, run, now)

    monkeypatch.setattr(Runner, "ended", ended_just_now)
    assert main(["backfill", task_id, *WEEK, "--dry-run", "--json"]) == 0
    assert [one["decision"] for one in objects(capsys)] == ["still running", "run", "run"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", *WEEK], "there is no task 'nothing'"),
        (
            ["good", "--from", "2026-11-02", "--to", "2999-01-01"],
            "is still to come, and a backfill runs slots of the past",
        ),
        (["good", "--from", "soon"], "expected 2026-12-01 or 2026-12-01T08:00:00Z, found 'soon'"),
        (["good"], "Missing option '--from'"),
        (["good", *WEEK, "--max-active", "41"], "41 is not in the range 1<=x<=40"),
        (["good", *WEEK, "--reprocess", "some"], "'some' is not one of"),
    ],
)
def test_what_cannot_be_done_says_what_to_try(stack: Applied, capsys: Printed, arguments: list[str], said: str) -> None:
    assert main(["backfill", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_paused_task_is_not_backfilled_and_it_is_said_who_paused_it_and_why(
    registry: Registry, embedded_aws: EmbeddedAws, ledger: Ledger, capsys: Printed
) -> None:
    pause(embedded_aws, register(registry, "paused"))
    assert main(["backfill", "paused", *WEEK]) == 2
    assert "paused is paused by ann: moving" in capsys.readouterr().err
    assert ledger.runs("paused", limit=9) == ()


def test_an_interrupted_command_leaves_the_backfill_running_and_says_how_to_stop_it(
    registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws
) -> None:
    task_id = register(registry, "interrupted", params={"seconds": 0.5})
    with begun([*ORCHESTRATOR, "backfill", task_id, *WEEK, "--reprocess", "failed"]) as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith(" of 3 slots done\n")
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    (arn,) = {word for word in rest.split() if ":execution:" in word}
    assert f"aws stepfunctions stop-execution --execution-arn {arn}" in rest
    assert "The same command with --before 2026" in rest
    assert embedded_aws.execution(arn).over.wait(30)
    assert [run.status for run in ledger.runs(task_id, limit=9)] == [RunStatus.SUCCEEDED] * 3

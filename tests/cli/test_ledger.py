"""`orchestrator ledger verify`, as a person and as a program use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.runs.task_state import Checkpoint
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.cli.conftest import PutRow

Printed = pytest.CaptureFixture[str]
WHEN = ["--from", "2026-11-02", "--to", "2026-11-04"]


def register(registry: Registry, task_id: str, since: str | None = None, **fields: Any) -> str:
    daily = TaskSchedule(expression="cron(0 8 * * ? *)", timezone="Europe/Berlin")
    target = Target(kind=TargetKind.LAMBDA, name="work")
    checkpoint = Checkpoint(checked_until="2026-11-01T00:00:00Z", next_run=None, since=since)
    registry.register(Task(id=task_id, target=target, schedules=(daily,), **fields), checkpoint, anew=True)
    return task_id


def test_a_ledger_that_explains_every_slot_is_said_to(registry: Registry, put_row: PutRow, capsys: Printed) -> None:
    task_id = register(registry, "explained")
    for day in ("02", "03"):
        put_row(task_id, f"2026-11-{day}T07:00:00Z", "SUCCEEDED")
    assert main(["ledger", "verify", task_id, *WHEN]) == 0
    said = "Compared 2 slots of 1 task from 2026-11-01T23:00:00Z to 2026-11-03T23:00:00Z: each is explained.\n"
    assert capsys.readouterr().out == said
    assert main(["ledger", "verify", task_id, *WHEN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "slots": 2,
        "tasks": 1,
        "problems": 0,
        "unreadable": 0,
        "from": "2026-11-01T23:00:00Z",
        "to": "2026-11-03T23:00:00Z",
    }


@pytest.mark.parametrize("fields", [{}, {"since": "2026-11-04T00:00:00Z"}])
def test_that_nothing_was_compared_is_no_success(registry: Registry, fields: dict[str, str], capsys: Printed) -> None:
    task_id = register(registry, "nothing-due", **fields)
    # Nothing is due in the night, or was while the task had these schedules.
    assert main(["ledger", "verify", task_id, "--from", "2026-11-02T10:00", "--to", "2026-11-02T23:00"]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Nothing was compared: no slot of 1 task was due")


def test_tasks_of_which_nothing_was_due_are_named(registry: Registry, put_row: PutRow, capsys: Printed) -> None:
    register(registry, "late-comer", since="2026-11-04T00:00:00Z")
    main(["ledger", "verify", *WHEN])
    assert "late-comer" in capsys.readouterr().out.splitlines()[-1]


def test_every_slot_that_is_not_explained_is_printed_and_fails(
    registry: Registry, put_row: PutRow, capsys: Printed
) -> None:
    task_id = register(registry, "unexplained")
    put_row(task_id, "2026-11-02T07:00:00Z", "SUCCEEDED")
    put_row(task_id, "2026-11-02T08:00:00Z", "SUCCEEDED")
    assert main(["ledger", "verify", task_id, *WHEN]) == 1
    printed = capsys.readouterr().out
    *rows, total = printed.splitlines()[1:]
    assert [line.split()[1:] for line in rows] == [
        ["2026-11-02T08:00:00Z", "unexpected"],
        ["2026-11-03T07:00:00Z", "unexplained"],
    ]
    assert total.startswith("2 to look at; compared: 2 slots of 1 task from 2026-11-01T23:00:00Z to ")
    assert main(["ledger", "verify", task_id, *WHEN, "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[1]) == {
        "taskId": task_id,
        "slot": "2026-11-03T07:00:00Z",
        "problem": "unexplained",
    }


def test_slots_before_the_task_had_its_schedules_are_not_expected(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "young", since="2026-11-03T00:00:00Z")
    assert main(["ledger", "verify", task_id, *WHEN]) == 1
    assert capsys.readouterr().out.count("unexplained") == 1


def test_all_tasks_are_compared_where_none_is_named(registry: Registry, capsys: Printed) -> None:
    register(registry, "one-of-all", since="2026-11-02T00:00:00Z")
    assert main(["ledger", "verify", *WHEN]) == 1
    assert "one-of-all" in capsys.readouterr().out


@pytest.mark.parametrize("when", [["--from", "2026-11-04", "--to", "2026-11-02"], ["--from", "2126-11-04"]])
def test_a_time_that_ends_before_it_begins_is_refused(registry: Registry, when: list[str], capsys: Printed) -> None:
    task_id = register(registry, "backwards")
    assert main(["ledger", "verify", task_id, *when]) == 2
    assert "Invalid value for '--from': expected a moment before" in capsys.readouterr().err


def test_a_task_that_is_not_there_is_named(registry: Registry, capsys: Printed) -> None:
    assert main(["ledger", "verify", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_what_cannot_be_read_is_no_success(registry: Registry, put_row: PutRow, capsys: Printed) -> None:
    task_id = register(registry, "read-in-part")
    put_row(task_id, "2026-11-02T07:00:00Z", "SUCCEEDED")
    put_row(task_id, "2026-11-03T07:00:00Z", "SUCCEEDED")
    assert main(["ledger", "verify", task_id, *WHEN]) == 0
    # A row of no slot of the task's, which somebody has written by hand.
    put_row(task_id, "2026-11-03T09:00:00Z", "PERFECT")
    capsys.readouterr()
    assert main(["ledger", "verify", task_id, *WHEN]) == 1
    printed = capsys.readouterr()
    assert "2026-11-03T09:00:00Z" in printed.err
    assert "1 item could not be read" in printed.out

"""`orchestrator ledger verify`, as a person and as a program use it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.cli import main
from orchestrator.records import Watch
from orchestrator.registry import Registry
from orchestrator.tasks import Target, TargetKind, Task, TaskSchedule
from tests.commands.conftest import PutRow

Printed = pytest.CaptureFixture[str]
WHEN = ["--from", "2026-11-02", "--to", "2026-11-04"]


def register(registry: Registry, task_id: str, since: str | None = None, **fields: Any) -> str:
    daily = TaskSchedule(expression="cron(0 8 * * ? *)", timezone="Europe/Berlin")
    target = Target(kind=TargetKind.LAMBDA, name="work")
    watch = Watch(checked_until="2026-11-01T00:00:00Z", next_run=None, since=since)
    registry.register(Task(id=task_id, target=target, schedules=(daily,), **fields), watch, anew=True)
    return task_id


def test_a_ledger_that_explains_every_slot_is_said_to(registry: Registry, put_row: PutRow, capsys: Printed) -> None:
    task_id = register(registry, "explained")
    for day in ("02", "03"):
        put_row(task_id, f"2026-11-{day}T07:00:00Z", "SUCCEEDED")
    assert main(["ledger", "verify", task_id, *WHEN]) == 0
    assert capsys.readouterr().out == "Every slot of 1 task is explained.\n"


def test_every_slot_that_is_not_explained_is_printed_and_fails(
    registry: Registry, put_row: PutRow, capsys: Printed
) -> None:
    task_id = register(registry, "unexplained")
    put_row(task_id, "2026-11-02T07:00:00Z", "SUCCEEDED")
    put_row(task_id, "2026-11-02T08:00:00Z", "SUCCEEDED")
    assert main(["ledger", "verify", task_id, *WHEN]) == 1
    printed = capsys.readouterr().out
    assert [line.split()[1:] for line in printed.splitlines()[1:]] == [
        ["2026-11-02T08:00:00Z", "unexpected"],
        ["2026-11-03T07:00:00Z", "unexplained"],
    ]
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

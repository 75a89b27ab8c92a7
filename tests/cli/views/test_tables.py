"""Tables for people, values for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from orchestrator.cli.views.tables import next_slot, run_values, runs_table, task_values, tasks_table
from orchestrator.runs.run import Run, RunStatus
from orchestrator.runs.task_state import Lease, Pause, Record
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUN = Run(task_id="t", slot="2026-12-01T08:00:00Z", status=RunStatus.FAILED, duration_seconds=1.25, error="OutOfPaper")


def task(*expressions: str) -> Task:
    schedules = tuple(TaskSchedule(expression=one, timezone="Europe/Berlin") for one in expressions)
    return Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), schedules=schedules, owner="us")


def text(table: object) -> list[list[str]]:
    console = Console(width=160, record=True, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(table)
    return [line.split() for line in captured.get().splitlines()]


def test_a_run_is_a_line() -> None:
    assert text(runs_table([RUN]))[1] == ["t", "2026-12-01T08:00:00Z", "FAILED", "1.2", "s", "0", "OutOfPaper"]


def test_in_a_narrow_terminal_slot_and_status_stay_whole() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        console.print(runs_table([replace(RUN, task_id="a-task-with-a-name-as-long-as-a-name-may-ever-become")]))
    lines = captured.get().splitlines()
    assert {"2026-12-01T08:00:00Z", "FAILED", "1.2"} <= set(lines[1].split())
    assert max(map(len, lines)) <= 80


def test_a_program_gets_what_applies_under_the_ledgers_names() -> None:
    assert run_values(RUN) == {
        "taskId": "t",
        "slot": "2026-12-01T08:00:00Z",
        "status": "FAILED",
        "trigger": "schedule",
        "durationSeconds": 1.25,
        "attempts": 0,
        "error": "OutOfPaper",
        "duplicates": 0,
    }


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (("cron(0 8 * * ? *)",), "2026-11-24T07:00:00Z"),
        (("cron(0 8 * * ? *)", "at(2026-11-23T20:00:00)"), "2026-11-23T19:00:00Z"),
        (("rate(1 hour)",), "2026-11-23T13:00:00Z"),
        (("at(2020-01-01T00:00:00)",), None),
        ((), None),
    ],
)
def test_the_next_slot_is_the_earliest_that_is_known(expressions: tuple[str, ...], expected: str | None) -> None:
    assert next_slot(Record(task=task(*expressions)), NOW) == expected


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (Record(task=task()), "idle"),
        (Record(task=task(), lease=Lease(execution_arn="a", expires_at=int(NOW.timestamp()) + 60)), "running"),
        (Record(task=task(), lease=Lease(execution_arn="a", expires_at=int(NOW.timestamp()) - 60)), "idle"),
        (Record(task=task(), pause=Pause(who="somebody", why="stocktaking")), "paused by somebody: stocktaking"),
        (Record(task=task(), pause=Pause()), "paused"),
    ],
)
def test_a_task_shows_its_state(record: Record, state: str) -> None:
    assert task_values(record, NOW)["state"] == state


def test_a_task_is_a_line() -> None:
    record = Record(task=task("cron(0 8 * * ? *)"), last_status=RunStatus.SUCCEEDED)
    line = text(tasks_table([record], NOW))[1]
    schedule = ["cron(0", "8", "*", "*", "?", "*)", "Europe/Berlin"]
    assert line == ["t", "lambda/work", *schedule, "2026-11-24T07:00:00Z", "SUCCEEDED", "idle", "us"]

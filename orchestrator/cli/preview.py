"""`orchestrator preview`: when a task, or an expression that nobody has used yet, is due. It needs no AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import as_json, console, day_or_moment, gathered, print_json, tasks_option
from orchestrator.cli.views.preview import preview_table
from orchestrator.schedules import Schedule
from orchestrator.tasks.preview import lines, value, waiting
from orchestrator.tasks.slots import in_zone_of
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

_COUNT = 10


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Which slots, as somebody typed it."""

    begin: datetime | None
    until: datetime | None
    count: int | None


@click.command()
@click.argument("task", required=False)
@click.option("--expression", help="Instead of a task: cron(…), rate(…) or at(…).")
@click.option("--timezone", help="Of the expression, like Europe/Berlin.  [default: UTC]")
@gathered(
    "window",
    _Window,
    click.option("--from", "begin", callback=day_or_moment, help="From here on.  [default: now]"),
    click.option("--until", callback=day_or_moment, help="Not later than this."),
    click.option(
        "--count", type=click.IntRange(1, 100_000), help=f"So many.  [default: {_COUNT}, unless --until is given]"
    ),
)
@tasks_option
@as_json
@click.pass_obj
def preview(
    connection: Connection,
    task: str | None,
    expression: str | None,
    timezone: str | None,
    window: _Window,
    file: Path | None,
    as_json: bool,
) -> None:
    """When TASK of tasks.yaml is due: local time and UTC, changes of clock, calendars, spreading.

    A time without a zone is one of the first schedule's zone.
    """
    now = datetime.now(UTC)
    if (task is None) == (expression is None):
        raise click.UsageError("expected a TASK of tasks.yaml, or --expression")
    if timezone and task:
        raise click.BadParameter("a task has its own; this goes with --expression", param_hint="--timezone")
    tasks: Mapping[str, Task] = {}
    if expression:
        previewed = _of_expression(expression, timezone or "UTC")
    else:
        previewed, tasks = _of_file(connection, task or "", file, now)
    first, last = (moment and in_zone_of(previewed, moment) for moment in (window.begin, window.until))
    slots = lines(previewed, first or now, count=window.count or (None if last else _COUNT), until=last)
    shown = [waiting(line, previewed, tasks) for line in slots]
    if as_json:
        print_json(value(line) for line in shown if line.slot)
    elif shown:
        click.echo(_title(previewed))
        console().print(preview_table(shown))
    else:
        click.echo(f"{_title(previewed)}: no slots{' of the clock' if previewed.starts else ''}")


def _title(task: Task) -> str:
    said = ", ".join(f"{schedule.expression} {schedule.timezone}" for schedule in task.schedules)
    starts = " and ".join((*([said] if said else []), *map(str, task.starts)))
    return f"{task.id}: {starts or 'nothing starts it'}" if task.id else starts


def _of_expression(expression: str, timezone: str) -> Task:
    """Raises InvalidSchedule and InvalidTimezone."""
    checked = str(Schedule.of(expression, timezone).expression)
    nothing = Target(kind=TargetKind.LAMBDA, name="none")
    return Task(id="", target=nothing, schedules=(TaskSchedule(expression=checked, timezone=timezone),))


def _of_file(
    connection: Connection, task_id: str, given: Path | None, now: datetime
) -> tuple[Task, Mapping[str, Task]]:
    """The task, and all of the file. Raises InvalidTaskFile."""
    file = connection.tasks_file(given)
    tasks = {task.id: task for task in connection.application.load_tasks(file, now.date())}
    if task_id not in tasks:
        close = get_close_matches(task_id, tasks, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is: {', '.join(sorted(tasks))}"
        raise click.BadParameter(f"there is no task {task_id!r} in {file}; {hint}", param_hint="TASK")
    return tasks[task_id], tasks

"""`orchestrator pause` and `orchestrator resume`. A pause is data of the task, and no deployment ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.errors import NotPaused, UnknownTask
from orchestrator.operations import pausing
from orchestrator.runs.task_state import Pause, Record
from orchestrator.taskfile import durations
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

_on_resume = click.option(
    "--on-resume",
    type=click.Choice([*CatchUp], case_sensitive=False),
    help="Which of the slots that were skipped run then: none, the latest, or all.",
)


def _until(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | timedelta | None:
    """A moment with its zone, or a length of time from now."""
    if text is None:
        return None
    try:
        return timedelta(seconds=durations.seconds(text))
    except ValueError:
        try:
            until = datetime.fromisoformat(text)
        except ValueError:
            until = datetime.min
    if until.tzinfo is None:
        raise click.BadParameter(
            f"expected a length of time like 2h, or a moment like 2026-12-01T08:00:00Z, found {text!r}"
        )
    return until


@click.command()
@click.argument("task")
@click.option("--reason", required=True, help="Shown wherever the task is.")
@click.option("--until", callback=_until, help="It ends by itself after 2h, or at 2026-12-01T08:00:00Z.")
@_on_resume
@click.pass_obj
def pause(
    connection: Connection, task: str, reason: str, until: datetime | timedelta | None, on_resume: str | None
) -> None:
    """Skip the slots of TASK until it is resumed; what runs now goes on."""
    record = _record(connection, task)
    now = connection.now()
    made = Pause(
        who=connection.who(),
        why=reason,
        since=key(now),
        until=_end(until, now),
        on_resume=CatchUp(on_resume or CatchUp.NONE),
    )
    checks = [text for text in (record.checkpoint.next_run if record.checkpoint else None, made.until) if text]
    if not connection.registry.pause(task, made, next_run=min(checks) if made.until else None):
        raise UnknownTask(task)
    before = f" (it was paused by {record.pause.who}: {record.pause.why})" if record.pause else ""
    end = f" until {made.until}" if made.until else f"; `orchestrator resume {task}` ends it"
    click.echo(f"Paused {task}{end}{before}")


@click.command()
@click.argument("task")
@_on_resume
@click.pass_obj
def resume(connection: Connection, task: str, on_resume: str | None) -> None:
    """End the pause of TASK, and start what it has skipped, as the pause or --on-resume says."""
    record = _record(connection, task)
    if record.pause is None:
        raise NotPaused(task)
    paused = replace(record.pause, on_resume=CatchUp(on_resume)) if on_resume else record.pause
    now = connection.now()
    registry, ledger, runner = connection.registry, connection.ledger, connection.runner
    started = pausing.resume(registry, ledger, runner, task, paused, now, connection.who())
    click.echo(f"Resumed {task}")
    for slot in started:
        click.echo(f"started {slot}")


def _end(until: datetime | timedelta | None, now: datetime) -> str:
    """Returns the end of a pause as its record has it; empty if it has none."""
    if until is None:
        return ""
    end = now + until if isinstance(until, timedelta) else until
    if end <= now:
        raise click.BadParameter(f"expected a moment to come, found {key(end)}; it is {key(now)}", param_hint="--until")
    return key(end)


def _record(connection: Connection, task: str) -> Record:
    record = connection.registry.get(task)
    if record is None:
        raise UnknownTask(task)
    return record

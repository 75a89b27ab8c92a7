"""`orchestrator schedule`: one run of a task, at a moment to come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, moment, overriding_params, print_json
from orchestrator.errors import UnknownTask
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.command()
@click.argument("task")
@click.option("--at", required=True, callback=moment, help="When: a moment with its zone, like 2026-12-01T08:00:00Z.")
@overriding_params
@click.option("--cancel", is_flag=True, help="Take it back.")
@as_json
@click.pass_obj
def schedule(
    connection: Connection, task: str, at: datetime, params: dict[str, Any], cancel: bool, as_json: bool
) -> int:
    """Let TASK run once, at a moment to come, besides its own schedules. A deployment leaves it alone.

    Once more for the same moment, it replaces what was asked for.
    """
    if not cancel and connection.registry.get(task) is None:
        raise UnknownTask(task)
    if cancel:
        taken_back = connection.one_time_runs.cancel(task, at)
        click.echo(f"{task} does not run at {key(at)}" if taken_back else f"{task} was not to run once at {key(at)}")
        return 0 if taken_back else faults.FAILED
    slot = connection.one_time_runs.schedule(task, at, params)
    if as_json:
        print_json([{"taskId": task, "slot": slot}])
    else:
        click.echo(f"{task} runs at {slot}; `orchestrator schedule {task} --at {slot} --cancel` takes it back")
    return 0

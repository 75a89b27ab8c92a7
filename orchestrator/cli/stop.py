"""`orchestrator stop`: ends a run that goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, console, print_json, slot_argument
from orchestrator.cli.views.tables import run_values, runs_table
from orchestrator.operations import starting
from orchestrator.runs.run import TERMINAL, Run

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

#: How long, in seconds, and how often the row is looked at: the end of an execution takes some seconds to get there.
_PATIENCE, _POLL_SECONDS = 30.0, 0.5


@click.command()
@click.argument("task")
@slot_argument
@as_json
@click.pass_obj
def stop(connection: Connection, task: str, slot: str, as_json: bool) -> int:
    """End the run of SLOT of TASK, and the workflow that it has started, or its wait; the slot is then ABORTED.

    A Lambda function that has been called goes on to its end, and nobody hears its answer.
    """
    run = starting.stoppable(connection.ledger, task, slot)
    starting.stop(connection.runner, connection.recorder, run, connection.who(), connection.now())
    ended = _ended(connection, run)
    if ended is None:
        click.echo(f"Stopped {task} {slot}; its row will say so: orchestrator show {task} {slot}", err=True)
        return faults.FAILED
    if as_json:
        print_json([run_values(ended)])
    else:
        console().print(runs_table([ended]))
    return 0


def _ended(connection: Connection, run: Run) -> Run | None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        now = connection.ledger.get(run.task_id, run.slot)
        if now and now.status in TERMINAL:
            return now
        time.sleep(_POLL_SECONDS)
    return None

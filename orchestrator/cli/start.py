"""`orchestrator start`: runs a task now, or one slot of it that has not run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, moment, overriding_params, print_json
from orchestrator.cli.views.tables import run_values
from orchestrator.cli.watching import show_outcome, watch
from orchestrator.errors import SlotTaken, SlotToCome, UnknownTask
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.stores.executions import Started


@click.command()
@click.argument("task")
@overriding_params
@click.option("--slot", "at", callback=moment, help="Run it for this slot, instead of for now.")
@click.option("--force", is_flag=True, help="Also for a slot to come, which its schedule then does not start.")
@click.option("--wait", is_flag=True, help="Wait for its end, and fail if it does.")
@as_json
@click.pass_obj
def start(
    connection: Connection,
    task: str,
    params: dict[str, Any],
    at: datetime | None,
    force: bool,
    wait: bool,
    as_json: bool,
) -> int:
    """Start TASK now."""
    if connection.registry.get(task) is None:
        raise UnknownTask(task)
    now, slot = connection.now(), key(at) if at else None
    if slot and (run := connection.ledger.get(task, slot)):
        raise SlotTaken(task, slot, run.status)
    if slot and at and at > now and not force:
        raise SlotToCome(task, slot)
    started = connection.runner.start(task, params=params, slot=slot, now=now)
    if not wait:
        if as_json:
            print_json([{"executionArn": started.execution_arn, "slot": started.slot}])
        else:
            click.echo(f"Started {task} for {started.slot}\n{started.execution_arn}")
        return 0
    status = watch(connection, task, started)
    row = _row(connection, task, started)
    if row and as_json:
        print_json([run_values(row)])
    elif row:
        show_outcome(row)
    succeeded = status == "SUCCEEDED" and row is not None and row.status is RunStatus.SUCCEEDED
    return 0 if succeeded else faults.FAILED


def _row(connection: Connection, task: str, started: Started) -> Run | None:
    """The execution's own row: one that has not claimed its slot stands under the moment of its start.

    Raises :class:`SlotTaken` if another execution was first.
    """
    of_slot = connection.ledger.get(task, started.slot)
    if of_slot is None or of_slot.execution_arn != started.execution_arn:
        own = connection.ledger.get(task, started.started_at)
        if own is None and of_slot is not None:
            raise SlotTaken(task, started.slot, of_slot.status)
        return own
    return of_slot

"""`orchestrator rerun`: runs one slot again, whatever its last outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, overriding_params, print_json, slot_argument
from orchestrator.cli.views.tables import run_values
from orchestrator.cli.watching import show_outcome, watch
from orchestrator.errors import NoRunOfSlot, NotRerun, StillRunning, TaskPaused, UnknownTask
from orchestrator.runs.run import TERMINAL, RunStatus

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.command()
@click.argument("task")
@slot_argument
@overriding_params
@click.option("--wait", is_flag=True, help="Wait for its end, and fail if it does.")
@as_json
@click.pass_obj
def rerun(connection: Connection, task: str, slot: str, params: dict[str, Any], wait: bool, as_json: bool) -> int:
    """Run SLOT of TASK again, with the params it had; the row keeps what became of it before."""
    record, run = connection.registry.get(task), connection.ledger.get(task, slot)
    if record is None:
        raise UnknownTask(task)
    if pause := record.pause_at(connection.now()):
        raise TaskPaused(task, pause.who, pause.why)
    if run is None:
        raise NoRunOfSlot(task, slot)
    runner = connection.runner
    if run.status not in TERMINAL and run.execution_arn and not runner.ended(run, connection.now()):
        raise StillRunning(task, slot, run.execution_arn)
    started = runner.start(task, params=runner.params(run) | params, slot=slot, now=connection.now(), replaced=run)
    if not wait:
        if as_json:
            print_json([{"executionArn": started.execution_arn, "slot": slot}])
        else:
            click.echo(f"Started {task} for {slot} again\n{started.execution_arn}")
        return 0
    watch(connection, task, started)
    now = connection.ledger.get(task, slot)
    if now is None or now.execution_arn != started.execution_arn:
        raise NotRerun(task, slot, started.execution_arn)
    if as_json:
        print_json([run_values(now)])
    else:
        show_outcome(now)
    return 0 if now.status is RunStatus.SUCCEEDED else faults.FAILED

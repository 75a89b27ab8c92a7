"""`orchestrator rerun`: runs one slot again, whatever its last outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, overriding_params, print_json, slot_argument
from orchestrator.cli.views.tables import run_values
from orchestrator.cli.watching import show_outcome, watch
from orchestrator.errors import NotRerun
from orchestrator.operations import starting
from orchestrator.runs.run import RunStatus

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
    runner = connection.runner
    starting.runnable(connection.registry, task, connection.now())
    run = starting.rerunnable(connection.ledger, runner, task, slot, connection.now())
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

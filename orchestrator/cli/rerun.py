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
from orchestrator.operations.chains import Chains
from orchestrator.runs.explanation import why
from orchestrator.runs.run import Run, RunStatus

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.command()
@click.argument("task")
@slot_argument
@overriding_params
@click.option("--downstream", is_flag=True, help="And what waits for it, each slot after those that it waits for.")
@click.option("--wait", is_flag=True, help="Wait for its end, and fail if it does.")
@as_json
@click.pass_obj
def rerun(
    connection: Connection, task: str, slot: str, params: dict[str, Any], downstream: bool, wait: bool, as_json: bool
) -> int:
    """Run SLOT of TASK again, with the params it had; the row keeps what became of it before."""
    runner = connection.runner
    starting.runnable(connection.registry, task, connection.now())
    run = starting.rerunnable(connection.ledger, runner, task, slot, connection.now())
    held = _hold_downstream(connection, task, slot) if downstream else []
    started = runner.start(task, params=runner.params(run) | params, slot=slot, now=connection.now(), replaced=run)
    if not wait:
        if as_json:
            print_json([{"executionArn": started.execution_arn, "slot": slot}, *map(run_values, held)])
        else:
            click.echo(f"Started {task} for {slot} again\n{started.execution_arn}")
            for one in held:
                click.echo(f"{one.task_id} {one.slot} {why(one)}")
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


def _hold_downstream(connection: Connection, task: str, slot: str) -> list[Run]:
    """What waits for the slot, held until that has run again: before it begins, so that nobody misses its end."""
    chains, now = Chains(registry=connection.registry, ledger=connection.ledger), connection.now()
    return chains.hold(connection.recorder, chains.downstream([(task, slot)], now), now)

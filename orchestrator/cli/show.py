"""`orchestrator show`: everything that is known of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import as_json, console, newest_or_slot, print_json
from orchestrator.cli.views.path import path_lines, path_values
from orchestrator.cli.views.run import run_lines
from orchestrator.cli.views.tables import run_values
from orchestrator.errors import InvalidProject, NoProject, NoRunOfSlot, UnknownTask
from orchestrator.runs.run import TERMINAL

if TYPE_CHECKING:
    from decimal import Decimal

    from orchestrator.cli.connection import Connection
    from orchestrator.runs.run import Run


@click.command()
@click.argument("task")
@newest_or_slot
@click.option("--full", is_flag=True, help="Every state's input and output, and nothing cut.")
@as_json
@click.pass_obj
def show(connection: Connection, task: str, slot: str | None, full: bool, as_json: bool) -> None:
    """The run of SLOT of TASK, or its newest: the row, what it has cost, and its path through the states.

    The path comes from Step Functions, which forgets it after 90 days.
    """
    run = found_run(connection, task, slot)
    visits = connection.histories.path(run.execution_arn) if run.execution_arn else None
    paths = [(run.execution_arn or "", visits)] if visits else []
    for visit in visits or ():
        paths += [(child, connection.histories.path(child) or []) for child in visit.children]
    dollars = _dollars(connection, run)
    if as_json:
        cost = {} if dollars is None else {"dollars": f"{dollars:.9f}"}
        print_json(
            [run_values(run) | cost | {"path": [value for arn, some in paths for value in path_values(arn, some)]}]
        )
        return
    out = console()
    for line in run_lines(run, dollars=dollars):
        out.print(line, soft_wrap=full)
    if not paths:
        click.echo("\nStep Functions has no history of it.")
    for arn, some in paths:
        out.print(f"\n[bold]{arn.rpartition(':stateMachine:')[2].rpartition(':execution:')[2] or arn}[/bold]")
        for line in path_lines(some, full=full):
            out.print(line, soft_wrap=full)


def _dollars(connection: Connection, run: Run) -> Decimal | None:
    """What the row says, or else what follows from it: None while it goes on, of a task that is gone, and where no
    project is.
    """
    from orchestrator.deployment import billed
    from orchestrator.pricing.actual import run_dollars

    if run.dollars is not None:
        return run.dollars
    record = connection.registry.get(run.task_id) if run.status in TERMINAL else None
    if record is None:
        return None
    try:
        return run_dollars(run, record.task, billed(connection.application))
    except (InvalidProject, NoProject):
        return None


def found_run(connection: Connection, task: str, slot: str | None) -> Run:
    """The run of the slot, or the task's newest. Raises UnknownTask and NoRunOfSlot."""
    if slot:
        run = connection.ledger.get(task, slot)
        if run is None:
            raise NoRunOfSlot(task, slot)
        return run
    newest = connection.ledger.started([task], limit=1)
    if not newest:
        if connection.registry.get(task) is None:
            raise UnknownTask(task)
        raise NoRunOfSlot(task)
    return newest[0]

"""`orchestrator logs`: what a run has logged, stack traces and all."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import newest_or_slot
from orchestrator.cli.show import found_run
from orchestrator.operations import run_log
from orchestrator.runs.explanation import why
from orchestrator.runs.run import TERMINAL, Run

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.stores.function_logs import LogLine

#: Seconds between two looks.
_POLL_SECONDS = 1.0


@click.command()
@click.argument("task")
@newest_or_slot
@click.option("--follow", is_flag=True, help="Go on until the run has ended; without a SLOT, with each next run too.")
@click.pass_obj
def logs(connection: Connection, task: str, slot: str | None, follow: bool) -> None:
    """What the run of SLOT of TASK, or its newest, has logged: the functions that it has called.

    AWS shows a line some seconds after it was logged.
    """
    run = found_run(connection, task, slot)
    _show(connection, run, follow=follow)
    while follow and not slot:
        time.sleep(_POLL_SECONDS)
        newest = found_run(connection, task, None)
        if newest.execution_arn != run.execution_arn:
            run = newest
            _show(connection, run, follow=True)


def _show(connection: Connection, run: Run, *, follow: bool) -> None:
    seen: set[str] = set()
    late: float | None = None
    while True:
        now = connection.ledger.get(run.task_id, run.slot) or run
        # The row first: what the run has logged before it ended is there then, or comes within seconds.
        wanted = list(run_log.invocations(now, connection.histories, connection.registry, connection.stack))
        lines = [line for line in run_log.lines(now, wanted, connection.function_logs) if line.id not in seen]
        _print(lines)
        seen |= {line.id for line in lines}
        if now.status in TERMINAL:
            late = late or time.monotonic() + (run_log.LATE.total_seconds() if follow else 0)
            reported = sum(line.is_report for line in lines)
            if reported or time.monotonic() >= late or not wanted:
                break
        elif not follow:
            break
        time.sleep(_POLL_SECONDS)
    if not seen:
        click.echo("No lines.", err=True)
    elif any(call.given_up for call in wanted):
        said = "AWS does not say which call was given up without an answer: shown is each that had not ended by then."
        click.echo(said, err=True)
    explained = why(now)
    click.echo(f"{now.task_id} {now.slot}: {now.status}{f', {explained}' if explained else ''}", err=True)


def _print(lines: list[LogLine]) -> None:
    for request_id, some in groupby(lines, key=lambda line: line.request_id):
        of_call = list(some)
        click.secho(f"── {of_call[0].function} {request_id}", dim=True)
        for line in of_call:
            at = datetime.fromtimestamp(line.at / 1000, UTC)
            click.echo(f"{at:%H:%M:%S}.{line.at % 1000:03}  {line.text}")

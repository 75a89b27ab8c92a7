"""`orchestrator logs`: what a run has logged, stack traces and all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import newest_or_slot
from orchestrator.cli.show import found_run
from orchestrator.runs.execution_end import is_express
from orchestrator.runs.explanation import why
from orchestrator.runs.path import Invocation
from orchestrator.runs.run import TERMINAL, Run
from orchestrator.tasks.task import TargetKind

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.stores.function_logs import LogLine

#: Seconds between two looks, and how long the last lines of a run that has ended are waited for.
_POLL_SECONDS, _LATE_SECONDS = 1.0, 10.0

#: The clocks of Lambda and Step Functions may differ.
_MARGIN = timedelta(seconds=1)


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
        wanted = list(_invocations(connection, now))
        lines = [line for line in _lines(connection, now, wanted) if line.id not in seen]
        _print(lines)
        seen |= {line.id for line in lines}
        if now.status in TERMINAL:
            late = late or time.monotonic() + (_LATE_SECONDS if follow else 0)
            reported = sum(line.is_report for line in lines)
            if reported or time.monotonic() >= late or not wanted:
                break
        elif not follow:
            break
        time.sleep(_POLL_SECONDS)
    if not seen:
        click.echo("No lines.", err=True)
    explained = why(now)
    click.echo(f"{now.task_id} {now.slot}: {now.status}{f', {explained}' if explained else ''}", err=True)


def _invocations(connection: Connection, run: Run) -> Iterator[Invocation]:
    """What the run has called; where no history says, its task's function, by the time alone."""
    histories = connection.histories
    visits = histories.path(run.execution_arn) if run.execution_arn else []
    # The log of an Express execution holds no data: neither what was called nor what a call was named.
    if visits is not None and not is_express(run.execution_arn):
        yield from histories.invocations(visits)
        return
    record = connection.registry.get(run.task_id)
    if record and record.task.target.kind is TargetKind.LAMBDA:
        yield Invocation(function=connection.stack.function(record.task.target.name))


def _lines(connection: Connection, run: Run, wanted: list[Invocation]) -> list[LogLine]:
    if not run.started_at:
        return []
    since = datetime.fromisoformat(run.started_at) - _MARGIN
    until = datetime.fromisoformat(run.ended_at) + timedelta(seconds=_LATE_SECONDS) if run.ended_at else None
    matching: list[LogLine] = []
    for function, calls in groupby(sorted(wanted, key=lambda call: call.function), key=lambda call: call.function):
        ids = {call.request_id for call in calls}
        lines = connection.function_logs.lines(function, since, until)
        # A call that goes on has no name yet, so what has no other owner may be its.
        matching += [line for line in lines if line.request_id in ids or None in ids]
    first = {line.request_id: line.at for line in reversed(matching)}
    return sorted(matching, key=lambda line: first[line.request_id])


def _print(lines: list[LogLine]) -> None:
    for request_id, some in groupby(lines, key=lambda line: line.request_id):
        of_call = list(some)
        click.secho(f"── {of_call[0].function} {request_id}", dim=True)
        for line in of_call:
            at = datetime.fromtimestamp(line.at / 1000, UTC)
            click.echo(f"{at:%H:%M:%S}.{line.at % 1000:03}  {line.text}")

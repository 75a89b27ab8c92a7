"""Shows a run to the person who waits for it: its state while it runs, and its result at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.console import Console

from orchestrator.cli.options import console
from orchestrator.cli.views.tables import runs_table

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.runs.run import Run
    from orchestrator.stores.executions import Started

#: On a terminal the state is looked up at most so often, in seconds.
_LOOK_SECONDS = 1.0


def watch(connection: Connection, task: str, started: Started) -> str:
    """The execution's status at its end; a terminal shows which state it is in until then."""
    began, looked, state = time.monotonic(), 0.0, "starting"
    with Console(stderr=True).status(f"{task}: {state}") as status:

        def look(seconds: float) -> None:
            nonlocal looked, state
            now = time.monotonic()
            if status.console.is_terminal and now - looked > _LOOK_SECONDS:
                looked, state = now, connection.histories.state(started.execution_arn) or state
            status.update(f"{task}: {state}, {now - began:.0f} s")
            time.sleep(seconds)

        try:
            return connection.runner.wait(started, look)
        except KeyboardInterrupt:
            status.stop()
            click.echo(
                f"\nThe run goes on. Look at it:  orchestrator show {task} {started.slot}\n"
                f"Stop it:  orchestrator stop {task} {started.slot}",
                err=True,
            )
            raise


def show_outcome(run: Run) -> None:
    """Returns the run's row and its result."""
    console().print(runs_table([run]))
    if run.result:
        click.echo(f"result: {run.result}")

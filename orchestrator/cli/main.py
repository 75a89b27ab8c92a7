"""`orchestrator`: what an operator types. Each command has `--help`.

Exit codes: 0 done; 1 it failed, or the run did; 2 bad input; 3 AWS cannot be reached or refuses; 4 there was
nothing to compare; 130 interrupted. Of the commands that build and deploy, 1 is bad input, too, and 2 says of `plan`
that there is something to do, and of `prove` that something was not answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import deployments, faults
from orchestrator.cli.commands import Commands
from orchestrator.cli.connection import Connection
from orchestrator.cli.options import console, moment, tasks_option
from orchestrator.errors import InvalidProject
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from orchestrator.taskfile.reader import Declared


@click.group(cls=Commands)
@click.version_option(package_name="scheduled-task-orchestrator", message="%(version)s")
@click.pass_context
def orchestrator(context: click.Context) -> None:
    """Scheduled tasks on AWS: what runs, what ran, and what became of it."""
    context.ensure_object(Connection)


@orchestrator.command()
@click.argument("given", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def validate(connection: Connection, given: Path | None) -> None:
    """Check the tasks, the handlers and the workflows of the project, and write nothing anywhere.

    Handlers are imported, in a process of their own. Every mistake is named, in one go. No
    stack is needed: calendars are worked out as of this machine's date, those of `plan` and `apply` as of the stack's.
    """
    from orchestrator.deployment.checking import check
    from orchestrator.runs.destinations import silences

    file = connection.tasks_file(given)
    try:
        stack = connection.stack
    except InvalidProject:
        # What is wrong with stack.yaml is said with all other mistakes.
        stack = Stack()
    checked = check(connection.project, stack, file, datetime.now(UTC))
    declared = checked.declared
    schedules = sum(len(task.schedules) for task in declared.tasks)
    events = sum(len(task.starts) for task in declared.tasks)
    kinds = "kind" if events == 1 else "kinds"
    heard = f" {events} {kinds} of events," if events else ""
    click.echo(f"{file}: {len(declared.tasks)} tasks, {schedules} schedules,{heard} no mistakes.")
    for said in (
        *checked.warnings,
        *silences(declared.tasks, declared.destinations),
        *_exceeded(connection, declared),
    ):
        click.echo(f"warning: {said}", err=True)


def _exceeded(connection: Connection, declared: Declared) -> Iterator[str]:
    """Yields a warning for each task and owner whose slots cost more a month than the budget allows."""
    if declared.budgets or any(task.budget for task in declared.tasks):
        from orchestrator.deployment import monthly_cost
        from orchestrator.pricing.budgets import exceeded

        yield from exceeded(declared.tasks, declared.budgets, monthly_cost(connection.application, datetime.now(UTC)))


@orchestrator.command()
def schema() -> None:
    """The JSON Schema of tasks.yaml, for editors."""
    from orchestrator.taskfile import schema as of_taskfile

    click.echo(of_taskfile.schema(), nl=False)


@orchestrator.command()
@click.option(
    "--port", default=4566, show_default=True, type=click.IntRange(0, 65535), help="0 takes any that is free."
)
@click.option("--speed", type=click.FloatRange(1, 1_000_000), help="How many times as fast time passes while idle.")
@click.option("--from", "begin", callback=moment, help="The time to begin at, like 2026-11-30T00:00:00Z.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep records, objects and schedules in this folder, and begin with what is there.",
)
@tasks_option
@click.pass_obj
def local(
    connection: Connection,
    port: int,
    speed: float | None,
    begin: datetime | None,
    state: Path | None,
    file: Path | None,
) -> None:
    """Run all of it on this machine, until Ctrl-C; what is saved is deployed at once."""
    # Here, because moto takes a second to import and nothing else needs it.
    from orchestrator.cli.console import beside
    from orchestrator.local import session
    from orchestrator.local.aws.kept.folder import Kept
    from orchestrator.local.reloading import Source

    source = Source(project=connection.project, stack=connection.stack, tasks=connection.tasks_file(file).absolute())
    keep = Kept(state) if state else None
    # A virtual time goes on from where it was.
    begin = begin or (keep.time if keep and speed else None)
    session.serve(
        source,
        port=port,
        clock=session.clock_of(speed, begin),
        say=click.echo,
        console=lambda stack: beside(stack, port),
        keep=keep,
    )


@orchestrator.command()
@tasks_option
@click.pass_obj
def demo(connection: Connection, file: Path | None) -> int:
    """Watch a whole day of scheduled tasks in less than a minute."""
    from orchestrator.cli import demo as day

    return day.show(connection.application, connection.tasks_file(file), console())


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    orchestrator.deploying = False
    return faults.run(orchestrator, arguments, interrupted=_interrupted, bad_input=_bad_input)


def _interrupted() -> str:
    return deployments.INTERRUPTED if orchestrator.deploying else "interrupted"


def _bad_input() -> int:
    return faults.FAILED if orchestrator.deploying else faults.BAD_INPUT

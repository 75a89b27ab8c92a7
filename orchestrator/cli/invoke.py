"""`orchestrator invoke`: a task's handler, once, in this terminal, where a debugger works."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import moment, overriding_params, tasks_option
from orchestrator.errors import UnknownTask
from orchestrator.instants import to_millisecond
from orchestrator.stack import STACK
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import TargetKind

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.functions import Function

#: Of a function's environment as it is deployed: what this terminal has otherwise on purpose stays.
_OWN = ("AWS_", "PYTHON", "LAMBDA_")


@click.command()
@click.argument("task")
@overriding_params
@click.option("--slot", "at", callback=moment, help="The slot that the event names.  [default: now]")
@click.option("--pdb", is_flag=True, help="Where it raises, open the debugger.")
@tasks_option
@click.pass_obj
def invoke(
    connection: Connection, task: str, params: dict[str, Any], at: datetime | None, pdb: bool, file: Path | None
) -> int:
    """Call the handler of TASK of tasks.yaml in this terminal: `breakpoint()` works, prints are seen at once.

    It runs with your credentials, and with the environment of the deployed function if there is one. No row is written,
    and nothing is retried.
    """
    from orchestrator.testing import Context
    from orchestrator.testing.invocation import event_of

    project, application = connection.project, connection.application
    tasks = {one.id: one for one in application.load_tasks(connection.tasks_file(file), datetime.now(UTC).date())}
    if task not in tasks:
        raise UnknownTask(task)
    target = tasks[task].target
    if target.kind is not TargetKind.LAMBDA:
        raise click.UsageError(f"{task} runs {target}, which is no handler: `orchestrator start {task} --wait` runs it")
    function = next(one for one in application.functions if one.name == target.name)
    slot = key(at) if at else to_millisecond(datetime.now(UTC))
    event = event_of(task, slot, {**tasks[task].params, **params})
    from orchestrator.deployment.workflows import importable, imported

    # What the handler imports while it runs is of its project, too.
    with _as_deployed(connection, function), importable(project.root):
        handler = imported(project.root, f"lambdas.{function.module}").handler
        try:
            result = handler(event, Context(milliseconds_left=1000 * function.timeout_seconds))
        except Exception as fault:
            # Without the frames of this command.
            at_fault = fault.__traceback__.tb_next if fault.__traceback__ else None
            traceback.print_exception(type(fault), fault, at_fault)
            if pdb:
                import pdb as debugger

                debugger.post_mortem(at_fault)
            return faults.FAILED
    click.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))
    return 0


@contextmanager
def _as_deployed(connection: Connection, function: Function) -> Iterator[None]:
    from orchestrator.local.aws import environment

    variables = {STACK: connection.stack.name, "POWERTOOLS_TRACE_DISABLED": "true", **function.environment}
    variables |= _configured(connection, connection.stack.function(function.name))
    with environment.applied(variables):
        yield


def _configured(connection: Connection, name: str) -> Mapping[str, str]:
    """The environment of the deployed function; empty where none can be reached."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = connection.client("lambda").get_function_configuration(FunctionName=name)
    except (BotoCoreError, ClientError) as fault:
        click.echo(f"without the environment of {name}: {fault}", err=True)
        return {}
    variables = found.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if not name.startswith(_OWN)}

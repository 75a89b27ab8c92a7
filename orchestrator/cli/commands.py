"""The group of all commands. Each takes, wherever it is typed, which deployment it is about."""

from __future__ import annotations

from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from orchestrator.cli import deployments
from orchestrator.cli.completion import complete_task
from orchestrator.cli.connection import Connection
from orchestrator.cli.options import environment_name
from orchestrator.stack import Stack

#: Where each command is that asks about a deployment, or changes one. Each is imported when it is typed: to import all
#: of them takes longer than most of them take.
OPERATING = {
    "alerts": "orchestrator.cli.alerts.alerts",
    "approve": "orchestrator.cli.approve.approve",
    "backfill": "orchestrator.cli.backfill.backfill",
    "completion": "orchestrator.cli.completion.completion",
    "console": "orchestrator.cli.console.console",
    "costs": "orchestrator.cli.costs.costs",
    "emit": "orchestrator.cli.emit.emit",
    "failed": "orchestrator.cli.failed.failed",
    "forecast": "orchestrator.cli.forecast.forecast_command",
    "init": "orchestrator.cli.init.init",
    "invoke": "orchestrator.cli.invoke.invoke",
    "ledger": "orchestrator.cli.ledger.ledger",
    "logs": "orchestrator.cli.logs.logs",
    "mute": "orchestrator.cli.mute.mute",
    "pause": "orchestrator.cli.pause.pause",
    "preview": "orchestrator.cli.preview.preview",
    "rerun": "orchestrator.cli.rerun.rerun",
    "resume": "orchestrator.cli.pause.resume",
    "runs": "orchestrator.cli.runs.runs",
    "schedule": "orchestrator.cli.schedule.schedule",
    "show": "orchestrator.cli.show.show",
    "start": "orchestrator.cli.start.start",
    "stop": "orchestrator.cli.stop.stop",
    "tasks": "orchestrator.cli.tasks.tasks",
    "unmute": "orchestrator.cli.mute.unmute",
}


def _choose_environment(context: click.Context, parameter: click.Parameter, name: str | None) -> None:
    if name:
        connection = _connection(context)
        connection.environment = environment_name(name)
        if _is_typed(context, parameter):
            connection.named = None


def _choose_stack(context: click.Context, parameter: click.Parameter, name: str | None) -> None:
    connection = _connection(context)
    if name and (_is_typed(context, parameter) or connection.environment is None):
        connection.named = Stack(name=name)


def _is_typed(context: click.Context, parameter: click.Parameter) -> bool:
    """Whether somebody has typed an option: that goes before a variable of the environment."""
    return parameter.name is not None and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE


def _choose_folder(context: click.Context, _parameter: click.Parameter, folder: Path | None) -> None:
    if folder:
        _connection(context).folder = folder


def _choose_local(context: click.Context, _parameter: click.Parameter, is_local: bool) -> None:
    if is_local:
        context.with_resource(_connection(context).to_local())


def _connection(context: click.Context) -> Connection:
    return context.ensure_object(Connection)


def _options() -> tuple[click.Option, ...]:
    """New ones each time: a command owns its parameters."""
    return (
        click.Option(
            ["--env"],
            metavar="NAME",
            expose_value=False,
            callback=_choose_environment,
            help="Which environment: dev, staging, prod …",
        ),
        click.Option(
            ["--local"],
            is_flag=True,
            expose_value=False,
            # What it sets in the environment, other options read.
            is_eager=True,
            callback=_choose_local,
            help="The one that `orchestrator local` runs on this machine.",
        ),
    )


class Commands(click.Group):
    """Its commands may be typed as ``orchestrator --env prod tasks`` and as ``orchestrator tasks --env prod``.

    Most are imported when one of them is typed, and it remembers that one was that builds or deploys.
    """

    deploying = False

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        super().__init__(*arguments, **fields)
        env, local = _options()
        env.envvar, local.envvar = "ORCHESTRATOR_ENV", "ORCHESTRATOR_LOCAL"
        stack = click.Option(
            ["--stack"],
            envvar="ORCHESTRATOR_STACK",
            expose_value=False,
            callback=_choose_stack,
            help="The same, by the whole name of its stack.  [default: PROJECT-dev]",
        )
        project = click.Option(
            ["--project"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_choose_folder,
            # The embedded AWS is that of the project.
            is_eager=True,
            help="Its folder.  [default: the nearest with a tasks.yaml]",
        )
        self.params += [project, env, stack, local]

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(cmd, name)
        _extend(cmd)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *OPERATING, *deployments.MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is None and cmd_name in OPERATING:
            module, _, function = OPERATING[cmd_name].rpartition(".")
            command = getattr(import_module(module), function)
            self.add_command(command)
        if command is None and cmd_name in deployments.MODULES:
            # A copy: a project's deploy.py has it as it is.
            command = copy(deployments.command(cmd_name))
            _extend(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        self.deploying = name in deployments.MODULES
        return name, command, rest


def _extend(command: click.Command) -> None:
    """Gives a command, and those of a group, the options that they do not have."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _extend(one)
        if not command.invoke_without_command:
            return
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.name == "task":
            parameter._custom_shell_complete = complete_task
    taken = {name for parameter in command.params for name in parameter.opts}
    # --help stays the last.
    command.params = [*command.params, *(option for option in _options() if not taken.intersection(option.opts))]

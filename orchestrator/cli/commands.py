"""The group of all commands. Each takes, wherever it is typed, which deployment it is about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.connection import Connection
from orchestrator.stack import Stack

#: Part of the names of buckets, which are 63 characters at most.
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")


def environment_stack(name: str) -> Stack:
    """The stack of an environment. Raises click.BadParameter."""
    if not _ENVIRONMENT.fullmatch(name):
        raise click.BadParameter("1 to 12 of a-z, 0-9 and -, a letter first")
    return Stack(name=f"orchestrator-{name}")


def _choose_environment(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    if name:
        _connection(context).named = environment_stack(name)


def _choose_stack(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    if name:
        _connection(context).named = Stack(name=name)


def _choose_local(context: click.Context, _parameter: click.Parameter, is_local: bool) -> None:
    if is_local:
        context.with_resource(_connection(context).to_local(Path.cwd()))


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
            callback=_choose_local,
            help="The one that `orchestrator local` runs on this machine.",
        ),
    )


class Commands(click.Group):
    """Its commands may be typed as ``orchestrator --env prod tasks`` and as ``orchestrator tasks --env prod``."""

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        super().__init__(*arguments, **fields)
        env, local = _options()
        env.envvar, local.envvar = "ORCHESTRATOR_ENV", "ORCHESTRATOR_LOCAL"
        stack = click.Option(
            ["--stack"],
            envvar="ORCHESTRATOR_STACK",
            expose_value=False,
            callback=_choose_stack,
            help="The same, by the whole name of its stack.  [default: orchestrator-dev]",
        )
        self.params += [env, stack, local]

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        super().add_command(cmd, name)
        _extend(cmd)


def _extend(command: click.Command) -> None:
    """Gives a command, and those of a group, the options that they do not have."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            _extend(one)
        if not command.invoke_without_command:
            return
    taken = {name for parameter in command.params for name in parameter.opts}
    # --help stays the last.
    command.params += [option for option in _options() if not taken.intersection(option.opts)]

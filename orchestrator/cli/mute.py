"""`orchestrator mute` and `orchestrator unmute`: for a while nobody is told of some tasks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.cli.scopes import end, known, scoped, until_option
from orchestrator.errors import NotSwitched
from orchestrator.runs.mutes import Mute
from orchestrator.tasks.scope import Scope
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.command()
@scoped
@click.option("--reason", "--why", required=True, help="Shown when the mute ends.")
@until_option(required=True)
@click.pass_obj
def mute(connection: Connection, scope: Scope, reason: str, until: datetime | timedelta) -> None:
    """Publish no alert of TASK for a while; when the mute ends, one message tells what there was.

    Runs, rows, incidents and CloudWatch's alarms go on as ever.
    """
    known(scope, (record.task for record in connection.registry.all()))
    now = connection.now()
    made = Mute(scope=scope, who=connection.who(), why=reason, since=key(now), until=end(until, now))
    connection.mutes.begin(made)
    click.echo(f"Muted {scope} until {made.until}; `orchestrator unmute {scope.option}` ends it before")


@click.command()
@scoped
@click.pass_obj
def unmute(connection: Connection, scope: Scope) -> None:
    """End a mute, and show what was not told; the watchdog tells it to those who are told, within minutes."""
    now = connection.now()
    on = {one.scope: one for one in connection.mutes.all() if not one.over(now)}
    if scope not in on:
        raise NotSwitched(str(scope), "muted", [str(one) for one in on])
    ended = connection.mutes.cut_short(on[scope], key(now))
    click.echo(f"Unmuted {scope}")
    for note in ended.notes:
        click.echo(note)
    if ended.more:
        click.echo("and more")

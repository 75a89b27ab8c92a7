"""`orchestrator pause` and `orchestrator resume`, of one task or of many at once.

A pause is data of the task, and no deployment ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.cli.scopes import end, known, scoped, until_option
from orchestrator.errors import NotSwitched, UnknownTask
from orchestrator.operations import pausing, switching
from orchestrator.operations.switching import Change
from orchestrator.runs import pauses
from orchestrator.runs.task_state import Pause, Record
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

_on_resume = click.option(
    "--on-resume",
    type=click.Choice([*CatchUp], case_sensitive=False),
    help="Which of the slots that were skipped run then: none, the latest, or all.",
)


@click.command()
@scoped
@click.option("--reason", "--why", required=True, help="Shown wherever the task is.")
@until_option()
@_on_resume
@click.pass_obj
def pause(
    connection: Connection, scope: Scope, reason: str, until: datetime | timedelta | None, on_resume: str | None
) -> None:
    """Skip the slots of TASK until it is resumed; what runs now goes on.

    With --tag, --owner or --all it is a switch for many tasks: those that are deployed while it is on are paused, too.
    """
    now = connection.now()
    made = Pause(
        who=connection.who(),
        why=reason,
        since=key(now),
        until=end(until, now),
        on_resume=CatchUp(on_resume or CatchUp.NONE),
    )
    lasts = f" until {made.until}" if made.until else f"; `orchestrator resume {scope.option}` ends it"
    if scope.kind is ScopeKind.TASK:
        changed = connection.registry.change_pause(scope.name, lambda before: pauses.added(before, made, now))
        if changed is None:
            raise UnknownTask(scope.name)
        own = pauses.of(changed[0], "")
        before = f" (it was paused by {own.who}: {own.why})" if own else ""
        click.echo(f"Paused {scope}{lasts}{before}")
        return
    known(scope, (record.task for record in connection.registry.all()))
    changes = switching.turn_on(connection.registry, connection.switches, scope, made, now)
    _account(changes, "paused")
    click.echo(f"Paused {scope}{lasts}")


@click.command()
@scoped
@_on_resume
@click.pass_obj
def resume(connection: Connection, scope: Scope, on_resume: str | None) -> None:
    """End the pause of TASK, and start what it has skipped, as the pause or --on-resume says.

    With --tag, --owner or --all it takes back the switch of that name; tasks that are paused besides stay paused.
    """
    registry, ledger, runner, who = connection.registry, connection.ledger, connection.runner, connection.who()
    now = connection.now()

    def started(task_id: str, paused: Pause) -> list[str]:
        return pausing.resume(registry, ledger, runner, task_id, paused, now, who)

    if scope.kind is ScopeKind.TASK:
        paused = pausing.own(_record(connection, scope.name))
        ended = replace(paused, on_resume=CatchUp(on_resume)) if on_resume else paused
        slots = started(scope.name, ended)
        still = pauses.each(_record(connection, scope.name).pause)
        click.echo(f"Resumed {scope}" if not still else f"{scope} stays paused {_said(still)}")
        for slot in slots:
            click.echo(f"started {slot}")
        return
    on = [one.switch for one in connection.switches.on(now)]
    paused_by_it = any(pauses.of(record.pause, scope.key) for record in registry.all())
    if scope.key not in on and not paused_by_it:
        raise NotSwitched(str(scope), "paused", [str(Scope.from_key(one)) for one in on])
    wanted = CatchUp(on_resume) if on_resume else None
    changes = switching.turn_off(registry, connection.switches, scope, started, on_resume=wanted)
    _account(changes, "resumed")
    click.echo(f"Resumed {scope}")


def _account(changes: Iterable[Change], done: str) -> None:
    """Says of each task what has become of it. Raises ClickException where something went wrong with one."""
    faults = 0
    for change in changes:
        faults += bool(change.fault)
        others = _said(change.others)
        if change.fault:
            click.echo(f"{change.task_id}: {change.fault}")
        elif others and done == "resumed":
            click.echo(f"{change.task_id} stays paused {others}")
        else:
            click.echo(f"{change.task_id} {done}" + (f"; it is paused {others}, too" if others else ""))
        for slot in change.started:
            click.echo(f"started {change.task_id} {slot}")
    if faults:
        raise click.ClickException(f"{faults} tasks could not be {done}; the same command goes on with them")


def _said(others: Iterable[Pause]) -> str:
    """Which pauses they are, behind the word "paused"."""
    return ", and ".join(
        f"with {Scope.from_key(one.switch)} by {one.who}: {one.why}" if one.switch else f"by {one.who}: {one.why}"
        for one in others
    )


def _record(connection: Connection, task: str) -> Record:
    record = connection.registry.get(task)
    if record is None:
        raise UnknownTask(task)
    return record

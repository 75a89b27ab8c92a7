"""`orchestrator failed`: lists the slots that Scheduler could not start, and starts them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.table import Table

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, console, print_json
from orchestrator.cli.views.tables import camel
from orchestrator.errors import NotReplayable
from orchestrator.operations import replaying
from orchestrator.stores.dead_letters import DeadLetterRecord, DeadLetters, DeadLetterStatus

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Those too that have been replayed.")
@as_json
@click.pass_context
def failed(context: click.Context, everything: bool, as_json: bool) -> None:
    """Slots that were never started: the dead letters of Scheduler."""
    if context.invoked_subcommand:
        return
    records = [one for one in _newest(context.obj) if everything or one.status is DeadLetterStatus.NEEDS_INVESTIGATION]
    if as_json:
        print_json({camel(name): value for name, value in asdict(one).items() if name != "payload"} for one in records)
    else:
        console().print(_table(records) if records else "Nothing has failed to start.")


@failed.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Each that needs investigation.")
@click.pass_obj
def replay(connection: Connection, ids: tuple[str, ...], everything: bool) -> int:
    """Run the slots of IDS again, each under its own key: one that has run meanwhile does not run twice."""
    if bool(ids) == everything:
        raise click.UsageError("expected IDS, or --all")
    table = DeadLetters(connection.client("dynamodb"), connection.stack)
    open_ = [one for one in _newest(connection) if one.status is DeadLetterStatus.NEEDS_INVESTIGATION]
    chosen = open_[::-1] if everything else [replaying.named(table, message_id) for message_id in ids]
    faulty = 0
    for one in chosen:
        try:
            said = replaying.replay(one, connection.registry, connection.ledger, connection.runner, connection.now())
        except NotReplayable as fault:
            click.echo(str(fault), err=True)
            faulty += 1
            continue
        table.replayed(one.message_id, connection.now())
        click.echo(f"{one.task_id} {one.slot}: {said}")
    return faults.FAILED if faulty else 0


def _newest(connection: Connection) -> Sequence[DeadLetterRecord]:
    records = DeadLetters(connection.client("dynamodb"), connection.stack).all()
    return sorted(records, key=lambda one: (one.failed_at, one.message_id), reverse=True)


def _table(records: Sequence[DeadLetterRecord]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "TASK", "SLOT", "FAILED AT", "WHY", "STATUS"):
        table.add_column(name, overflow="fold")
    for one in records:
        why = f"{one.error_code}: {one.error_message}".rstrip(": ")
        table.add_row(one.message_id, one.task_id or "", one.slot or "", one.failed_at, why, one.status)
    return table

"""`orchestrator ledger verify`: whether every slot has its row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from rich.table import Table

from orchestrator import faults
from orchestrator.commands.options import as_json, console, day_or_moment, in_zone_of, print_json
from orchestrator.errors import UnknownTask
from orchestrator.records import Record
from orchestrator.slots import key
from orchestrator.verification import Finding, verify

if TYPE_CHECKING:
    from orchestrator.cli import Connection

_DAYS = timedelta(days=7)


@click.group()
def ledger() -> None:
    """The table of runs as a whole."""


@ledger.command(name="verify")
@click.argument("task", required=False)
@click.option("--from", "begin", callback=day_or_moment, help="The first slot; a week ago, if nothing is said.")
@click.option("--to", "end", callback=day_or_moment, help="The last slot; those that are overdue, if nothing is said.")
@as_json
@click.pass_obj
def verify_command(
    connection: Connection, task: str | None, begin: datetime | None, end: datetime | None, as_json: bool
) -> int:
    """Compare expected slots with rows, of TASK or of all tasks; fail if any slot is not explained."""
    now = datetime.now(UTC)
    records = [connection.registry.get(task)] if task else sorted(connection.registry.all(), key=lambda r: r.task.id)
    found: list[Finding] = []
    looked = 0
    for record in records:
        if record is None:
            raise UnknownTask(str(task))
        found += _findings(connection, record, begin, end, now)
        looked += 1
    if as_json:
        print_json(_values(found))
    elif found:
        console().print(_table(found))
    else:
        click.echo(f"Every slot of {looked} task{'s' if looked != 1 else ''} is explained.")
    return faults.FAILED if found else 0


def _findings(
    connection: Connection, record: Record, begin: datetime | None, end: datetime | None, now: datetime
) -> list[Finding]:
    task = record.task
    overdue = now - timedelta(seconds=task.grace_seconds)
    since = in_zone_of(task, begin) if begin else now - _DAYS
    last = in_zone_of(task, end) if end else now
    if last < since:
        raise click.BadParameter(f"expected a moment before {key(last)}, found {key(since)}", param_hint="'--from'")
    until = min(last, overdue)
    if record.watch and record.watch.since:
        # Earlier slots were other schedules', or nobody's.
        since = max(since, datetime.fromisoformat(record.watch.since))
    if until < since:
        return []
    return verify(task, connection.ledger.between(task.id, key(since), key(until)), since, until, now)


def _values(found: list[Finding]) -> Iterator[dict[str, str]]:
    for one in found:
        values = asdict(one)
        yield {"taskId": values["task_id"], "slot": values["slot"], "problem": values["problem"]}


def _table(found: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "SLOT", "PROBLEM"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(one.task_id, one.slot, one.problem)
    return table

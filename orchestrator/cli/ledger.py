"""`orchestrator ledger verify`: compares the slots that were due with the rows of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, console, day_or_moment, print_json
from orchestrator.errors import UnknownTask
from orchestrator.runs.task_state import Record
from orchestrator.runs.verification import Finding, Verified, comparable, verify
from orchestrator.tasks.slots import in_zone_of, key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

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
    """Compare expected slots with rows, of TASK or of all tasks.

    Exit code 1: a slot is not explained; 4: no slot was due, so nothing was compared.
    """
    records = [connection.registry.get(task)] if task else sorted(connection.registry.all(), key=lambda r: r.task.id)
    now = connection.now()
    verified: list[Verified] = []
    for record in records:
        if record is None:
            raise UnknownTask(str(task))
        verified.append(_verified(connection, record, begin, end, now))
    return _report(verified, connection.unreadable, as_json)


def _verified(
    connection: Connection, record: Record, begin: datetime | None, end: datetime | None, now: datetime
) -> Verified:
    task = record.task
    since = in_zone_of(task, begin) if begin else now - _DAYS
    last = in_zone_of(task, end) if end else now
    if last < since:
        raise click.BadParameter(f"expected a moment before {key(last)}, found {key(since)}", param_hint="'--from'")
    since, until = comparable(record, since, last, now)
    if until < since:
        return Verified(task_id=task.id, since=since, until=until, slots=0, findings=())
    return verify(task, connection.ledger.between(task.id, key(since), key(until)), since, until, now)


def _report(verified: Sequence[Verified], unreadable: int, as_json: bool) -> int:
    """Prints the findings and how many slots were compared. Returns the exit code.

    It is no success if there was nothing to compare, or if a row or record could not be read.
    """
    findings = [finding for one in verified for finding in one.findings]
    slots = sum(one.slots for one in verified)
    tasks = len(verified)
    if as_json:
        print_json([*map(_value, findings), _total(verified, unreadable)])
    else:
        if findings:
            console().print(_table(findings))
        compared = f"{_many(slots, 'slot')} of {_many(tasks, 'task')}{_span(verified)}"
        if not slots:
            click.echo(f"Nothing was compared: no slot of {_many(tasks, 'task')} was due{_span(verified)}.", err=True)
        elif findings:
            click.echo(f"{len(findings)} to look at; compared: {compared}.")
        else:
            click.echo(f"Compared {compared}: each is explained.")
        if slots and (without := [one.task_id for one in verified if not one.slots]):
            click.echo(f"No slot was due of {', '.join(without)}.")
        if unreadable:
            click.echo(f"{_many(unreadable, 'item')} could not be read, and nobody knows what they explain.")
    if findings or unreadable:
        return faults.FAILED
    return 0 if slots else faults.NOTHING_COMPARED


def _compared(verified: Sequence[Verified]) -> tuple[datetime, datetime] | None:
    """Returns the span in which any task was compared; None if none was."""
    spans = [(one.since, one.until) for one in verified if one.since <= one.until]
    return (min(since for since, _ in spans), max(until for _, until in spans)) if spans else None


def _span(verified: Sequence[Verified]) -> str:
    span = _compared(verified)
    return f" from {key(span[0])} to {key(span[1])}" if span else " so far"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _value(finding: Finding) -> dict[str, str]:
    return {"taskId": finding.task_id, "slot": finding.slot, "problem": finding.problem}


def _total(verified: Sequence[Verified], unreadable: int) -> dict[str, Any]:
    span = _compared(verified)
    return {
        "slots": sum(one.slots for one in verified),
        "tasks": len(verified),
        "problems": sum(len(one.findings) for one in verified),
        "unreadable": unreadable,
        **({"from": key(span[0]), "to": key(span[1])} if span else {}),
    }


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "SLOT", "PROBLEM"):
        table.add_column(name, overflow="fold")
    for one in findings:
        table.add_row(one.task_id, one.slot, one.problem)
    return table

"""`orchestrator emit`: sends an event by hand, and says what it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, print_json

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


def _detail(_context: click.Context, _parameter: click.Parameter, text: str) -> dict[str, Any]:
    """A JSON object, or the name of a file that holds one behind an ``@``."""
    try:
        value = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as fault:
        raise click.BadParameter(f"expected a JSON object, or @FILE: {fault}") from fault
    if not isinstance(value, dict):
        raise click.BadParameter(f"expected a JSON object, found {text[:60]!r}")
    return value


@click.command()
@click.option("--source", required=True, help="Who it is from, like shop.")
@click.option("--detail-type", required=True, help="What has happened, like 'Day closed'.")
@click.option("--detail", default="{}", callback=_detail, help="What is known of it: JSON, or @FILE.")
@click.option("--bus", default="", help="By name or ARN.  [default: the account's default bus]")
@click.option("--dry-run", is_flag=True, help="Say what it would start, and send nothing.")
@as_json
@click.pass_obj
def emit(
    connection: Connection,
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    bus: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Send an event to EventBridge, and say which tasks it starts, for which slots.

    Rules go by what is deployed. Exit code 1 where nothing hears it.
    """
    from orchestrator.operations import emitting

    event = emitting.Event(source=source, detail_type=detail_type, detail=detail, bus="" if bus == "default" else bus)
    event_id = "00000000-0000-0000-0000-000000000000" if dry_run else emitting.emit(connection.client("events"), event)
    rules = connection.rules
    found = emitting.heard(rules, connection.registry, connection.stack, event, event_id, connection.now())
    if as_json:
        print_json({"taskId": one.task_id, "slot": one.slot, "params": dict(one.params)} for one in found)
    starts = "would start" if dry_run else "starts"
    for one in () if as_json else found:
        refused = f"{one.task_id} refuses it: it names no slot"
        click.echo(f"{starts} {one.task_id} for {one.slot}" if one.slot else refused)
    if not found and not as_json:
        click.echo(f"no task of {connection.stack.name} hears it", err=True)
    return 0 if found else faults.FAILED

"""`orchestrator emit`: sends an event, a signed request or a message by hand, and says what it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, print_json

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.operations.emitting import Heard
    from orchestrator.runs.inbound import Arrival

_NO_ID = "00000000-0000-0000-0000-000000000000"


def _text(text: str) -> str:
    """A text, or the name of a file that holds it behind an ``@``."""
    try:
        return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    except (OSError, ValueError) as fault:
        raise click.BadParameter(f"expected a text, or @FILE: {fault}") from fault


def _detail(_context: click.Context, _parameter: click.Parameter, text: str) -> dict[str, Any]:
    """A JSON object, or the name of a file that holds one behind an ``@``."""
    try:
        value = json.loads(_text(text))
    except ValueError as fault:
        raise click.BadParameter(f"expected a JSON object, or @FILE: {fault}") from fault
    if not isinstance(value, dict):
        raise click.BadParameter(f"expected a JSON object, found {text[:60]!r}")
    return value


def _body(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    return _text(text)


def _pairs(_context: click.Context, _parameter: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE``, each."""
    if odd := [one for one in given if "=" not in one]:
        raise click.BadParameter(f"expected NAME=VALUE, found {odd[0]!r}")
    return dict(one.split("=", 1) for one in given)


@click.command()
@click.option("--source", default="", help="Who an event is from, like shop.")
@click.option("--detail-type", default="", help="What has happened, like 'Day closed'.")
@click.option("--detail", default="{}", callback=_detail, help="What is known of it: JSON, or @FILE.")
@click.option("--bus", default="", help="By name or ARN.  [default: the account's default bus]")
@click.option("--webhook", default="", metavar="TASK", help="TASK or TASK/NAME: a request, signed by its secret.")
@click.option("--queue", default="", metavar="NAME", help="A message to this queue of stack.yaml.")
@click.option("--body", default="{}", callback=_body, help="Of the request or message, or @FILE.")
@click.option(
    "--with", "more", multiple=True, callback=_pairs, metavar="NAME=VALUE", help="A header or attribute of it."
)
@click.option("--dry-run", is_flag=True, help="Say what it would start, and send nothing.")
@as_json
@click.pass_obj
def emit(connection: Connection, /, dry_run: bool, as_json: bool, **sent: Any) -> int:
    """Send an event to EventBridge, a signed request to a webhook, or a message to a queue, and say which tasks it
    starts, for which slots.

    Rules go by what is deployed. Exit code 1 where nothing hears it.
    """
    kinds = [name for name in ("source", "webhook", "queue") if sent[name]]
    if len(kinds) != 1 or (sent["source"] and not sent["detail_type"]):
        raise click.UsageError("expected --source and --detail-type, or --webhook, or --queue")
    ways = {"source": _event, "webhook": _request, "queue": _message}
    found = ways[kinds[0]](connection, sent, dry_run=dry_run)
    if as_json:
        print_json({"taskId": one.task_id, "slot": one.slot, "params": dict(one.params)} for one in found)
        return 0 if found else faults.FAILED
    for one in found:
        # When a message was sent, the queue says to whoever receives it.
        about = "about " if one.is_dated and sent["queue"] else ""
        starts = f"{'would start' if dry_run else 'starts'} {one.task_id} for {about}{one.slot}"
        click.echo(starts if one.slot else f"{one.task_id} refuses it: it names no slot")
    if not found:
        click.echo(f"no task of {connection.stack.name} hears it", err=True)
    return 0 if found else faults.FAILED


def _event(connection: Connection, sent: Mapping[str, Any], *, dry_run: bool) -> Sequence[Heard]:
    from orchestrator.operations import emitting

    bus = "" if sent["bus"] == "default" else sent["bus"]
    event = emitting.Event(source=sent["source"], detail_type=sent["detail_type"], detail=sent["detail"], bus=bus)
    event_id = _NO_ID if dry_run else emitting.emit(connection.client("events"), event)
    return emitting.heard(connection.rules, connection.registry, connection.stack, event, event_id, connection.now())


def _request(connection: Connection, sent: Mapping[str, Any], *, dry_run: bool) -> Sequence[Heard]:
    from orchestrator.operations import sending

    path, request = sent["webhook"].strip("/"), sending.Sent(body=sent["body"], more=sent["more"])
    _, _, webhook = sending.listening(connection.registry, path)
    if dry_run:
        return _heard(
            connection, sending.arrival_of_request(connection.stack, path, webhook, request, connection.now())
        )
    url = connection.webhooks_url
    if url is None:
        raise click.UsageError(f"{connection.stack.name} has no URL: stack.yaml says `webhooks: {{}}`, then apply")
    return _heard(connection, sending.post(connection.client, connection.stack, url, path, webhook, request))


def _message(connection: Connection, sent: Mapping[str, Any], *, dry_run: bool) -> Sequence[Heard]:
    from orchestrator.operations import sending

    message = sending.Sent(body=sent["body"], more=sent["more"])
    arn = sending.queue_named(connection.rules, connection.stack, sent["queue"])
    message_id = _NO_ID if dry_run else sending.send(connection.client, arn, message)
    return _heard(connection, sending.message(connection.stack, arn, message, message_id, connection.now()))


def _heard(connection: Connection, arrival: Arrival) -> Sequence[Heard]:
    from orchestrator.operations import emitting
    from orchestrator.tasks.inbound import SOURCE

    event = emitting.Event(source=SOURCE, detail_type=arrival.kind, detail=arrival.detail)
    return emitting.heard(connection.rules, connection.registry, connection.stack, event, _NO_ID, arrival.at)

"""`orchestrator alerts`: lists who is told, and sends a test message to each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from orchestrator.cli.options import as_json, print_json
from orchestrator.errors import NobodyTold
from orchestrator.runs.destinations import SEVERITIES, Destination, News, attributes
from orchestrator.stores.subscriptions import PROTOCOLS, Destinations, Subscriptions
from orchestrator.tasks.slots import key


@click.group()
def alerts() -> None:
    """Who is told when a task fails."""


@alerts.command("list")
@as_json
@click.pass_obj
def list_(connection: Any, as_json: bool) -> None:
    """Every destination that has been applied, and whether messages reach it."""
    destinations = _found(connection)
    if as_json:
        print_json({"to": str(one), "isReached": is_reached} for one, is_reached in destinations)
        return
    for one, is_reached in destinations:
        click.echo(
            str(one) if is_reached else f"{one}: not reached until somebody follows the link that AWS has mailed"
        )
    if not destinations:
        click.echo("Nobody: add `alerts: {to: [{mail: you@example.com}]}` to tasks.yaml, and apply it.")


@alerts.command()
@click.pass_obj
def test(connection: Any) -> None:
    """Send a message to every destination, whatever it is restricted to, so that people see that it arrives."""
    destinations = _found(connection)
    if not destinations:
        raise NobodyTold(connection.stack.name)
    name, records = connection.stack.name, list(connection.registry.all())
    connection.client("sns").publish(
        TopicArn=connection.alerts_topic,
        Subject=f"[{name}] test of alerts"[:100],
        Message=f"This is a test of the alerts of {name}. Nothing is wrong.\n\nsent:      {key(datetime.now(UTC))}",
        MessageAttributes=attributes(
            News.TEST,
            severities=SEVERITIES,
            tasks=[record.task.id for record in records],
            owners=[record.task.owner for record in records],
        ),
    )
    for one, is_reached in destinations:
        click.echo(f"Sent to {one}" if is_reached else f"Not sent to {one}: its owner has not confirmed yet")


def _found(connection: Any) -> list[tuple[Destination, bool]]:
    """Each destination, and whether messages reach it."""
    subscriptions = Subscriptions(connection.client("sns"), connection.alerts_topic)
    destinations = []
    for one in Destinations(connection.client("ssm"), connection.stack).all().values():
        if one.destination.address.endswith(f":{connection.stack.courier_queue}"):
            # It is how webhooks are reached.
            continue
        current = subscriptions.describe(one.subscription) if one.subscription else None
        is_reached = current is not None and current.is_confirmed
        destinations.append((one.destination, is_reached or one.destination.kind not in PROTOCOLS))
    return sorted(destinations, key=lambda each: str(each[0]))

"""`orchestrator tasks`: what is registered, and how each task fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import as_json, console, owner_option, print_json, tag_option
from orchestrator.cli.views.tables import task_values, tasks_table
from orchestrator.runs.run import UNSUCCESSFUL

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.runs.task_state import Record


@click.command()
@owner_option
@tag_option
@click.option("--paused", is_flag=True, help="Only those that are paused.")
@click.option("--failing", is_flag=True, help="Only those whose last run did not succeed.")
@as_json
@click.pass_obj
def tasks(
    connection: Connection, owner: str | None, tags: tuple[str, ...], paused: bool, failing: bool, as_json: bool
) -> None:
    """Every task of the registry, and when it is due next."""
    everything = sorted(connection.registry.all(), key=lambda record: record.task.id)
    now = connection.now()
    records = [
        record
        for record in everything
        if (not owner or record.task.owner == owner)
        and set(tags) <= set(record.task.tags)
        and (not paused or record.pause_at(now))
        and (not failing or _fails(record))
    ]
    if as_json:
        print_json(task_values(record, now) for record in records)
    elif everything:
        console().print(tasks_table(records, now) if records else f"None of {len(everything)} tasks.")
    else:
        console().print("No tasks: `orchestrator apply` registers them.")


def _fails(record: Record) -> bool:
    return record.consecutive_failures > 0 or record.last_status in UNSUCCESSFUL

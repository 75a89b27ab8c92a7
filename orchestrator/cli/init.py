"""`orchestrator init`: a project of one's own, empty or with the tasks of another scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from orchestrator.cli.options import console
from orchestrator.scaffold import airflow, crontab, eventbridge
from orchestrator.scaffold.converted import Converted, Entry, files
from orchestrator.scaffold.project import create

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

_SOURCES = ("crontab", "eventbridge", "airflow")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("source", metavar="[SOURCE]", required=False, type=click.Path(path_type=Path))
@click.option("--from", "scheduler", type=click.Choice(_SOURCES), help="Convert what another scheduler runs: SOURCE.")
@click.option("--timezone", default="UTC", show_default=True, help="Of the machine of a crontab that does not say it.")
@click.option(
    "--python/--yaml",
    "python",
    default=None,
    help="What the sample workflow is written in.  [default: Python, if the SDK is installed]",
)
@click.pass_obj
def init(
    connection: Connection,
    folder: Path,
    source: Path | None,
    scheduler: str | None,
    timezone: str,
    python: bool | None,
) -> None:
    """Begin a project in DIR, a folder that is new or empty: a task, a handler, a workflow, tests, a deployment.

    With --from its tasks are those of SOURCE: a crontab; a JSON file of EventBridge's rules and schedules, or none for
    those of the account; a folder of Airflow's DAGs, of which nothing is run.
    """
    converted = _converted(connection, scheduler, source, timezone) if scheduler else None
    if source and not scheduler:
        raise click.UsageError("SOURCE goes with --from")
    written = create(folder, files=files(converted) if converted else None, python=python)
    for name in written:
        click.echo(folder / name)
    if converted:
        _report(converted)
    click.echo(
        f"\nNext:\n  cd {folder}\n  orchestrator demo       a whole day, in less than a minute\n"
        "  orchestrator validate   after each change of tasks.yaml, a handler or a workflow\n  pytest"
    )


def _converted(connection: Connection, scheduler: str, source: Path | None, timezone: str) -> Converted:
    if scheduler == "eventbridge" and source is None:
        return eventbridge.of_account(connection.client)
    if source is None:
        raise click.UsageError(f"--from {scheduler} goes with a SOURCE")
    if scheduler == "airflow":
        if not source.is_dir():
            raise click.BadParameter(f"{source} is no folder", param_hint="SOURCE")
        return airflow.read(source)
    try:
        ZoneInfo(timezone)
        return crontab.read(source, timezone) if scheduler == "crontab" else eventbridge.read(source)
    except (ValueError, KeyError) as fault:
        raise click.BadParameter(str(fault), param_hint="SOURCE") from fault


def _report(converted: Converted) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    table = Table("TASK", "NEXT, SO FAR", "NEXT, AS CONVERTED", "", box=None, pad_edge=False, header_style="bold")
    for entry in converted.entries:
        for row in _rows(entry, now):
            table.add_row(*row)
    out = console()
    click.echo()
    out.print(table)
    for entry in converted.entries:
        for note in entry.notes:
            click.echo(f"not carried over: {entry.origin}: {note}")
    for origin, why in converted.refused:
        click.echo(f"refused: {origin}: {why}")
    click.echo(f"{len(converted.entries)} tasks, {len(converted.refused)} refused.")


def _rows(entry: Entry, now: datetime) -> Iterator[tuple[str, str, str, str]]:
    old, new = entry.next_old(now), entry.next_new(now)
    for number in range(max(len(old), len(new), 1)):
        one, other = (f"{times[number]:%Y-%m-%dT%H:%MZ}" if number < len(times) else "" for times in (old, new))
        yield entry.id if number == 0 else "", one, other, "" if one == other else "differs"

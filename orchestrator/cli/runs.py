"""`orchestrator runs`: what has run lately, of which tasks, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import as_json, console, gathered, length_or_moment, owner_option, print_json, tag_option
from orchestrator.cli.views.tables import run_values, runs_table
from orchestrator.errors import UnknownTask
from orchestrator.runs.run import RunStatus
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.tasks.task import Task


def _statuses(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[RunStatus, ...]:
    """`--status failed,missed`, or the option several times."""
    names = [name.strip().upper() for one in given for name in one.split(",")]
    for name in names:
        if name not in RunStatus.__members__:
            raise click.BadParameter(f"{name.lower()!r} is not one of {', '.join(RunStatus)}")
    return tuple(map(RunStatus, names))


def _when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | timedelta | None:
    """A length of time before now, a day or a moment; one without a zone is UTC."""
    when = length_or_moment(text) if text is not None else None
    if text is not None and when is None:
        raise click.BadParameter(
            f"expected a length of time like 2h, a day, or a moment like 2026-12-01T08:00:00Z, found {text!r}"
        )
    if isinstance(when, datetime):
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    return when


@dataclass(frozen=True, kw_only=True)
class _Period:
    """When runs began, as somebody typed it."""

    since: datetime | timedelta | None
    until: datetime | timedelta | None


@dataclass(frozen=True, kw_only=True)
class _Of:
    """The choice of tasks whose runs are listed, as somebody typed it."""

    owner: str | None
    tags: tuple[str, ...]
    no_system: bool

    def __bool__(self) -> bool:
        return bool(self.owner or self.tags or self.no_system)

    def covers(self, task: Task) -> bool:
        return (
            (not self.owner or task.owner == self.owner)
            and set(self.tags) <= set(task.tags)
            and not (self.no_system and task.is_system)
        )


@click.command()
@click.argument("task", required=False)
@click.option("--status", "statuses", multiple=True, callback=_statuses, help="Only these, like failed,missed.")
@gathered(
    "period",
    _Period,
    click.option("--since", callback=_when, help="Began in the last 2h, since 2026-12-01, or since a moment; in UTC."),
    click.option("--until", callback=_when, help="Began no later."),
)
@gathered(
    "of",
    _Of,
    owner_option,
    tag_option,
    click.option("--no-system", is_flag=True, help="Without the product's own tasks, such as the watchdog."),
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
@as_json
@click.pass_obj
def runs(
    connection: Connection,
    task: str | None,
    statuses: tuple[RunStatus, ...],
    period: _Period,
    of: _Of,
    limit: int,
    as_json: bool,
) -> None:
    """The newest runs, of one TASK or of all, by when they began.

    Of slots that are more than a day older than --since, as a backfill runs them, nothing is shown.
    """
    since, until = (_text(one, connection) for one in (period.since, period.until))
    ids = [task] if task else _ids(connection, of) if of else None
    selected = connection.ledger.started(ids, limit=limit, statuses=statuses, since=since, until=until)
    if task and not selected and connection.registry.get(task) is None:
        raise UnknownTask(task)
    if as_json:
        print_json(map(run_values, selected))
    else:
        console().print(runs_table(selected) if selected else "No runs.")


def _ids(connection: Connection, of: _Of) -> list[str]:
    return sorted(record.task.id for record in connection.registry.all() if of.covers(record.task))


def _text(when: datetime | timedelta | None, connection: Connection) -> str | None:
    if when is None:
        return None
    return key(connection.now() - when if isinstance(when, timedelta) else when)

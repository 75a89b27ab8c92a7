"""`orchestrator forecast`: what the tasks of a file will do and cost. It needs no AWS; a ledger makes it better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from orchestrator import pricing
from orchestrator.cli.options import as_json, console, gathered, moment, print_json, tasks_option
from orchestrator.cli.views.forecast import Costed, busy_table, costs_table, task_value, total_value
from orchestrator.cli.views.heatmap import heat_svg, heat_text
from orchestrator.pricing import PRICES
from orchestrator.pricing.forecast import Forecast, forecast
from orchestrator.runs.run import RunStatus
from orchestrator.schedules import Schedule
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.task import Task

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection
    from orchestrator.deployment import Application

_BUSIEST = 5

#: How many of a task's newest runs say how long it takes.
_SAMPLE = 20


def _zone(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    """Raises InvalidTimezone."""
    return Schedule.of("rate(1 day)", name).timezone


@dataclass(frozen=True, kw_only=True)
class _Period:
    """Which days, as somebody typed it."""

    days: int
    begin: datetime | None


@click.command("forecast")
@gathered(
    "period",
    _Period,
    click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366), help="How far."),
    click.option("--from", "begin", callback=moment, help="From when on.  [default: tomorrow]"),
)
@click.option("--timezone", default="UTC", show_default=True, callback=_zone, help="Whose day the heat map shows.")
@click.option(
    "--image", type=click.Path(path_type=Path, dir_okay=False), help="Write the heat map to this file, as SVG."
)
@click.option("--offline", is_flag=True, help="Do not ask a ledger how long runs take.")
@tasks_option
@as_json
@click.pass_obj
def forecast_command(
    connection: Connection,
    period: _Period,
    timezone: str,
    image: Path | None,
    offline: bool,
    file: Path | None,
    as_json: bool,
) -> None:
    """How often tasks run, when it is busiest, and what it costs."""
    now = datetime.now(UTC)
    application = connection.application
    tasks = application.load_tasks(connection.tasks_file(file), now.date())
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    expected = forecast(tasks, period.begin or tomorrow, period.days)
    durations = {} if offline else _durations(connection, tasks)
    costed = _costed(expected, application, durations)
    fixed = pricing.total(pricing.fixed_lines(application.template)).dollars()
    busiest = expected.busiest(_BUSIEST)
    minutes = expected.by_minute_of_day(ZoneInfo(timezone))
    if image:
        title = f"{expected.runs:,} runs of {len(tasks)} tasks in {period.days} days from {expected.begin:%Y-%m-%d} on"
        image.write_text(heat_svg(minutes, timezone, title), encoding="utf-8")
    if as_json:
        print_json([*map(task_value, costed), total_value(expected, costed, fixed, busiest)])
        return
    out = console()
    out.print(costs_table(costed, fixed, period.days))
    click.echo()
    out.print(busy_table(busiest))
    click.echo()
    out.print(heat_text(minutes, timezone))
    click.echo()
    for line in _notes(costed):
        click.echo(line)


def _costed(expected: Forecast, application: Application, durations: Mapping[str, tuple[Decimal, int]]) -> list[Costed]:
    from orchestrator.deployment import billed

    facts = billed(application)
    costed = []
    for one in expected.tasks:
        seconds, measured = durations.get(one.task.id, (pricing.ASSUMED_SECONDS, 0))
        usage = pricing.monthly(one.task, facts, one.expected, seconds=seconds)
        transitions = round(usage.state_transition)
        costed.append(
            Costed(forecast=one, dollars=usage.dollars(), transitions=transitions, seconds=seconds, measured=measured)
        )
    return costed


def _durations(connection: Connection, tasks: tuple[Task, ...]) -> dict[str, tuple[Decimal, int]]:
    """Returns the newest runs' average duration in seconds and their number, by task; empty without a ledger."""
    from botocore.exceptions import BotoCoreError, ClientError

    medians = {}
    try:
        ledger = Ledger(connection.client("dynamodb"), connection.stack)
        for task in tasks:
            runs = ledger.runs(task.id, limit=_SAMPLE, statuses=(RunStatus.SUCCEEDED,))
            seconds = [Decimal(str(run.duration_seconds)) for run in runs if run.duration_seconds is not None]
            if seconds:
                medians[task.id] = (sum(seconds, Decimal(0)) / len(seconds), len(seconds))
    except (BotoCoreError, ClientError):
        return {}
    return medians


def _notes(costed: list[Costed]) -> list[str]:
    notes = [
        f"List prices of {PRICES.region} as of {PRICES.as_of}, without free tiers, of runs that succeed at once: also"
        " their metrics, logs, traces and rows, the watchdog's checks, and, where a task waits for others, a place or"
        " an approval, one such wait a run; of a nested workflow that chooses its way, only the run that starts it,"
        " and of a job nothing that it uses. The stack itself: key, alarms, dashboard, polling of queues, the"
        " watchdog's heartbeat."
    ]
    if any(not one.forecast.events_are_known for one in costed):
        notes.append("? It is not known how often events start it: `perDay` beside what starts it says so.")
    if any(not one.measured for one in costed):
        notes.append(f"? No run in the ledger says how long it takes: {pricing.ASSUMED_SECONDS} s is assumed.")
    return notes

"""`orchestrator costs`: what tasks have cost in a month, by the ledger, beside what is expected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, console, print_json
from orchestrator.cli.views.costs import Cost, cost_value, costs_table, owners_over, owners_table
from orchestrator.instants import month_after, month_of, to_second
from orchestrator.pricing import PRICES, monthly
from orchestrator.pricing.actual import spent
from orchestrator.pricing.forecast import forecast

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def _month(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    if not (found := _MONTH.fullmatch(text)):
        raise click.BadParameter(f"expected a month like 2026-12, found {text!r}")
    return datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)


@click.command()
@click.option("--month", callback=_month, metavar="YYYY-MM", help="Which, in UTC.  [default: this one, so far]")
@as_json
@click.pass_obj
def costs(connection: Connection, month: datetime | None, as_json: bool) -> int:
    """What each task and each owner has cost in a month, by the rows of the ledger, and what is expected.

    The ledger is queried task by task, never as a whole. Exit code 1: a task, or all of an
    owner's, have cost more than their budget.
    """
    from orchestrator.deployment import billed

    now = connection.now()
    begin = month or month_of(now)
    # The last instant of the month.
    end = month_after(begin) - timedelta(seconds=1)
    facts = billed(connection.application)
    tasks = sorted((record.task for record in connection.registry.all()), key=lambda task: task.id)
    expected = {one.task.id: one.expected for one in forecast(tasks, begin, (end - begin).days + 1).tasks}
    budgets = connection.application.load(connection.tasks_file(None), now.date()).budgets
    found = []
    for task in tasks:
        actual = spent(task, connection.ledger.between(task.id, to_second(begin), to_second(end)), facts)
        seconds = actual.seconds / actual.runs if actual.runs else None
        usage = monthly(task, facts, expected[task.id], **({"seconds": seconds} if seconds is not None else {}))
        found.append(Cost(task=task, spent=actual, dollars=actual.dollars, expected=usage.dollars()))
    if as_json:
        print_json([cost_value(one, f"{begin:%Y-%m}") for one in found])
    else:
        out = console()
        out.print(costs_table(found, f"{begin:%Y-%m}"))
        click.echo()
        out.print(owners_table(found, budgets))
        click.echo(f"\nList prices of {PRICES.region} as of {PRICES.as_of}; the stack itself: orchestrator forecast.")
    return faults.FAILED if any(one.is_over for one in found) or any(owners_over(found, budgets)) else 0

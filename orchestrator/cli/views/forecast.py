"""A forecast as tables for people, and as plain values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.table import Table

from orchestrator.pricing.forecast import BusyMinute, Forecast, TaskForecast
from orchestrator.tasks.slots import key


@dataclass(frozen=True, kw_only=True)
class Costed:
    """A task's share, and what it costs."""

    forecast: TaskForecast
    #: In a month.
    dollars: Decimal
    transitions: int
    #: How long a run is taken to work, and how many runs of the ledger say so; none, where it is assumed.
    seconds: Decimal
    measured: int


def costs_table(costed: Sequence[Costed], fixed: Decimal, days: int) -> Table:
    """A row for each task, the dearest first, one for the stack itself, and the sum."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("TASK", overflow="fold")
    for name in (f"RUNS IN {days} DAYS", "SKIPPED", "SECONDS A RUN", "TRANSITIONS", "DOLLARS A MONTH"):
        table.add_column(name, justify="right")
    for one in sorted(costed, key=lambda one: (-one.dollars, one.forecast.task.id)):
        table.add_row(
            one.forecast.task.id,
            f"{one.forecast.expected.runs:,}{'' if one.forecast.events_are_known else '?'}",
            f"{one.forecast.expected.skipped:,}" if one.forecast.expected.skipped else "",
            f"{one.seconds:.1f}" if one.measured else f"{one.seconds:.1f}?",
            f"{one.transitions:,}",
            f"{one.dollars:.2f}",
        )
    runs, transitions = sum(one.forecast.expected.runs for one in costed), sum(one.transitions for one in costed)
    table.add_row("(the stack itself)", "", "", "", "", f"{fixed:.2f}")
    dollars = sum((one.dollars for one in costed), fixed)
    table.add_row("all", f"{runs:,}", "", "", f"{transitions:,}", f"{dollars:.2f}", style="bold")
    return table


def busy_table(busiest: Sequence[BusyMinute]) -> Table:
    """The busiest minutes, and how near to AWS's quotas each is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("BUSIEST MINUTE", min_width=len("2026-12-01T08:00:00Z"))
    for name in ("STARTS", "OF STARTEXECUTION", "OF SCHEDULER"):
        table.add_column(name, justify="right")
    for one in busiest:
        shares = (one.share_of_start_execution, one.share_of_scheduler)
        style = "red" if max(shares) > 1 else ""
        table.add_row(key(one.at), f"{one.runs:,}", *(f"{share:.1%}" for share in shares), style=style)
    return table


def task_value(one: Costed) -> dict[str, Any]:
    """Returns a task's forecast as ``--json`` prints it."""
    return {
        "taskId": one.forecast.task.id,
        "runs": one.forecast.expected.runs,
        "skipped": one.forecast.expected.skipped,
        "secondsARun": float(one.seconds),
        "measuredRuns": one.measured,
        "eventsAreKnown": one.forecast.events_are_known,
        "transitionsAMonth": one.transitions,
        "dollarsAMonth": f"{one.dollars:.4f}",
    }


def total_value(
    forecast: Forecast, costed: Sequence[Costed], fixed: Decimal, busiest: Sequence[BusyMinute]
) -> dict[str, Any]:
    """Returns the forecast of all tasks together as ``--json`` prints it."""
    return {
        "from": key(forecast.begin),
        "days": forecast.days,
        "runs": forecast.runs,
        "stackDollarsAMonth": f"{fixed:.4f}",
        "dollarsAMonth": f"{sum((one.dollars for one in costed), fixed):.4f}",
        "busiestMinutes": [
            {
                "minute": key(one.at),
                "starts": one.runs,
                "ofStartExecution": round(one.share_of_start_execution, 4),
                "ofScheduler": round(one.share_of_scheduler, 4),
            }
            for one in busiest
        ],
    }

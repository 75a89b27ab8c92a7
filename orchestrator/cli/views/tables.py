"""Runs and tasks as tables for people, and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.tasks.slots import key, next_run

_COLOURS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.RUNNING: "cyan",
    RunStatus.WAITING: "cyan",
    RunStatus.SKIPPED: "yellow",
}


def runs_table(runs: Iterable[Run], *, title: str | None = None) -> Table:
    """A row for each run."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    # In a narrow terminal the task and the reason are folded: half a slot or a status says nothing.
    table.add_column("TASK", overflow="fold")
    table.add_column("SLOT", min_width=len("2026-12-01T08:00:00Z"), overflow="fold")
    table.add_column("STATUS", min_width=len(RunStatus.SUCCEEDED))
    table.add_column("DURATION", justify="right", min_width=len("DURATION"))
    table.add_column("ATTEMPTS", justify="right", min_width=len("ATTEMPTS"))
    table.add_column("WHY", overflow="fold")
    for run in runs:
        table.add_row(
            run.task_id,
            run.slot,
            Text(run.status, style=_COLOURS.get(run.status, "red" if run.status in UNSUCCESSFUL else "")),
            "" if run.duration_seconds is None else f"{run.duration_seconds:.1f} s",
            str(run.attempts),
            run.reason or run.error or "",
        )
    return table


def run_values(run: Run) -> dict[str, Any]:
    """What a program gets of a run: the names of the ledger's attributes, without what does not apply."""
    values = _applicable(asdict(run))
    return values | {"history": list(map(_applicable, values["history"]))} if run.history else values


def tasks_table(records: Iterable[Record], now: datetime) -> Table:
    """A row for each task."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("TASK", "RUNS", "SCHEDULES", "NEXT", "LAST", "STATE", "OWNER"):
        table.add_column(name, overflow="fold")
    for record in records:
        task = record.task
        table.add_row(
            task.id,
            str(task.target),
            "\n".join(f"{one.expression} {one.timezone}" for one in task.schedules),
            next_slot(record, now) or "",
            record.last_status or "",
            _state(record, now),
            task.owner,
        )
    return table


def task_values(record: Record, now: datetime) -> dict[str, Any]:
    """What a program gets of a task."""
    task = record.task
    return {
        "taskId": task.id,
        "run": str(task.target),
        "schedules": [{camel(name): value for name, value in asdict(one).items()} for one in task.schedules],
        "next": next_slot(record, now),
        "lastStatus": record.last_status,
        "lastSlot": record.last_slot,
        "state": _state(record, now),
        "owner": task.owner,
        "description": task.description,
    }


def next_slot(record: Record, now: datetime) -> str | None:
    """When the task runs next."""
    moment = next_run(record.task, now)
    return key(moment) if moment else None


def _state(record: Record, now: datetime) -> str:
    if pause := record.pause_at(now):
        end = f" until {pause.until}" if pause.until else ""
        return f"paused{end} by {pause.who}: {pause.why}" if pause.who else f"paused{end}"
    return "running" if record.lease and record.lease.expires_at > now.timestamp() else "idle"


def _applicable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in values.items() if value is not None and value != ()}


def camel(name: str) -> str:
    """``slot_at`` as JSON names it: ``slotAt``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)

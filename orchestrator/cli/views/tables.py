"""Runs and tasks as tables for people, and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.text import Text

from orchestrator.cli.views.listing import Column, Listing
from orchestrator.runs.explanation import short, why
from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.tasks.records import values_of
from orchestrator.tasks.slots import key, next_run

_COLOURS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.RUNNING: "cyan",
    RunStatus.WAITING: "cyan",
    RunStatus.SKIPPED: "yellow",
}

_RUNS = (
    Column(name="TASK"),
    Column(name="SLOT"),
    Column(name="STATUS"),
    Column(name="DURATION", right=True),
    Column(name="ATTEMPTS", right=True),
    Column(name="WHY", below=True),
)

_TASKS = (
    Column(name="TASK"),
    Column(name="RUNS", below=True),
    Column(name="SCHEDULES", below=True),
    Column(name="NEXT"),
    Column(name="LAST"),
    Column(name="STATE", below=True),
    Column(name="OWNER", below=True),
    Column(name="TAGS", below=True),
)


def runs_table(runs: Iterable[Run]) -> Listing:
    """A row for each run."""
    return Listing(
        columns=_RUNS,
        rows=[
            (
                run.task_id,
                run.slot,
                status_text(run.status),
                "" if run.duration_seconds is None else f"{run.duration_seconds:.1f} s",
                str(run.attempts),
                short(why(run)),
            )
            for run in runs
        ],
    )


def status_text(status: RunStatus) -> Text:
    """Returns the status in its colour."""
    return Text(status, style=_COLOURS.get(status, "red" if status in UNSUCCESSFUL else ""))


def run_values(run: Run) -> dict[str, Any]:
    """Returns a run as ``--json`` prints it, by the ledger's attributes, without those that do not apply."""
    values = _applicable(asdict(replace(run, params=None, hold=None)))
    del values["linked"]
    # What it was given may be nobody else's to see.
    values |= {"hold": replace(run.hold, params="").to_value()} if run.hold else {}
    return values | {"history": list(map(_applicable, values["history"]))} if run.history else values


def tasks_table(records: Iterable[Record], now: datetime) -> Listing:
    """A row for each task. There is a column of tags if any has one."""
    records = list(records)
    tagged = any(record.task.tags for record in records)
    rows = [_task_row(record, now) for record in records]
    return Listing(columns=_TASKS if tagged else _TASKS[:-1], rows=rows if tagged else [row[:-1] for row in rows])


def _task_row(record: Record, now: datetime) -> tuple[str | Text, ...]:
    task = record.task
    return (
        task.id,
        str(task.target),
        "\n".join((*(f"{one.expression} {one.timezone}" for one in task.schedules), *map(str, task.starts))),
        next_slot(record, now) or "",
        status_text(record.last_status) if record.last_status else "",
        _state(record, now),
        task.owner,
        " ".join(task.tags),
    )


def task_values(record: Record, now: datetime) -> dict[str, Any]:
    """Returns a task as ``--json`` prints it."""
    task = record.task
    return {
        "taskId": task.id,
        "run": str(task.target),
        "schedules": [
            {name: value for name, value in one.items() if value is not None} for one in values_of(task)["schedules"]
        ],
        **({"on": [start.to_value() for start in task.starts]} if task.starts else {}),
        "express": task.express,
        "next": next_slot(record, now),
        "lastStatus": record.last_status,
        "lastSlot": record.last_slot,
        "state": _state(record, now),
        "owner": task.owner,
        "tags": task.tags,
        "consecutiveFailures": record.consecutive_failures,
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
    said = ((name, value) for name, value in values.items() if value is not None and value != ())
    return {camel(name): f"{value:f}" if isinstance(value, Decimal) else value for name, value in said}


def camel(name: str) -> str:
    """``slot_at`` as JSON names it: ``slotAt``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)

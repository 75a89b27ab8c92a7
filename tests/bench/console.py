"""How much of a processor the overview of 5,000 tasks and 30 days takes, apart from AWS: `make bench` prints it."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from orchestrator.console.deployed import Deployed
from orchestrator.console.grid import Filter
from orchestrator.console.pages import Pages
from orchestrator.console.reading import Reading
from orchestrator.instants import to_second
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

TASKS, DAYS = 5000, 30
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Memory:
    """A stack whose answers come from memory, a run a day of each task: what remains is the console's own work."""

    stack = Stack()

    def __init__(self) -> None:
        self.registry = self.ledger = self
        self._records = [Record(task=_task(number)) for number in range(TASKS)]
        self._runs: dict[RunStatus, list[Outline]] = {}
        for run in _runs(self._records):
            self._runs.setdefault(run.status, []).append(run)

    def client(self, service: str) -> Any:
        return self

    def get_caller_identity(self) -> None: ...

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [{"Items": []}]

    def now(self) -> datetime:
        return NOW

    def all(self) -> Iterator[Record]:
        return iter(self._records)

    def outlines(self, status: RunStatus, *, since: str, until: str) -> Iterator[Outline]:
        return (run for run in self._runs.get(status, ()) if since <= run.slot <= until)


def _runs(records: Sequence[Record]) -> Iterator[Outline]:
    """One in fifty has failed."""
    for number, record in enumerate(records):
        for day in range(DAYS):
            status = RunStatus.FAILED if (number + day) % 50 == 0 else RunStatus.SUCCEEDED
            slot = to_second(NOW - timedelta(days=day, minutes=number % 1440))
            yield Outline(task_id=record.task.id, slot=slot, status=status)


def _task(number: int) -> Task:
    return Task(
        id=f"task-{number}",
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=(TaskSchedule(expression=f"cron({number % 60} {number // 60 % 24} * * ? *)"),),
        owner=f"team-{number % 40}",
    )


def _timed(ask: Callable[[], str]) -> tuple[float, int]:
    began = time.process_time()
    size = len(ask())
    return time.process_time() - began, size


def main() -> None:
    pages = Pages(reading=Reading(cast("Deployed", Memory())))
    asked: dict[str, Callable[[], str]] = {
        "month, first": lambda: pages.overview("month", Filter()),
        "month, again": lambda: pages.overview("month", Filter()),
        "month, one owner": lambda: pages.overview("month", Filter(owner="team-7")),
        "month, failed": lambda: pages.overview("month", Filter(status="failed")),
        "month, text": lambda: pages.overview("month", Filter(text="task-12")),
        "day": lambda: pages.overview("day", Filter()),
    }
    for name, ask in asked.items():
        seconds, size = _timed(ask)
        sys.stdout.write(f"{name:<18}{seconds * 1000:8.0f} ms{size / 1e6:8.2f} MB\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{TASKS:,} tasks, {TASKS * DAYS:,} runs, {peak:.0f} MB of memory\n")


if __name__ == "__main__":
    main()

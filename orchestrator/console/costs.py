"""What tasks are expected to cost in a month, by their schedules and by how long their runs have taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from orchestrator.pricing import ASSUMED_SECONDS, Billed, monthly
from orchestrator.pricing.forecast import forecast
from orchestrator.runs.run import Run
from orchestrator.tasks.task import Task

#: Days that are looked ahead.
_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of a month."""

    dollars: Decimal
    runs: int
    #: How long a run works, and whether runs have shown so.
    seconds: Decimal
    measured: bool


def cost(task: Task, runs: Sequence[Run], billed: Billed, now: datetime) -> Cost:
    """``runs`` are some that the task has had."""
    took = [Decimal(str(run.duration_seconds)) for run in runs if run.duration_seconds is not None]
    return _cost(task, sum(took, Decimal(0)) / len(took) if took else None, billed, now)


def _cost(task: Task, seconds: Decimal | None, billed: Billed, now: datetime) -> Cost:
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    (month,) = forecast([task], tomorrow, _DAYS).tasks
    taken = ASSUMED_SECONDS if seconds is None else seconds
    return Cost(
        dollars=monthly(task, billed, month.expected, seconds=taken).dollars(),
        runs=month.expected.runs,
        seconds=taken,
        measured=seconds is not None,
    )


class Total:
    """Dollars a month of all tasks, worked out aside: a page does not wait for it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._of: object = None
        self._dollars: Decimal | None = None

    def dollars(
        self, tasks: Collection[Task], seconds: Callable[[], Mapping[str, float]], billed: Billed
    ) -> Decimal | None:
        """None while it is being worked out. ``seconds`` says what runs take on average, by task."""
        of = (frozenset((task.id, task.schedules, task.express, task.target) for task in tasks), self._now().date())
        with self._lock:
            if of != self._of:
                self._of, self._dollars = of, None
                work = (of, tuple(tasks), seconds, billed)
                threading.Thread(target=self._work_out, args=work, name="costs", daemon=True).start()
            return self._dollars

    def _work_out(
        self, of: object, tasks: Sequence[Task], seconds: Callable[[], Mapping[str, float]], billed: Billed
    ) -> None:
        now, took = self._now(), seconds()
        found = Decimal(0)
        for task in tasks:
            known = took.get(task.id)
            found += _cost(task, None if known is None else Decimal(str(known)), billed, now).dollars
            if of != self._of:
                return
        with self._lock:
            if of == self._of:
                self._dollars = found

"""The proof by day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from orchestrator.console.ledger import days
from orchestrator.runs.task_state import Checkpoint, Record
from orchestrator.runs.verification import Problem
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.console.outlines import outline

NOW = datetime(2026, 12, 3, 12, 3, tzinfo=UTC)
SINCE = datetime(2026, 12, 1, tzinfo=UTC)

TASK = Task(
    id="report",
    target=Target(kind=TargetKind.LAMBDA, name="work"),
    schedules=(TaskSchedule(expression="cron(0 0,12 * * ? *)"),),
)


def test_each_day_has_its_slots_and_what_is_to_be_looked_at() -> None:
    rows = [outline(f"2026-12-0{day}T{hour}:00:00Z") for day, hour in ((1, "00"), (1, "12"), (2, "00"), (3, "00"))]
    found = days([Record(task=TASK)], rows, SINCE, NOW)
    assert [(day.date, day.slots, day.unexplained) for day in found] == [
        # The slot of noon is not overdue yet.
        (date(2026, 12, 3), 1, 0),
        (date(2026, 12, 2), 2, 1),
        (date(2026, 12, 1), 2, 0),
    ]
    assert [(one.slot, one.problem) for one in found[1].findings] == [("2026-12-02T12:00:00Z", Problem.UNEXPLAINED)]


def test_nothing_is_said_of_the_time_before_a_task_had_its_schedules() -> None:
    checkpoint = Checkpoint(checked_until="", next_run=None, since="2026-12-02T06:00:00Z")
    found = days([Record(task=TASK, checkpoint=checkpoint)], [outline("2026-12-01T07:00:00Z")], SINCE, NOW)
    assert [(day.slots, day.unexplained, len(day.findings)) for day in found] == [(1, 1, 1), (1, 1, 1), (0, 0, 0)]

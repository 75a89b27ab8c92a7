"""What a project's files would change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.console.project import pending
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)

REPORT = Task(
    id="report",
    target=Target(kind=TargetKind.LAMBDA, name="work"),
    schedules=(TaskSchedule(expression="cron(0 9 * * ? *)"),),
)
EARLIER = replace(REPORT, schedules=(TaskSchedule(expression="cron(0 8 * * ? *)"),))


def test_what_is_deployed_as_it_is_written_is_not_pending() -> None:
    assert pending({"report": REPORT}, {"report": REPORT}, NOW) == ()


def test_a_schedule_that_is_moved_across_the_hour_loses_a_slot_or_doubles_it() -> None:
    (lost,) = pending({"report": REPORT}, {"report": EARLIER}, NOW)
    assert (lost.task_id, lost.action) == ("report", "change")
    assert lost.fields == (("schedules", "cron(0 9 * * ? *) UTC", "cron(0 8 * * ? *) UTC"),)
    assert lost.slots.lost == (datetime(2026, 12, 1, 9, tzinfo=UTC),)
    (doubled,) = pending({"report": EARLIER}, {"report": REPORT}, NOW)
    assert doubled.slots.doubled == (datetime(2026, 12, 1, 9, tzinfo=UTC),)


def test_tasks_are_added_and_removed() -> None:
    found = pending({"report": REPORT}, {"other": replace(REPORT, id="other")}, NOW)
    assert [(one.task_id, one.action) for one in found] == [("other", "add"), ("report", "remove")]

"""Tasks that wait for each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.console.dependencies import above, below
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import Upstream


def task(name: str, hour: int, *after: str) -> Task:
    return Task(
        id=name,
        target=Target(kind=TargetKind.LAMBDA, name="work"),
        schedules=(TaskSchedule(expression=f"cron(0 {hour} * * ? *)"),),
        after=tuple(Upstream(task_id=one) for one in after),
    )


TASKS = {one.id: one for one in (task("extract", 6), task("load", 7, "extract"), task("report", 8, "load", "gone"))}
TASKS["extract"] = replace(TASKS["extract"], downstream=("load",))
TASKS["load"] = replace(TASKS["load"], downstream=("report",))


def test_what_a_task_waits_for_is_found_all_the_way_up_with_the_slots_of_the_nearest() -> None:
    at = datetime(2026, 12, 1, 8, tzinfo=UTC)
    found = above(TASKS["report"], TASKS, at)
    assert [(one.task_id, one.steps, one.known) for one in found] == [
        ("load", 1, True),
        ("gone", 1, False),
        ("extract", 2, True),
    ]
    assert found[0].slots == (datetime(2026, 12, 1, 7, tzinfo=UTC),)
    assert above(TASKS["extract"], TASKS, at) == ()


def test_who_waits_for_a_task_is_found_all_the_way_down() -> None:
    assert [(one.task_id, one.steps) for one in below(TASKS["extract"], TASKS)] == [("load", 1), ("report", 2)]


def test_a_circle_ends() -> None:
    circle = {**TASKS, "report": replace(TASKS["report"], downstream=("extract",))}
    assert [one.task_id for one in below(circle["extract"], circle)] == ["load", "report"]

"""A plan says what a task costs in a month, by its slots and by what its runs use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deploy import PROJECT
from orchestrator.deployment import monthly_cost
from orchestrator.settings import Stack
from orchestrator.tasks import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def task(expression: str) -> Task:
    target = Target(kind=TargetKind.LAMBDA, name="report-generator")
    return Task(id="t", target=target, schedules=(TaskSchedule(expression=expression),))


def test_a_run_more_often_costs_more_beside_the_metrics_of_the_task() -> None:
    dollars = monthly_cost(PROJECT.application(Stack()), NOW)
    metrics = 0.90
    daily, hourly = (dollars(task(expression)) - metrics for expression in ("rate(1 day)", "rate(1 hour)"))
    assert daily > 0
    assert hourly == pytest.approx(24 * daily)


def test_a_task_without_slots_costs_nothing() -> None:
    assert monthly_cost(PROJECT.application(Stack()), NOW)(task("at(2020-01-01T00:00:00)")) == 0

"""A plan says what a task costs in a month, by its slots and by what its runs use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deploy import PROJECT
from orchestrator.deployment import monthly_cost
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def task(expression: str) -> Task:
    target = Target(kind=TargetKind.LAMBDA, name="report-generator")
    return Task(id="t", target=target, schedules=(TaskSchedule(expression=expression),))


def test_a_daily_task_costs_four_cents_a_month_and_an_hourly_one_as_much_for_each_run() -> None:
    dollars = monthly_cost(PROJECT.application(Stack()), NOW)
    daily, hourly = (dollars(task(expression)) for expression in ("rate(1 day)", "rate(1 hour)"))
    # Its metrics are sent in one hour of the day, and are billed by the hour.
    assert round(daily, 2) == 0.04
    assert hourly == pytest.approx(24 * daily)


def test_a_task_that_runs_more_than_once_in_an_hour_pays_for_its_metrics_once() -> None:
    dollars = monthly_cost(PROJECT.application(Stack()), NOW)
    hourly, often = (dollars(task(expression)) for expression in ("rate(1 hour)", "rate(5 minutes)"))
    metrics = 0.90
    assert often - metrics == pytest.approx(12 * (hourly - metrics))


def test_a_task_without_slots_costs_nothing() -> None:
    assert monthly_cost(PROJECT.application(Stack()), NOW)(task("at(2020-01-01T00:00:00)")) == 0

"""A plan says what a task costs in a month, by its slots and by what its runs use."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from deploy import PROJECT
from orchestrator.deployment import monthly_cost
from orchestrator.stack import Stack
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

#: Of a task itself, of all of an owner's, and none.
BUDGETS = {"own": "budget: 5", "ours": "owner: ann", "none": "owner: bob"}

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


def test_a_task_with_a_budget_brings_what_its_runs_cost_into_its_record(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    tasks = "\n".join(f"  {name}: {{run: lambda/report-generator, {more}}}" for name, more in BUDGETS.items())
    file.write_text(f"budgets: {{ann: 20}}\ntasks:\n{tasks}\n")
    own, ours, none = PROJECT.application(Stack()).load_tasks(file, NOW.date())
    assert (own.rates, own.budget, own.owners_budget) == (ours.rates, Decimal(5), Decimal(0))
    assert own.rates is not None
    assert float(own.rates.run) == pytest.approx(0.000117, rel=0.1)
    assert (ours.owners_budget, task_of(item_of(ours))) == (Decimal(20), ours)
    assert none.rates is None
    assert "rates" not in item_of(none)


def test_a_task_without_slots_costs_nothing() -> None:
    assert monthly_cost(PROJECT.application(Stack()), NOW)(task("at(2020-01-01T00:00:00)")) == 0

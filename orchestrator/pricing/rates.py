"""What a task's runs cost, for the watchdog: read off the rules for a row (:mod:`orchestrator.pricing.actual`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orchestrator.pricing.actual import run_usage
from orchestrator.pricing.items import read_units, write_units
from orchestrator.pricing.runs import METRICS, Billed, check_lines, events_are_paid, record_bytes
from orchestrator.pricing.usage import Usage, total
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.tasks.rates import Rates, rounded
from orchestrator.tasks.task import Task

#: A row of an execution, of which nothing but the type matters.
_EXECUTION = "arn:aws:states:us-east-1:123456789012:{}:TaskRunner:one"


def rates(task: Task, billed: Billed) -> Rates:
    """The differences between rows that differ in one thing."""
    arn = _EXECUTION.format("express" if task.express else "execution")
    ran = Run(
        task_id=task.id,
        slot="2026-12-01T08:00:00Z",
        status=RunStatus.SUCCEEDED,
        execution_arn=arn,
        duration_seconds=0,
        attempts=1,
    )

    def dollars(**other: Any) -> Decimal:
        return run_usage(replace(ran, **other), task, billed).dollars()

    run = dollars()
    return Rates(
        run=rounded(run),
        second=rounded(dollars(duration_seconds=1) - run),
        attempt=rounded(dollars(attempts=2) - run),
        duplicate=rounded(dollars(duplicates=1) - run),
        skipped=rounded(dollars(status=RunStatus.SKIPPED, attempts=0)),
        written=rounded(dollars(status=RunStatus.MISSED, execution_arn=None, attempts=0)),
        event=rounded(dollars(trigger=Trigger.EVENT) - run),
        hand=rounded(dollars(trigger=Trigger.AD_HOC) - run),
        hour=rounded(Usage(metric_hour=Decimal(METRICS)).dollars()),
        check=rounded(total(check_lines(task)).dollars()),
    )


def with_budgets(
    tasks: Sequence[Task], budgets: Mapping[str, Decimal], facts: Callable[[], Billed]
) -> tuple[Task, ...]:
    """The tasks; each that has a budget, or whose owner has one in ``budgets``, with its rates."""
    if not any(task.budget or budgets.get(task.owner) for task in tasks):
        return tuple(tasks)
    billed, known = facts(), dict[tuple[Any, ...], Rates]()

    def held_to(task: Task) -> Task:
        of_owner = budgets.get(task.owner, Decimal(0))
        if not (task.budget or of_owner):
            return task
        alike = _alike(task, billed)
        if alike not in known:
            known[alike] = rates(task, billed)
        return replace(task, owners_budget=of_owner, rates=known[alike])

    return tuple(map(held_to, tasks))


def _alike(task: Task, billed: Billed) -> tuple[Any, ...]:
    """Tasks in which this is the same have the same rates, which thousands of tasks need not work out one by one."""
    size = record_bytes(task)
    units, memory = (write_units(size), read_units(size)), billed.memory_mb.get(task.target.name)
    return (task.target.kind, memory, task.express, units, task.gates, task.limit is None, events_are_paid(task))

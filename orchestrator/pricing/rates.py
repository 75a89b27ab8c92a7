"""What a deployment writes into records of what their tasks' runs cost.

The watchdog adds a month up from ``rates``, read off the rules for a row (:mod:`orchestrator.pricing.actual`); whoever
ends a run works its cost out from the parts of ``price``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orchestrator.pricing.actual import run_usage
from orchestrator.pricing.items import read_units, write_units
from orchestrator.pricing.runs import (
    EXPRESS_MEMORY_MB,
    METRICS,
    Billed,
    call_lines,
    check_lines,
    events_are_paid,
    held_lines,
    record_bytes,
    run_lines,
    skip_lines,
)
from orchestrator.pricing.usage import Line, Usage, total
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.tasks.price import Price
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


def price(task: Task, billed: Billed) -> Price:
    """The parts of a run's cost: what of its lines is there once, and what with each state, call and second."""
    standard, none = replace(task, express=False), Decimal(0)
    call, held = total(call_lines(task, billed, none)), total(held_lines(task))

    def micro(used: Usage) -> Decimal:
        return rounded(used.dollars() * 1_000_000)

    def fixed(lines: Sequence[Line], *others: Usage) -> Decimal:
        """What is there whatever way the execution takes, and whatever has started it."""
        used = sum((one * Decimal(-1) for one in others), total(lines))
        return micro(replace(used, state_transition=none, scheduler_invocation=none))

    second = total(call_lines(task, billed, Decimal(1))) + call * Decimal(-1)
    parts = Price(
        run=fixed(run_lines(standard, billed, seconds=none), call, held),
        skip=fixed(skip_lines(standard, billed)),
        hold=fixed(held_lines(task)),
        state=micro(Usage(state_transition=Decimal(1))),
        call=micro(call),
        second=micro(second),
        schedule=micro(Usage(scheduler_invocation=Decimal(1))),
        event=micro(Usage(custom_event=Decimal(1))) if events_are_paid(task) else none,
    )
    if not (task.express and billed.express_runner):
        return parts
    return replace(
        parts,
        express_run=fixed(run_lines(task, billed, seconds=none), call, held),
        express_skip=fixed(skip_lines(task, billed)),
        express_second=micro(Usage(express_gb_second=Decimal(EXPRESS_MEMORY_MB) / 1024)),
    )


def priced(tasks: Sequence[Task], billed: Billed) -> tuple[Task, ...]:
    """The tasks, each with its price."""
    known = dict[tuple[Any, ...], Price]()

    def told(task: Task) -> Task:
        # What it costs depends on how long its name is, and not on what it is called.
        nameless = replace(task, id="-" * len(task.id))
        alike = _alike(nameless, billed)
        if alike not in known:
            known[alike] = price(nameless, billed)
        return replace(task, price=known[alike])

    return tuple(map(told, tasks))


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
    target = (task.target.kind, memory, billed.workflow_states.get(task.target.name))
    return (*target, task.express, units, task.gates, task.limit is None, events_are_paid(task))

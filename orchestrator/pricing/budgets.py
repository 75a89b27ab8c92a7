"""What tasks and owners may cost in a month, and which of them are expected to cost more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from orchestrator.tasks.task import Task


def exceeded(
    tasks: Sequence[Task], budgets: Mapping[str, Decimal], monthly_cost: Callable[[Task], float]
) -> Iterator[str]:
    """A sentence for each task, and for each owner of ``budgets``, whose slots cost more a month than their budget."""
    bounded = [task for task in tasks if task.budget or task.owner in budgets]
    costs = {task.id: Decimal(str(monthly_cost(task))) for task in bounded}
    for task in bounded:
        if task.budget and costs[task.id] > task.budget:
            yield _said(f"task {task.id} is", costs[task.id], task.budget)
    for owner, budget in budgets.items():
        cost = sum((costs[task.id] for task in bounded if task.owner == owner), Decimal(0))
        if cost > budget:
            yield _said(f"the tasks of {owner} are", cost, budget)


def _said(who: str, cost: Decimal, budget: Decimal) -> str:
    return f"{who} expected to cost ${cost:.2f} a month, and the budget is ${budget:.2f}"

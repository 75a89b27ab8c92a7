"""Whose slots cost more a month than they may is said in a sentence each."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.pricing.budgets import exceeded
from orchestrator.tasks.task import Target, TargetKind, Task

COSTS = {"cheap": 1.0, "dear": 6.0, "free": 4.0}


def task(task_id: str, owner: str, budget: str = "0") -> Task:
    target = Target(kind=TargetKind.LAMBDA, name="work")
    return Task(id=task_id, target=target, owner=owner, budget=Decimal(budget))


def said(*tasks: Task, **budgets: str) -> list[str]:
    of_owners = {owner: Decimal(budget) for owner, budget in budgets.items()}
    return list(exceeded(tasks, of_owners, lambda task: COSTS[task.id]))


def test_a_task_is_held_to_its_own_budget() -> None:
    assert said(task("dear", "ann", "5"), task("cheap", "ann", "5"), task("free", "ann")) == [
        "task dear is expected to cost $6.00 a month, and the budget is $5.00"
    ]


def test_all_tasks_of_an_owner_are_held_to_that_of_the_owner() -> None:
    tasks = (task("dear", "ann"), task("free", "ann"), task("cheap", "bob"))
    assert said(*tasks, ann="10", bob="2") == []
    assert said(*tasks, ann="9.5", bob="0.5") == [
        "the tasks of ann are expected to cost $10.00 a month, and the budget is $9.50",
        "the tasks of bob are expected to cost $1.00 a month, and the budget is $0.50",
    ]

"""What a deployment changes about tasks, told for a reader: fields, slots and what they cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from orchestrator.deployment.reconciliation import Found, Plan, Register, Remove
from orchestrator.deployment.slot_changes import SlotChange, slot_change
from orchestrator.runs.task_state import Item
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.records import task_of
from orchestrator.tasks.task import Task

#: Dollars a month that a task costs, roughly.
MonthlyCost = Callable[[Task], float]


@dataclass(frozen=True, kw_only=True)
class TaskChange:
    """A task that is new, goes, or is declared otherwise."""

    task_id: str
    #: ``add``, ``remove`` or ``change``.
    action: str
    #: Each field that differs: (name, old, new).
    fields: tuple[tuple[str, str, str], ...]
    slots: SlotChange
    #: Dollars a month; None where nobody said how to find out, or there is no such task.
    cost_old: float | None = None
    cost_new: float | None = None
    #: The same, were it otherwise: Standard where it is Express, Express where it may be.
    cost_of_twin: float | None = None
    express: bool = False


def task_changes(writes: Plan, current: Found, now: datetime, monthly_cost: MonthlyCost | None) -> Iterator[TaskChange]:
    """The tasks that ``writes`` add, change or remove."""

    def cost(task: Task | None) -> float | None:
        return monthly_cost(task) if monthly_cost and task else None

    for operation in writes.operations:
        if isinstance(operation, Register):
            new: Task | None = operation.task
            task_id, action = operation.task.id, "add" if operation.is_new else "change"
        elif isinstance(operation, Remove):
            new, task_id, action = None, operation.task_id, "remove"
        else:
            continue
        old = _registered(current.registered.get(task_id))
        yield TaskChange(
            task_id=task_id,
            action=action,
            fields=tuple(differences(old, new)) if old and new else (),
            slots=slot_change(old, new, now),
            cost_old=cost(old),
            cost_new=cost(new),
            cost_of_twin=cost(_twin(new)),
            express=new.express if new else False,
        )


def _twin(task: Task | None) -> Task | None:
    """The same task in executions of the other type, if it may run in either."""
    return replace(task, express=not task.express) if task and not list(obstacles(task)) else None


def _registered(item: Item | None) -> Task | None:
    """The registered task, or None if there is none or its record cannot be read."""
    try:
        return task_of(item) if item else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def differences(old: Task, new: Task) -> Iterator[tuple[str, str, str]]:
    """Each field that differs: its name, and both values for a reader."""
    for field in fields(Task):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            yield field.name, _said(before), _said(after)


def _said(value: Any) -> str:
    """A field's value for a reader."""
    if isinstance(value, tuple):
        return ", ".join(f"{getattr(one, 'expression', one)} {getattr(one, 'timezone', '')}".strip() for one in value)
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else str(value)

"""A plan for a reader, and for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from orchestrator.deployment import updates
from orchestrator.deployment.planning import DeploymentPlan
from orchestrator.deployment.task_changes import TaskChange
from orchestrator.tasks.slots import key

_SIGNS = {"add": "+", "remove": "-", "change": "~"}


def plan_lines(plan: DeploymentPlan) -> Iterator[str]:
    """A line for each thing, those that belong to one indented below it."""
    for resource in plan.infrastructure:
        said = f": {', '.join(resource.properties)}" if resource.properties else ""
        yield f"{_SIGNS[resource.action]} {resource.type or resource.section} {resource.name}{said}"
    for definition in plan.definitions:
        if definition.is_new:
            yield f"+ definition {definition.state_machine}: {len(definition.added)} states"
            continue
        yield f"~ definition {definition.state_machine}"
        for action in ("added", "removed", "changed", "fields"):
            if names := getattr(definition, action):
                yield f"    {action}: {', '.join(names)}"
    yield from (f"~ alias live of {name}" for name in plan.publish)
    for task in plan.tasks:
        yield f"{_SIGNS[task.action]} task {task.task_id}"
        yield from (f"    {line}" for line in _task(task))
    yield from (f"  {change}" for change in plan.rules.changes)
    yield from (f"{_SIGNS[one.action]} alerts to {one.destination}" for one in plan.alerts.changes)
    yield from (f"  {line}" for line in plan.reconciliation.lines())


def plan_notes(plan: DeploymentPlan) -> Iterator[str]:
    """Yields what people should know besides the changes: who has not confirmed yet."""
    yield from (f"note: {note}" for note in _notes(plan))


def plan_summary(plan: DeploymentPlan) -> str:
    """Counts the changes: ``120 resources to add, 1 task to change``. Empty if nothing changes."""
    actions = [("resource", one.action) for one in plan.infrastructure if one.type]
    counted = Counter(actions + [("task", one.action) for one in plan.tasks])
    return ", ".join(f"{n} {what}{'s' if n > 1 else ''} to {action}" for (what, action), n in counted.items())


def _task(task: TaskChange) -> Iterator[str]:
    yield from (f"{name}: {old or '(none)'} → {new or '(none)'}" for name, old, new in task.fields)
    slots = task.slots
    if slots.next_old != slots.next_new:
        if slots.next_old:
            yield f"next, as deployed: {', '.join(map(key, slots.next_old))}"
        yield f"next: {', '.join(map(key, slots.next_new)) or 'never, by itself'}"
    if slots.lost:
        yield f"lost by this change: {', '.join(map(key, slots.lost))}"
    if slots.doubled:
        yield f"runs twice by this change: {', '.join(map(key, slots.doubled))}"
    old, new = (f"${cost:.2f}" if cost is not None else "nothing" for cost in (task.cost_old, task.cost_new))
    twin = f"${task.cost_of_twin:.2f}" if task.cost_of_twin is not None else new
    otherwise = f"; {twin} with express: {str(not task.express).lower()}" if twin != new else ""
    if old != new:
        yield f"a month: {old} → {new}{otherwise}"
    elif task.cost_new is not None:
        yield f"a month: {new}, as before{otherwise}"


def plan_json(plan: DeploymentPlan) -> dict[str, Any]:
    """The same as JSON; moments are ISO 8601 in UTC, costs dollars a month."""
    return {
        "changes": not plan.is_empty,
        "infrastructure": [asdict(one) | {"properties": list(one.properties)} for one in plan.infrastructure],
        "definitions": [
            {
                "stateMachine": one.state_machine,
                "isNew": one.is_new,
                "added": list(one.added),
                "removed": list(one.removed),
                "changed": list(one.changed),
                "fields": list(one.fields),
            }
            for one in plan.definitions
        ],
        "publish": list(plan.publish),
        "tasks": [
            {
                "task": one.task_id,
                "action": one.action,
                "fields": {name: {"old": old, "new": new} for name, old, new in one.fields},
                "nextOld": _keys(one.slots.next_old),
                "nextNew": _keys(one.slots.next_new),
                "lost": _keys(one.slots.lost),
                "doubled": _keys(one.slots.doubled),
                "monthlyCostOld": one.cost_old,
                "monthlyCostNew": one.cost_new,
                "monthlyCostOfTwin": one.cost_of_twin,
            }
            for one in plan.tasks
        ],
        "alerts": [{"action": one.action, "to": str(one.destination)} for one in plan.alerts.changes],
        "rules": [str(change) for change in plan.rules.changes],
        "notes": list(_notes(plan)),
        "warnings": list(plan.silences),
        "operations": [str(operation) for operation in plan.reconciliation.operations],
        "foreignSchedules": list(plan.reconciliation.foreign),
    }


def _notes(plan: DeploymentPlan) -> Iterator[str]:
    yield from (*updates.notes(plan.stack.before, plan.stack.after), *plan.alerts.notes(), *plan.rules.notes)


def _keys(moments: Sequence[datetime]) -> list[str]:
    return [key(moment) for moment in moments]

"""What an apply would do, without doing any of it.

Nothing is written, so there is no change set: even one that is never executed is a resource of the account, and
creating it needs a permission that a reader should not have. The deployed template is read and compared here instead,
as exactly as an apply compares it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from orchestrator.deployment import reconciliation, subscribing
from orchestrator.deployment.application import Application
from orchestrator.deployment.applying import Clients, boundaries, choices, live_aliases, parameters_of, plan_alerts
from orchestrator.deployment.definition_changes import DefinitionChange, definition_change
from orchestrator.deployment.reconciliation import Found, Plan, Register, Remove
from orchestrator.deployment.slot_changes import SlotChange, slot_change
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.subscribing import AlertsPlan, Change
from orchestrator.runs.destinations import Destination, silences
from orchestrator.runs.task_state import Item
from orchestrator.tasks.task import Task

#: Dollars a month that a task costs, roughly.
MonthlyCost = Callable[[Task], float]

_STATE_MACHINE = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """Something of the template: a resource, or an entry of another section."""

    #: ``Resources``, ``Parameters``, ``Outputs`` …
    section: str
    name: str
    #: ``add``, ``remove`` or ``change``.
    action: str
    #: What a resource is: ``AWS::Lambda::Function``; empty in other sections.
    type: str = ""
    #: Which properties differ; of a parameter: its values, old and new.
    properties: tuple[str, ...] = ()


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


@dataclass(frozen=True, kw_only=True)
class DeploymentPlan:
    """All that an apply would do."""

    infrastructure: tuple[ResourceChange, ...]
    definitions: tuple[DefinitionChange, ...]
    #: State machines whose alias would move.
    publish: tuple[str, ...]
    tasks: tuple[TaskChange, ...]
    #: Writes to the registry and to EventBridge Scheduler.
    reconciliation: Plan
    alerts: AlertsPlan
    #: What nobody would hear of, each with what to do about it.
    silences: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        writes = self.reconciliation.operations or self.alerts.changes
        return not (self.infrastructure or self.definitions or self.publish or writes)


def plan(
    clients: Clients,
    application: Application,
    tasks: Sequence[Task],
    *,
    now: datetime,
    destinations: Sequence[Destination] = (),
    mail_from: str | None = None,
    site_url: str | None = None,
    heartbeat_url: str | None = None,
    reserve_concurrency: bool | None = None,
    monthly_cost: MonthlyCost | None = None,
) -> DeploymentPlan:
    """Reads only. Raises :class:`~orchestrator.errors.InvalidDefinition`, DeploymentFailed where the state of the stack
    would not let an apply begin, and what boto3 raises.
    """
    application.validate()
    stack = CloudFormationStack(clients("cloudformation"), application.stack.name)
    deployed = stack.deployable()
    before = stack.template() if deployed else {}
    after = application.template
    chosen = choices(
        AlertTopics=subscribing.topics(destinations),
        MailFrom=mail_from,
        SiteUrl=site_url,
        HeartbeatUrl=heartbeat_url,
        ReserveConcurrency=reserve_concurrency,
    )
    old_parameters = dict(deployed.parameters) if deployed else {}
    parameters = parameters_of(after, application.bundles(), old_parameters, chosen)
    definitions = tuple(_definitions(before, after))
    publish: list[str] = []
    found = Found(registered={}, schedules={}, up_to_date=False)
    alerts = AlertsPlan(changes=tuple(Change(action="add", destination=one) for one in destinations))
    # A stack that got no further than its first step has no tasks either.
    if deployed and "TaskRunnerArn" in deployed.outputs:
        aliases = live_aliases(clients, application, deployed.outputs)
        known = {name for one in before["Resources"].values() if (name := _state_machine_name(one))}
        publish = [one.name for one in aliases if one.name not in known or not one.is_current(one.routes())]
        publish += [one.state_machine for one in definitions if one.state_machine not in publish]
        boundary = boundaries(clients, application.stack, deployed.outputs, lambda: now)
        found = reconciliation.find(*boundary, tasks, now)
        alerts = plan_alerts(clients, application.stack, deployed.outputs, destinations)
    writes = reconciliation.plan(tasks, found, now)
    return DeploymentPlan(
        infrastructure=(*_resources(before, after), *_parameters(old_parameters, parameters)),
        definitions=definitions,
        publish=tuple(publish),
        tasks=tuple(_tasks(writes, found, now, monthly_cost)),
        reconciliation=writes,
        alerts=alerts,
        silences=tuple(silences(tasks, destinations)),
    )


def _resources(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ResourceChange]:
    """Every entry of the template that differs, other than by what a state machine does."""
    for section in sorted(before.keys() | after.keys()):
        old, new = before.get(section, {}), after.get(section, {})
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            # Texts about the template itself: of a new stack they say nothing.
            if old != new and before:
                yield ResourceChange(section=section, name=section, action="change")
            continue
        for name in sorted(old.keys() | new.keys()):
            type_ = new.get(name, old.get(name))["Type"] if section == "Resources" else ""
            if name not in old:
                yield ResourceChange(section=section, name=name, action="add", type=type_)
            elif name not in new:
                yield ResourceChange(section=section, name=name, action="remove", type=type_)
            elif properties := tuple(_differing(old[name], new[name])):
                yield ResourceChange(section=section, name=name, action="change", type=type_, properties=properties)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if key == "Properties":
            inner, other = old.get(key, {}), new.get(key, {})
            yield from (
                name
                for name in sorted(inner.keys() | other.keys())
                if inner.get(name) != other.get(name)
                and not (name == "DefinitionString" and old.get("Type") == _STATE_MACHINE)
            )
        elif old.get(key) != new.get(key):
            yield key


def _parameters(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[ResourceChange]:
    """Values of parameters, the keys of code among them, that differ."""
    for name in sorted(new):
        if name in old and old[name] != new[name]:
            said = (f"{old[name] or '(empty)'} → {new[name] or '(empty)'}",)
            yield ResourceChange(section="Parameters", name=name, action="change", properties=said)


def _definitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[DefinitionChange]:
    old = before.get("Resources", {})
    for logical_id, resource in after["Resources"].items():
        if name := _state_machine_name(resource):
            change = definition_change(name, _definition(old.get(logical_id, {})), _definition(resource))
            if change:
                yield change


def _state_machine_name(resource: Mapping[str, Any]) -> str | None:
    return resource["Properties"]["StateMachineName"] if resource.get("Type") == _STATE_MACHINE else None


def _definition(resource: Mapping[str, Any]) -> dict[str, Any]:
    text = resource.get("Properties", {}).get("DefinitionString", "{}")
    return dict(json.loads(text["Fn::Sub"] if isinstance(text, dict) else text))


def _tasks(writes: Plan, found: Found, now: datetime, monthly_cost: MonthlyCost | None) -> Iterator[TaskChange]:
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
        old = _registered(found.registered.get(task_id))
        yield TaskChange(
            task_id=task_id,
            action=action,
            fields=tuple(_fields(old, new)) if old and new else (),
            slots=slot_change(old, new, now),
            cost_old=cost(old),
            cost_new=cost(new),
        )


def _registered(item: Item | None) -> Task | None:
    """What was registered; None if that cannot be read, because somebody has broken it."""
    try:
        return Task.from_item(item) if item else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _fields(old: Task, new: Task) -> Iterator[tuple[str, str, str]]:
    for field in fields(Task):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            yield field.name, _said(before), _said(after)


def _said(value: Any) -> str:
    """A field's value for a reader."""
    if isinstance(value, tuple):
        return ", ".join(f"{getattr(one, 'expression', one)} {getattr(one, 'timezone', '')}".strip() for one in value)
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else str(value)

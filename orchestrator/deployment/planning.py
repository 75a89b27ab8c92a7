"""What an apply would do, as one value: a plan shows it, an apply carries it out. Planning reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from orchestrator.clients import Clients
from orchestrator.deployment import event_rules, reconciliation, subscribing
from orchestrator.deployment.application import Application
from orchestrator.deployment.boundaries import (
    alert_boundaries,
    boundaries,
    live_aliases,
    rules_boundary,
    state_machines,
)
from orchestrator.deployment.definition_changes import DefinitionChange
from orchestrator.deployment.event_rules import RulesPlan
from orchestrator.deployment.reconciliation import Found, Plan
from orchestrator.deployment.settings import AS_DEPLOYED, StackSettings
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.stack_change import ResourceChange, StackChange, stack_change
from orchestrator.deployment.subscribing import AlertsPlan, FoundDestinations
from orchestrator.deployment.task_changes import MonthlyCost, TaskChange, task_changes
from orchestrator.runs.destinations import Destination, silences
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class DeploymentPlan:
    """All that an apply would do, in the order in which it is done."""

    application: Application
    #: What tasks.yaml declares.
    declared: tuple[Task, ...]
    destinations: tuple[Destination, ...]
    stack: StackChange
    #: The names of the state machines that get a version, and whose alias moves to it.
    publish: tuple[str, ...]
    #: Writes to the registry and to EventBridge Scheduler.
    reconciliation: Plan
    #: Writes of the rules that start tasks.
    rules: RulesPlan
    #: Subscriptions of the alerts topic, and the record of them.
    alerts: AlertsPlan
    #: The tasks among the writes, told for a reader.
    tasks: tuple[TaskChange, ...]

    @cached_property
    def infrastructure(self) -> tuple[ResourceChange, ...]:
        """The changes of the template other than definitions."""
        return tuple(self.stack.infrastructure())

    @cached_property
    def definitions(self) -> tuple[DefinitionChange, ...]:
        return tuple(self.stack.definitions())

    @property
    def silences(self) -> tuple[str, ...]:
        """Failures that no destination would be told of, each with its remedy."""
        return tuple(silences(self.declared, self.destinations))

    @property
    def writes_data(self) -> bool:
        """Whether tasks, schedules or subscriptions are written."""
        return bool(self.reconciliation.operations or self.rules.changes or self.alerts.changes)

    @property
    def is_empty(self) -> bool:
        return self.stack.is_empty and not self.publish and not self.writes_data


def plan(
    clients: Clients,
    application: Application,
    tasks: Sequence[Task],
    *,
    now: datetime | Callable[[], datetime],
    destinations: Sequence[Destination] = (),
    settings: StackSettings = AS_DEPLOYED,
    monthly_cost: MonthlyCost | None = None,
) -> DeploymentPlan:
    """Plans what makes AWS as ``application``, ``tasks``, ``destinations`` of alerts and ``settings`` say, at ``now``.

    A clock is read when the stack has been: the answer of AWS may be what it goes by.

    Raises :class:`~orchestrator.errors.InvalidDefinition`, DeploymentFailed where the state of the stack would not let
    an apply begin, and what boto3 raises.
    """
    # Here, because a build plans nothing.
    from orchestrator.pricing.rates import priced

    application.validate()
    tasks, told = priced(tasks, application.billed(settings)), tuple(destinations)
    change = stack_change(
        CloudFormationStack(clients("cloudformation"), application.stack.name), application, settings, told
    )
    moment = now() if callable(now) else now
    current = Found(registered={}, schedules={}, up_to_date=False)
    # A stack whose first deployment got no further than its first step has no tasks and subscriptions either.
    is_there = "TaskRunnerArn" in change.outputs
    if is_there:
        boundary = boundaries(clients, application.stack, change.outputs, lambda: moment)
        publish = tuple(_publish(clients, application, change))
        current = reconciliation.find(*boundary, tasks, moment)
        alerts = plan_alerts(clients, application, change.outputs, told)
    else:
        publish = tuple(state_machines(application))
        alerts = subscribing.plan(subscribing.with_courier(told, application.stack), FoundDestinations(), "")
    writes = reconciliation.plan(tasks, current, moment)
    return DeploymentPlan(
        application=application,
        declared=tuple(tasks),
        destinations=told,
        stack=change,
        publish=publish,
        reconciliation=writes,
        rules=plan_rules(clients, application, tasks, current, change.outputs),
        alerts=alerts,
        tasks=tuple(task_changes(writes, current, moment, monthly_cost)),
    )


def plan_rules(
    clients: Clients, application: Application, tasks: Sequence[Task], current: Found, outputs: Mapping[str, str]
) -> RulesPlan:
    """What would be done about the rules that start tasks; reads only, and nothing where no task has any."""
    rules = event_rules.wanted(tasks, application, outputs.get("TaskRunnerArn", ""))
    on = event_rules.buses(rules.values(), current.registered, outputs)
    if "EventsRoleArn" not in outputs or not on:
        return event_rules.plan(rules, {}, lambda rule, listed: False)
    there = rules_boundary(clients, application.stack, outputs)
    return event_rules.plan(rules, event_rules.find(there, on), there.is_current)


def plan_alerts(
    clients: Clients, application: Application, outputs: Mapping[str, str], destinations: Sequence[Destination]
) -> AlertsPlan:
    """Plans the changes of alerts' destinations; it reads only."""
    record, subscriptions = alert_boundaries(clients, application.stack, outputs)
    wanted = subscribing.with_courier(destinations, application.stack, subscriptions.topic)
    current = subscribing.find(wanted, record, subscriptions)
    return subscribing.plan(wanted, current, subscribing.dead_letters_of(application.stack, subscriptions.topic))


def _publish(clients: Clients, application: Application, change: StackChange) -> Iterator[str]:
    """The state machines that the stack's change gives another revision, and those that run another than deployed."""
    changed, known = set(change.republished()), change.state_machines()
    for alias in live_aliases(clients, application, change.outputs):
        if alias.name in changed or alias.name not in known or not alias.is_current(alias.routes()):
            yield alias.name

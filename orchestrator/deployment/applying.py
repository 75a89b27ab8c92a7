"""Deploying: a plan is made and carried out, the stack first, then aliases, tasks with their schedules, subscriptions.

The plan says what is done, and no step decides it anew. Two readings are repeated, because time has passed since the
plan: under the lock, what tasks, schedules and subscriptions there are, since another deployment may have ended before
the lock was ours; and after a change of the stack that changes its outputs, since schedules refer to those. Where the
second reading leads to another plan than the first, that one is carried out, and ``progress`` is told so.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.clients import Clients
from orchestrator.deployment import event_rules, publishing, reconciliation, stack_change, subscribing, writing
from orchestrator.deployment.application import Application
from orchestrator.deployment.boundaries import alert_boundaries, boundaries, live_aliases, rules_boundary
from orchestrator.deployment.locking import exclusive
from orchestrator.deployment.planning import DeploymentPlan, plan, plan_alerts, plan_rules
from orchestrator.deployment.publishing import AT_ONCE, Rollout
from orchestrator.deployment.settings import AS_DEPLOYED, StackSettings
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.runs.destinations import Destination
from orchestrator.stores.deployments import Change, Deployments
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task

#: Takes the number of writes. Gives a callback that takes a line of text after each.
ProgressOf = Callable[[int], AbstractContextManager[Callable[[str], object]]]


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """The deploying person's name, a clock, and the callbacks that report progress."""

    #: Shown to others who try to deploy at the same time.
    name: str = "another deployment"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: Called with seconds to wait.
    sleep: Callable[[float], object] = time.sleep
    #: Called with a line of text for each thing done.
    progress: Callable[[str], object] = lambda line: None
    #: The same for the writes to registry and schedules, which may be thousands; None: ``progress``.
    progress_of: ProgressOf | None = None


#: A deployer without a name, on this machine's clock.
SOMEBODY = Deployer()


@dataclass(frozen=True, kw_only=True)
class Applied:
    """The result of an apply."""

    #: What was carried out.
    plan: DeploymentPlan
    #: The state machines whose alias moved.
    published: tuple[str, ...]
    #: The stack's, by name: ``TaskRunnerArn``, ``DataBucket`` …
    outputs: Mapping[str, str]

    @property
    def stack_changed(self) -> bool:
        return not self.plan.stack.is_empty

    @property
    def changed(self) -> bool:
        return self.stack_changed or bool(self.published) or self.plan.writes_data


def apply(
    clients: Clients,
    application: Application,
    tasks: Sequence[Task],
    *,
    destinations: Sequence[Destination] = (),
    settings: StackSettings = AS_DEPLOYED,
    rollout: Rollout = AT_ONCE,
    deployer: Deployer = SOMEBODY,
) -> Applied:
    """Plans what makes AWS what ``application``, ``tasks``, ``destinations`` and ``settings`` say, and carries it out.

    A second apply finishes what was interrupted, or writes nothing.

    Raises :class:`~orchestrator.errors.InvalidDefinition` and what :func:`carry_out` raises.
    """
    planned = plan(clients, application, tasks, destinations=destinations, settings=settings, now=deployer.now)
    return carry_out(clients, planned, rollout=rollout, deployer=deployer)


def carry_out(
    clients: Clients, planned: DeploymentPlan, *, rollout: Rollout = AT_ONCE, deployer: Deployer = SOMEBODY
) -> Applied:
    """Carries out the plan; ``rollout`` says how new versions of state machines take over.

    Raises :class:`~orchestrator.errors.DeploymentFailed`, DeploymentUnderWay, RolledBack, NoSuchAlarm, and what boto3
    raises.
    """
    name = planned.application.stack.name
    stack = CloudFormationStack(clients("cloudformation"), name, sleep=deployer.sleep, progress=deployer.progress)
    outputs = stack_change.carry_out(planned.stack, stack, clients, sleep=deployer.sleep, progress=deployer.progress)
    published: list[str] = []
    if planned.publish or not planned.stack.is_empty:
        aliases = live_aliases(clients, planned.application, outputs)
        published = publishing.publish(
            # After a change all of them: CloudFormation may have replaced what a state machine refers to.
            [one for one in aliases if one.name in planned.publish or not planned.stack.is_empty],
            rollout,
            in_alarm=publishing.alarm_state(clients("cloudwatch")) if rollout.steps else lambda alarm: False,
            sleep=deployer.sleep,
            progress=deployer.progress,
        )
    done = planned
    if outputs != planned.stack.outputs and not planned.writes_data:
        done = _read_again(clients, done, outputs, deployer)
    # The lock is a write, so it is taken only where something is to be written.
    if done.writes_data:
        holder = f"{deployer.name} ({secrets.token_hex(4)})"
        with exclusive(clients("dynamodb"), planned.application.stack, holder, deployer.now):
            done = _read_again(clients, done, outputs, deployer)
            _write(clients, done, outputs, deployer)
            _record(clients, done, deployer)
    return Applied(plan=done, published=tuple(published), outputs=outputs)


def _record(clients: Clients, done: DeploymentPlan, deployer: Deployer) -> None:
    """Keeps what tasks were changed, for whoever asks later; a deployment does not fail for it."""
    changes = [
        Change(
            task_id=one.task_id,
            action=one.action,
            fields=tuple(name for name, _, _ in one.fields),
            lost=tuple(map(key, one.slots.lost)),
            doubled=tuple(map(key, one.slots.doubled)),
        )
        for one in done.tasks
    ]
    if changes:
        with suppress(BotoCoreError, ClientError):
            stack = done.application.stack
            Deployments(clients("dynamodb"), stack).record(key(deployer.now()), deployer.name, changes)


def _read_again(
    clients: Clients, planned: DeploymentPlan, outputs: Mapping[str, str], deployer: Deployer
) -> DeploymentPlan:
    """The plan for tasks, schedules and subscriptions as they are now: the same, if nothing has happened since."""
    application, tasks = planned.application, planned.declared
    boundary = boundaries(clients, application.stack, outputs, deployer.now)
    current = reconciliation.find(*boundary, tasks, deployer.now())
    writes = reconciliation.plan(tasks, current, deployer.now())
    rules = plan_rules(clients, application, tasks, current, outputs)
    alerts = plan_alerts(clients, application, outputs, planned.destinations)
    expected = subscribing.located(planned.alerts.changes, application.stack, outputs["AlertsTopicArn"])
    if writes.operations != planned.reconciliation.operations or alerts.changes != expected:
        deployer.progress("tasks, schedules or subscriptions are others than when this was planned; planned anew")
    return replace(planned, reconciliation=writes, rules=rules, alerts=alerts)


def _write(clients: Clients, planned: DeploymentPlan, outputs: Mapping[str, str], deployer: Deployer) -> None:
    """Writes tasks, schedules and rules, then subscriptions."""
    stack, operations = planned.application.stack, planned.reconciliation.operations
    boundary = boundaries(clients, stack, outputs, deployer.now)
    progress_of = deployer.progress_of or (lambda count: nullcontext(deployer.progress))
    changes = planned.rules.changes
    with progress_of(len(operations) + len(changes)) as progress:
        rules = rules_boundary(clients, stack, outputs)
        # As long as the registry says that there is something on their bus.
        event_rules.carry_out([one for one in changes if one.is_last], rules, progress)
        writing.carry_out(operations, *boundary, progress, now=deployer.now())
        event_rules.carry_out([one for one in changes if not one.is_last], rules, progress)
    record, subscriptions = alert_boundaries(clients, stack, outputs)
    dead_letters = subscribing.dead_letters_of(stack, subscriptions.topic)
    subscribing.carry_out(planned.alerts.changes, record, subscriptions, dead_letters, deployer.progress)

"""Deploying: the stack first, then the tasks and their schedules."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from orchestrator.deployment import publishing, reconciliation, subscribing
from orchestrator.deployment.application import Application
from orchestrator.deployment.bundles import Bundle
from orchestrator.deployment.locking import exclusive
from orchestrator.deployment.publishing import AT_ONCE, LiveAlias, Rollout
from orchestrator.deployment.reconciliation import Plan
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.storage import created_unprotected
from orchestrator.deployment.subscribing import AlertsPlan
from orchestrator.deployment.template import TASK_RUNNER, bootstrap_template
from orchestrator.runs.destinations import Destination
from orchestrator.stack import Stack, live
from orchestrator.stores.registry import Registry
from orchestrator.stores.schedule_group import SchedulerSettings, Schedules
from orchestrator.stores.subscriptions import Destinations, Subscriptions
from orchestrator.tasks.task import Task

#: Makes boto3's client of a service: ``boto3.Session().client``, or that of the embedded AWS.
Clients = Callable[[str], Any]

#: Gives, for so many writes, what is called with a line of text after each.
ProgressOf = Callable[[int], AbstractContextManager[Callable[[str], object]]]


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What an apply did."""

    #: Whether the stack was changed.
    stack_changed: bool
    #: The state machines whose alias moved.
    published: tuple[str, ...]
    #: What was done to tasks and schedules.
    plan: Plan
    #: What was done about who is told.
    alerts: AlertsPlan
    #: The stack's, by name: ``TaskRunnerArn``, ``DataBucket`` …
    outputs: Mapping[str, str]

    @property
    def changed(self) -> bool:
        return bool(self.stack_changed or self.published or self.plan.operations or self.alerts.changes)


def apply(
    clients: Clients,
    application: Application,
    tasks: Sequence[Task],
    *,
    destinations: Sequence[Destination] = (),
    mail_from: str | None = None,
    site_url: str | None = None,
    heartbeat_url: str | None = None,
    reserve_concurrency: bool | None = None,
    rollout: Rollout = AT_ONCE,
    holder: str = "another deployment",
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], object] = time.sleep,
    progress: Callable[[str], object] = lambda line: None,
    progress_of: ProgressOf | None = None,
) -> Applied:
    """Makes AWS what ``application``, ``tasks`` and ``destinations`` of alerts say. Once more, it finishes what was
    interrupted or writes nothing.

    ``reserve_concurrency`` says whether what handles failures has some of its own; it stays as these do:
    ``mail_from``, ``site_url`` and ``heartbeat_url`` stay as they were deployed where they are None. ``rollout`` says
    how new versions of state machines take over, ``holder`` who deploys. ``progress`` is called with a line of text for
    each thing done, and for each of the writes to registry and schedules what ``progress_of`` makes for their number,
    if it is given. Raises :class:`~orchestrator.errors.DeploymentFailed`, DeploymentUnderWay, RolledBack, NoSuchAlarm,
    InvalidDefinition, and what boto3 raises.
    """
    application.validate()
    chosen = choices(
        AlertTopics=subscribing.topics(destinations),
        MailFrom=mail_from,
        SiteUrl=site_url,
        HeartbeatUrl=heartbeat_url,
        ReserveConcurrency=reserve_concurrency,
    )
    stack = CloudFormationStack(clients("cloudformation"), application.stack.name, sleep=sleep, progress=progress)
    stack_changed, outputs = _deploy(clients, application, stack, chosen)
    published = publishing.publish(
        live_aliases(clients, application, outputs),
        rollout,
        in_alarm=publishing.alarm_state(clients("cloudwatch")) if rollout.steps else lambda alarm: False,
        sleep=sleep,
        progress=progress,
    )
    registry, schedules = boundaries(clients, application.stack, outputs, now)
    plan = reconciliation.plan(tasks, reconciliation.find(registry, schedules, tasks, now()), now())
    alerts = plan_alerts(clients, application.stack, outputs, destinations)
    if plan.operations or alerts.changes:
        # The lock is a write, so it is taken only where something is to be written; and what another deployment did
        # before it was ours is not to be done again.
        with exclusive(clients("dynamodb"), application.stack, f"{holder} ({secrets.token_hex(4)})", now):
            plan = reconciliation.plan(tasks, reconciliation.find(registry, schedules, tasks, now()), now())
            with progress_of(len(plan.operations)) if progress_of else nullcontext(progress) as said:
                reconciliation.carry_out(plan.operations, registry, schedules, said)
            alerts = plan_alerts(clients, application.stack, outputs, destinations)
            record, subscriptions = alert_boundaries(clients, application.stack, outputs)
            dead_letters = subscribing.dead_letters_of(application.stack, subscriptions.topic)
            subscribing.carry_out(alerts.changes, record, subscriptions, dead_letters, progress)
    return Applied(stack_changed=stack_changed, published=tuple(published), plan=plan, alerts=alerts, outputs=outputs)


def alert_boundaries(clients: Clients, stack: Stack, outputs: Mapping[str, str]) -> tuple[Destinations, Subscriptions]:
    """What destinations of alerts are read and written through."""
    return Destinations(clients("ssm"), stack), Subscriptions(clients("sns"), outputs["AlertsTopicArn"])


def plan_alerts(
    clients: Clients, stack: Stack, outputs: Mapping[str, str], destinations: Sequence[Destination]
) -> AlertsPlan:
    """What would be done about who is told; reads only."""
    record, subscriptions = alert_boundaries(clients, stack, outputs)
    wanted = subscribing.with_courier(destinations, stack, subscriptions.topic)
    found = subscribing.find(wanted, record, subscriptions)
    return subscribing.plan(wanted, found, subscribing.dead_letters_of(stack, subscriptions.topic))


def choices(**given: str | bool | None) -> dict[str, str]:
    """The parameters that somebody chose, as CloudFormation writes them."""
    return {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in given.items()
        if value is not None
    }


def live_aliases(clients: Clients, application: Application, outputs: Mapping[str, str]) -> list[LiveAlias]:
    """Of every state machine of the application, TaskRunner last: what it starts is there before it."""
    stack, client = application.stack, clients("stepfunctions")
    prefix = outputs["TaskRunnerArn"].removesuffix(stack.task_runner)
    # TaskRunner last: by then whatever it starts is there.
    names = sorted(application.definitions, key=lambda name: name == TASK_RUNNER)
    return [LiveAlias(client, prefix + stack.state_machine(name)) for name in names]


def boundaries(
    clients: Clients, stack: Stack, outputs: Mapping[str, str], now: Callable[[], datetime]
) -> tuple[Registry, Schedules]:
    """What tasks and schedules are read and written through."""
    settings = SchedulerSettings(
        state_machine=live(outputs["TaskRunnerArn"]),
        role=outputs["SchedulerRoleArn"],
        dead_letter_queue=outputs["SchedulerDlqArn"],
        group=outputs["ScheduleGroupArn"],
    )
    return Registry(clients("dynamodb"), stack), Schedules(clients("scheduler"), stack, settings, now)


def _deploy(
    clients: Clients, application: Application, stack: CloudFormationStack, chosen: Mapping[str, str]
) -> tuple[bool, Mapping[str, str]]:
    """Deploys the stack if it differs. The first time the bucket that all else comes from is created first; new tables
    are created before they are protected.
    """
    template, bundles = application.template, application.bundles()
    deployed = stack.deployable()
    is_first = deployed is None
    if deployed is None:
        deployed = stack.deploy({}, TemplateBody=json.dumps(bootstrap_template(application.stack)))
    parameters = parameters_of(template, bundles, deployed.parameters, chosen)
    before = stack.template()
    if not is_first and dict(deployed.parameters) == parameters and before == template:
        return False, deployed.outputs

    bucket = _Artifacts(clients("s3"), deployed.outputs["ArtifactsBucket"])
    for bundle in bundles.values():
        bucket.upload(bundle.key, bundle.to_zip)
    creating = created_unprotected(template, before)
    for step in (template,) if creating == template else (creating, template):
        text = json.dumps(step).encode()
        key = f"templates/{hashlib.sha256(text).hexdigest()[:32]}.json"
        bucket.upload(key, partial(bytes, text))
        deployed = stack.deploy(parameters, TemplateURL=f"https://{deployed.outputs['ArtifactsDomain']}/{key}")
    return True, deployed.outputs


def parameters_of(
    template: Mapping[str, Any], bundles: Mapping[str, Bundle], deployed: Mapping[str, str], chosen: Mapping[str, str]
) -> dict[str, str]:
    """The stack's parameters: the template's defaults, then what is deployed, what is chosen, and the code."""
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    kept = {name: value for name, value in deployed.items() if name in defaults}
    return {**defaults, **kept, **chosen, **{name: bundle.key for name, bundle in bundles.items()}}


class _Artifacts:
    """The bucket for what is deployed. A key says what is behind it, so what is there stays."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def upload(self, key: str, content: Callable[[], bytes]) -> None:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in ("404", "NoSuchKey", "NotFound"):
                raise
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content())

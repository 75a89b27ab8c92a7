"""What plan, apply and rollback read and write a deployed stack through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from orchestrator.clients import Clients
from orchestrator.deployment.application import Application
from orchestrator.deployment.publishing import LiveAlias
from orchestrator.deployment.template import EXPRESS_RUNNER, TASK_RUNNER
from orchestrator.stack import Stack, live
from orchestrator.stores.event_rules import Rules, RuleSettings
from orchestrator.stores.registry import Registry
from orchestrator.stores.schedule_group import SchedulerSettings, Schedules
from orchestrator.stores.subscriptions import Destinations, Subscriptions
from orchestrator.stores.switches import Switches


def boundaries(
    clients: Clients, stack: Stack, outputs: Mapping[str, str], now: Callable[[], datetime]
) -> tuple[Registry, Schedules, Switches]:
    """Returns the stores of tasks, of schedules, and of the switches that stop many tasks."""
    settings = SchedulerSettings(
        state_machine=live(outputs["TaskRunnerArn"]),
        express_state_machine=live(express) if (express := outputs.get("ExpressRunnerArn")) else None,
        role=outputs["SchedulerRoleArn"],
        dead_letter_queue=outputs["SchedulerDlqArn"],
        group=outputs["ScheduleGroupArn"],
    )
    dynamodb = clients("dynamodb")
    schedules = Schedules(clients("scheduler"), stack, settings, now)
    return Registry(dynamodb, stack), schedules, Switches(dynamodb, stack)


def rules_boundary(clients: Clients, stack: Stack, outputs: Mapping[str, str]) -> Rules:
    """What the rules that start tasks are read and written through."""
    settings = RuleSettings(
        state_machine=live(outputs["TaskRunnerArn"]),
        express_state_machine=live(express) if (express := outputs.get("ExpressRunnerArn")) else None,
        role=outputs["EventsRoleArn"],
        dead_letter_queue=outputs["SchedulerDlqArn"],
    )
    return Rules(clients("events"), stack, settings)


def alert_boundaries(clients: Clients, stack: Stack, outputs: Mapping[str, str]) -> tuple[Destinations, Subscriptions]:
    """Returns the stores of the destinations of alerts."""
    return Destinations(clients("ssm"), stack), Subscriptions(clients("sns"), outputs["AlertsTopicArn"])


def state_machines(application: Application) -> list[str]:
    """The names of the application's state machines, TaskRunner's and its twin's last: what either starts is there
    before it.
    """
    names = sorted(application.definitions, key=(TASK_RUNNER, EXPRESS_RUNNER).__contains__)
    return [application.stack.state_machine(name) for name in names]


def live_aliases(clients: Clients, application: Application, outputs: Mapping[str, str]) -> list[LiveAlias]:
    """The alias of every state machine of the application, in the order of :func:`state_machines`."""
    client, prefix = clients("stepfunctions"), outputs["TaskRunnerArn"].removesuffix(application.stack.task_runner)
    return [LiveAlias(client, prefix + name) for name in state_machines(application)]

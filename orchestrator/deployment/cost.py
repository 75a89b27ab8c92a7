"""What tasks of an application, and its stack, cost in a month: for a plan and a forecast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator import pricing
from orchestrator.deployment.application import Application
from orchestrator.deployment.settings import AS_DEPLOYED, StackSettings
from orchestrator.deployment.template import EXPRESS_RUNNER, TASK_RUNNER
from orchestrator.pricing import Billed
from orchestrator.pricing.forecast import forecast
from orchestrator.tasks.task import Task

#: A month's slots are counted in so many days.
_DAYS = 30


def billed(application: Application, settings: StackSettings = AS_DEPLOYED) -> Billed:
    """Returns the facts that the bill follows from; ``settings`` that are None count as the template's defaults."""
    template = application.template
    resources = template["Resources"]
    chosen = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    chosen |= settings.parameters(())
    return Billed(
        stack=application.stack,
        task_runner=application.definitions[TASK_RUNNER].to_dict(),
        express_runner=twin.to_dict() if (twin := application.definitions.get(EXPRESS_RUNNER)) else {},
        log_level=str(chosen["LogLevel"]),
        log_days=resources[f"{TASK_RUNNER}Logs"]["Properties"]["RetentionInDays"],
        traced=chosen["Tracing"] == "true",
        published=application.outcome_events.kinds if application.outcome_events else (),
        memory_mb={function.name: function.memory_mb for function in application.functions},
    )


def monthly_cost(
    application: Application, now: datetime, settings: StackSettings = AS_DEPLOYED
) -> Callable[[Task], float]:
    """Dollars a month of a task, from its slots of the next days; a run is assumed to work for a second."""
    facts = billed(application, settings)

    def dollars(task: Task) -> float:
        (month,) = forecast([task], now, _DAYS).tasks
        return float(pricing.monthly(task, facts, month.expected).dollars())

    return dollars

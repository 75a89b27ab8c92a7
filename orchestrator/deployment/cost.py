"""What tasks of an application, and its stack, cost in a month: for a plan and a forecast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator import pricing
from orchestrator.deployment.application import Application
from orchestrator.deployment.template import TASK_RUNNER
from orchestrator.pricing import Billed
from orchestrator.pricing.forecast import forecast
from orchestrator.tasks.task import Task

#: A month's slots are counted in so many days.
_DAYS = 30


def billed(application: Application) -> Billed:
    """What the bill follows from."""
    resources = application.template["Resources"]
    machine = resources[TASK_RUNNER]["Properties"]
    return Billed(
        stack=application.stack,
        task_runner=application.definitions[TASK_RUNNER].to_dict(),
        log_level=machine["LoggingConfiguration"]["Level"],
        log_days=resources[f"{TASK_RUNNER}Logs"]["Properties"]["RetentionInDays"],
        traced=machine["TracingConfiguration"]["Enabled"],
        memory_mb={function.name: function.memory_mb for function in application.functions},
    )


def monthly_cost(application: Application, now: datetime) -> Callable[[Task], float]:
    """Dollars a month of a task, from its slots of the next days; a run is assumed to work for a second."""
    facts = billed(application)

    def dollars(task: Task) -> float:
        (month,) = forecast([task], now, _DAYS).tasks
        return float(pricing.monthly(task, facts, month.expected).dollars())

    return dollars

"""What tasks of an application, and its stack, cost in a month: for a plan and a forecast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator import pricing
from orchestrator.deployment.application import Application
from orchestrator.deployment.settings import AS_DEPLOYED, StackSettings
from orchestrator.pricing.forecast import forecast
from orchestrator.tasks.task import Task

#: A month's slots are counted in so many days.
_DAYS = 30

billed = Application.billed


def monthly_cost(
    application: Application, now: datetime, settings: StackSettings = AS_DEPLOYED
) -> Callable[[Task], float]:
    """Dollars a month of a task, from its slots of the next days; a run is assumed to work for a second."""
    facts = application.billed(settings)

    def dollars(task: Task) -> float:
        (month,) = forecast([task], now, _DAYS).tasks
        return float(pricing.monthly(task, facts, month.expected).dollars())

    return dollars

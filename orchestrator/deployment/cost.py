"""What a task of an application costs in a month, for a plan to show before it is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from orchestrator import costs
from orchestrator.deployment.application import Application
from orchestrator.deployment.template import TASK_RUNNER
from orchestrator.forecast import forecast
from orchestrator.prices import PRICES
from orchestrator.tasks import Task

#: A month's slots are counted in so many days.
_DAYS = 30


def monthly_cost(application: Application, now: datetime) -> Callable[[Task], float]:
    """Dollars a month of a task, from its slots of the next days; a run is assumed to work for a second."""
    task_runner = application.definitions[TASK_RUNNER].to_dict()
    memory = {function.name: function.memory_mb for function in application.functions}

    def dollars(task: Task) -> float:
        usage = costs.of_run(
            task,
            task_runner,
            application.stack,
            memory_mb=memory.get(task.target.name, 0),
            seconds=costs.ASSUMED_SECONDS,
        )
        runs = forecast([task], now, _DAYS).runs
        return float(costs.monthly(usage, runs, _DAYS).dollars(PRICES))

    return dollars

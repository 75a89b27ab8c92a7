"""State machines, one a file, each a function ``build(stack) -> Definition`` that makes fresh states at every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from definitions import billing
from definitions.system import backfill, task_runner
from orchestrator.asl.definition import Definition
from orchestrator.stack import Stack

Builder = Callable[[Stack], Definition]

#: Every state machine that is deployed, by name. ``TaskRunner`` and its twin ``ExpressRunner`` are what schedules
#: start, and ``Backfill`` starts the first for slots of the past; every other name is a nested workflow, which a task
#: runs as ``workflow/NAME``.
ALL: Mapping[str, Builder] = {
    "TaskRunner": task_runner.build,
    "ExpressRunner": task_runner.build_express,
    "Backfill": backfill.build,
    "billing": billing.build,
    "billing-page": billing.build_page,
}

"""What a run has cost: what its row says, or what follows from the row where it says nothing.

TaskRunner and whoever closes a run write its cost into the row (:mod:`orchestrator.runs.cost`). A row of an older
release, or of a task that no deployment has told its price, has none: it says how long and how often, which is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from orchestrator.pricing.runs import (
    METRICS,
    STATES_OF_DUPLICATE,
    Billed,
    check_lines,
    events_are_paid,
    run_lines,
    skip_lines,
)
from orchestrator.pricing.usage import Usage, total
from orchestrator.runs.execution_end import is_express
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.runs.spending import hours_and_checks
from orchestrator.tasks.task import TargetKind, Task

#: Of a further attempt: RetryOrGiveUp, BackOff, and the call; one of a nested workflow passes RouteTask, too.
_STATES_OF_RETRY = {TargetKind.LAMBDA: 3, TargetKind.WORKFLOW: 5}


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The cost of a task in a span of time."""

    runs: int
    #: How long its targets have worked, in seconds.
    seconds: Decimal
    dollars: Decimal


def run_dollars(run: Run, task: Task, billed: Billed) -> Decimal:
    """What the slot of a row has cost: its run, those before it, and further deliveries.

    A run that is still active counts as one that takes no time.
    """
    if run.dollars is None:
        return run_usage(run, task, billed).dollars()
    before = sum((earlier.dollars or Decimal(0) for earlier in run.history), Decimal(0))
    return run.dollars + before + _again(run).dollars()


def run_usage(run: Run, task: Task, billed: Billed) -> Usage:
    """Returns what one row's run has used. A run that is still active counts as one that takes no time."""
    if run.execution_arn is None:
        # The watchdog has written it.
        return Usage(write_unit=Decimal(2))
    own = replace(task, express=is_express(run.execution_arn))
    if run.status is RunStatus.SKIPPED or not run.attempts:
        return total(skip_lines(own, billed))
    seconds = Decimal(str(run.duration_seconds or 0))
    usage = total(run_lines(own, billed, seconds=seconds))
    retries = Decimal(max(0, run.attempts - 1))
    calls = Usage(lambda_request=retries) if task.target.kind is TargetKind.LAMBDA else Usage()
    if not own.express:
        calls += Usage(state_transition=retries * _STATES_OF_RETRY[task.target.kind])
    calls += _again(run)
    if run.trigger is not Trigger.SCHEDULE:
        # Scheduler has not delivered it.
        calls += Usage(scheduler_invocation=Decimal(-1))
    if run.trigger is Trigger.EVENT and events_are_paid(task):
        calls += Usage(custom_event=Decimal(1))
    return usage + calls


def _again(run: Run) -> Usage:
    """The further deliveries, each of which is an execution that finds the row."""
    again = Decimal(run.duplicates)
    used = Usage(scheduler_invocation=again, write_unit=again * 2)
    states = Usage(state_transition=again * STATES_OF_DUPLICATE)
    return used + (Usage(express_request=again) if is_express(run.execution_arn) else states)


def spent(task: Task, runs: Iterable[Run], billed: Billed) -> Spent:
    """Adds up a task's rows of a span, the metrics that were kept for it, and the checks of its slots."""
    count, seconds, dollars = 0, Decimal(0), Decimal(0)
    counted = list(runs)
    for run in counted:
        count += run.attempts > 0
        seconds += Decimal(str(run.duration_seconds or 0))
        dollars += run_dollars(run, task, billed)
    hours, checks = hours_and_checks(counted)
    others = Usage(metric_hour=Decimal(METRICS * hours)) + total(check_lines(task)) * Decimal(checks)
    return Spent(runs=count, seconds=seconds, dollars=dollars + others.dollars())

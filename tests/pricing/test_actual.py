"""What a run has cost follows from its row: from how often, how long, and by which machine."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from deploy import PROJECT
from orchestrator.deployment import billed
from orchestrator.pricing.actual import run_dollars, run_usage, spent
from orchestrator.pricing.runs import METRICS, check_lines, run_lines
from orchestrator.pricing.usage import Usage, total
from orchestrator.runs.run import EarlierRun, Run, RunStatus, Trigger
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task

STACK = Stack()
BILLED = replace(billed(PROJECT.application(STACK)), memory_mb={"work": 512})
TASK = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))
ARN = "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-TaskRunner:t-1"
RUN = Run(
    task_id="t",
    slot="2026-12-01T08:00:00Z",
    status=RunStatus.SUCCEEDED,
    execution_arn=ARN,
    started_at="2026-12-01T08:00:10.000Z",
    duration_seconds=2.0,
    attempts=1,
)
EXPRESS = replace(RUN, execution_arn=ARN.replace(":execution:", ":express:") + ":4f7c#1")


def more(run: Run) -> dict[str, Decimal]:
    """What a run used beyond one that went well at once."""
    return (run_usage(run, TASK, BILLED) + run_usage(RUN, TASK, BILLED) * Decimal(-1)).parts()


def test_a_run_that_went_well_at_once_has_cost_what_a_forecast_says() -> None:
    assert run_usage(RUN, TASK, BILLED) == total(run_lines(TASK, BILLED, seconds=Decimal(2)))


def test_a_run_is_of_the_machine_that_its_row_names_whatever_the_task_says_now() -> None:
    used = run_usage(EXPRESS, TASK, BILLED)
    assert used == total(run_lines(replace(TASK, express=True), BILLED, seconds=Decimal(2)))
    assert (int(used.state_transition), int(used.express_request)) == (0, 1)
    assert run_usage(RUN, replace(TASK, express=True), BILLED).state_transition == 4


def test_each_further_attempt_is_three_states_and_a_call() -> None:
    assert more(replace(RUN, attempts=3)) == {"state_transition": 6, "lambda_request": 2}


def test_each_further_delivery_is_an_execution_that_finds_the_row() -> None:
    assert more(replace(RUN, duplicates=2)) == {"state_transition": 10, "scheduler_invocation": 2, "write_unit": 4}


def test_a_run_by_hand_is_delivered_by_nobody() -> None:
    assert more(replace(RUN, trigger=Trigger.RERUN)) == {"scheduler_invocation": -1}


def test_a_slot_that_nobody_started_is_a_row_that_was_written() -> None:
    missed = replace(RUN, status=RunStatus.MISSED, execution_arn=None, attempts=0)
    assert run_usage(missed, TASK, BILLED) == Usage(write_unit=Decimal(2))


def test_a_slot_that_was_skipped_has_called_nothing() -> None:
    used = run_usage(replace(RUN, status=RunStatus.SKIPPED, attempts=0), TASK, BILLED)
    assert used.state_transition == 4
    assert used.lambda_gb_second < run_usage(RUN, TASK, BILLED).lambda_gb_second


@pytest.mark.parametrize(("slots", "hours", "checks"), [(["08:00", "08:01"], 1, 1), (["08:00", "09:30"], 2, 2)])
def test_a_span_has_its_metrics_by_the_hour_and_the_checks_of_its_slots(
    slots: list[str], hours: int, checks: int
) -> None:
    runs = [replace(RUN, slot=f"2026-12-01T{at}:00Z", started_at=f"2026-12-01T{at}:01.000Z") for at in slots]
    found = spent(TASK, runs, BILLED)
    assert (found.runs, int(found.seconds)) == (2, 4)
    once = Usage(metric_hour=Decimal(METRICS * hours)) + total(check_lines(TASK)) * Decimal(checks)
    assert found.dollars == once.dollars() + 2 * run_usage(RUN, TASK, BILLED).dollars()


def test_a_row_that_says_what_its_run_has_cost_is_believed() -> None:
    told = replace(RUN, dollars=Decimal("0.25"))
    assert run_dollars(told, TASK, BILLED) == Decimal("0.25")
    again = replace(told, duplicates=2)
    assert (
        run_dollars(again, TASK, BILLED) - Decimal("0.25")
        == run_usage(replace(RUN, duplicates=2), TASK, BILLED).dollars() - run_usage(RUN, TASK, BILLED).dollars()
    )
    before = EarlierRun(status=RunStatus.FAILED, dollars=Decimal("0.5"))
    assert run_dollars(replace(told, history=(before,)), TASK, BILLED) == Decimal("0.75")


def test_a_row_that_says_nothing_costs_what_follows_from_it() -> None:
    assert run_dollars(RUN, TASK, BILLED) == run_usage(RUN, TASK, BILLED).dollars()

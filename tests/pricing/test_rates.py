"""The watchdog's sum of a month is that of `orchestrator costs`, within a percent: both follow from one rule."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from deploy import PROJECT
from orchestrator.deployment import billed
from orchestrator.dynamodb import Fields, to_item
from orchestrator.pricing.actual import spent
from orchestrator.pricing.items import item_bytes
from orchestrator.pricing.rates import priced, rates, with_budgets
from orchestrator.pricing.runs import run_lines, skip_lines
from orchestrator.pricing.usage import total
from orchestrator.runs.cost import Part, Used
from orchestrator.runs.cost import dollars as cost_of
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.runs.spending import dollars
from orchestrator.stack import Stack
from orchestrator.tasks.price import Price
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.task import Target, TargetKind, Task

BILLED = replace(billed(PROJECT.application(Stack())), memory_mb={"work": 512, "large": 2048})
PLAIN = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))
TASKS = {
    "plain": PLAIN,
    "express": replace(PLAIN, express=True),
    "large": replace(PLAIN, target=Target(kind=TargetKind.LAMBDA, name="large")),
    "workflow": replace(PLAIN, target=Target(kind=TargetKind.WORKFLOW, name="billing")),
    "limited": replace(PLAIN, at_once=2),
}
SECONDS = Decimal(2)
ROWS: tuple[dict[str, Any], ...] = (
    {"duration_seconds": 0.3},
    {"duration_seconds": 12.0, "attempts": 3},
    {"duplicates": 2, "trigger": Trigger.RERUN},
    {"trigger": Trigger.EVENT, "duration_seconds": 1.0},
    {"status": RunStatus.SKIPPED, "attempts": 0},
    {"status": RunStatus.MISSED, "attempts": 0, "execution_arn": None},
)


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_rows_cost_the_watchdog_what_they_cost_costs(task: Task) -> None:
    kind = "express" if task.express else "execution"
    plain = Run(
        task_id="t",
        slot="2026-12-01T08:00:00Z",
        status=RunStatus.SUCCEEDED,
        execution_arn=f"arn:aws:states:us-east-1:123456789012:{kind}:orchestrator-dev-TaskRunner:t-1",
        attempts=1,
    )
    found = rates(task, BILLED)
    runs = [replace(plain, **row) for row in ROWS]
    for some in (runs, *([one] for one in runs)):
        expected = spent(task, some, BILLED).dollars
        assert float(dollars(found, some)) == pytest.approx(float(expected), rel=0.01)
    assert Rates.from_fields(Fields(to_item(found.to_value()))) == found


def _cost(price: Price, used: Used) -> Decimal:
    found = cost_of(price, used)
    assert found is not None
    return found


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_parts_of_a_price_come_to_what_a_run_costs(task: Task) -> None:
    (told,) = priced([task], BILLED)
    found = told.price
    assert found is not None
    # The states of the shortest way, and the way of what is no function is two longer.
    states = 4 if task.target.kind is TargetKind.LAMBDA else 6
    held = found.hold + (4 * found.state if task.gates else 0)
    used = Used(part=Part.RUN, express=task.express, states=states, calls=1, lasted=SECONDS, trigger=Trigger.SCHEDULE)
    expected = total(run_lines(task, BILLED, seconds=SECONDS)).dollars()
    assert float(_cost(found, used) + held / 1_000_000) == pytest.approx(float(expected), rel=0.005)
    skipped = Used(part=Part.SKIP, express=task.express, states=4, trigger=Trigger.SCHEDULE)
    expected = total(skip_lines(task, BILLED)).dollars()
    assert float(_cost(found, skipped)) == pytest.approx(float(expected), rel=0.005)
    assert task_of(item_of(told)) == told


@pytest.mark.parametrize("numbers", [[1.0] * 9, [], [-1.0] * 8, [1e9] * 8])
def test_a_price_that_this_release_has_not_written_is_none(numbers: list[float]) -> None:
    assert Price.from_value(numbers) is None


def test_a_price_takes_forty_bytes_of_a_record() -> None:
    (told,) = priced([TASKS["express"]], BILLED)
    assert item_bytes(item_of(told)) - item_bytes(item_of(TASKS["express"])) <= 50


def test_tasks_that_are_bounded_have_their_rates_and_no_others() -> None:
    tasks = (
        replace(PLAIN, id="own", budget=Decimal(5)),
        replace(PLAIN, id="ours", owner="ann"),
        replace(PLAIN, id="theirs", owner="bob"),
    )
    own, ours, theirs = with_budgets(tasks, {"ann": Decimal(20)}, lambda: BILLED)
    assert (own.rates, own.owners_budget) == (rates(PLAIN, BILLED), Decimal(0))
    assert (ours.rates, ours.owners_budget) == (rates(PLAIN, BILLED), Decimal(20))
    assert theirs == tasks[2]


def test_tasks_that_are_not_alike_have_rates_of_their_own() -> None:
    tasks = [replace(task, id=name, budget=Decimal(1)) for name, task in TASKS.items()]
    for task in with_budgets(tasks, {}, lambda: BILLED):
        assert task.rates == rates(replace(task, rates=None), BILLED)

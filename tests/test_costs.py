"""What a run uses is read off TaskRunner's definition, and what it costs is what a person computes by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import definitions
from orchestrator.calendars import Calendar, closures
from orchestrator.costs import MONTH_DAYS, Usage, happy_path, monthly, of_run, of_workflow
from orchestrator.prices import PRICES
from orchestrator.settings import Stack
from orchestrator.tasks import Target, TargetKind, Task
from tests.test_calendars import TODAY, WEEKDAYS

ROOT = Path(__file__).parent.parent
STACK = Stack()
TASK_RUNNER = definitions.ALL["TaskRunner"](STACK).to_dict()
TASK = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))


def of(task: Task) -> Usage:
    return of_run(task, TASK_RUNNER, STACK, memory_mb=512, seconds=Decimal(2))


@pytest.mark.parametrize(("kind", "work"), [("lambda", "lambda:invoke"), ("workflow", "states:startExecution.sync:2")])
def test_the_happy_path_goes_through_the_state_that_does_the_work(kind: str, work: str) -> None:
    resources = [state.get("Resource", state["Type"]).removeprefix("arn:aws:states:::") for state in happy_path(TASK_RUNNER, TargetKind(kind))]  # fmt: skip # noqa: E501
    assert resources == [
        "dynamodb:getItem",
        "aws-sdk:dynamodb:transactWriteItems",
        "Choice",
        work,
        "aws-sdk:dynamodb:transactWriteItems",
        "aws-sdk:cloudwatch:putMetricData",
    ]


def test_a_definition_that_does_no_such_work_has_no_happy_path() -> None:
    machine = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    with pytest.raises(ValueError, match="no way through"):
        happy_path(machine, TargetKind.LAMBDA)


def test_a_run_costs_what_its_states_calls_and_seconds_cost() -> None:
    # 6 transitions; half a gigabyte for 2 s; the row and the index: 2 + 1 and 2 + 2, the record twice in a transaction.
    assert of(TASK) == Usage(
        state_transition=Decimal(6),
        lambda_request=Decimal(1),
        lambda_gb_second=Decimal(1),
        write_unit=Decimal(3 + 4 + 2 + 2),
        read_unit=Decimal(1),
        scheduler_invocation=Decimal(1),
        metric_request=Decimal(1),
    )
    by_hand = 6 * Decimal("0.000025") + Decimal("0.0000002") + Decimal("0.0000133334")
    by_hand += 11 * Decimal("0.000000625") + Decimal("0.000000125") + Decimal("0.000001") + Decimal("0.00001")
    assert of(TASK).dollars(PRICES) == by_hand


def test_a_long_record_costs_more_to_read_and_to_write() -> None:
    weekends = closures([Calendar(name="business-days", open_weekdays=WEEKDAYS)], TODAY)
    long = of(replace(TASK, closures=weekends))
    assert long.read_unit > 1
    assert long.write_unit > 20


def test_a_nested_workflow_is_counted_without_what_it_does_itself() -> None:
    nested = of(replace(TASK, target=Target(kind=TargetKind.WORKFLOW, name="billing")))
    assert nested.state_transition == Decimal(6)
    assert nested.lambda_request == nested.lambda_gb_second == Decimal(0)


def test_a_hundred_thousand_invoices_cost_what_the_documentation_says() -> None:
    customers, page = 100_000, 250
    pages = customers // page
    parent = of_workflow(definitions.ALL["billing"](STACK).to_dict(), through="GeneratePages", items=pages)
    each = of_workflow(definitions.ALL["billing-page"](STACK).to_dict(), through="GenerateInvoices", items=page)
    whole = parent + each * Decimal(pages)
    assert whole.lambda_request == 3 + 2 * customers
    said = (ROOT / "docs" / "explanation" / "billing.md").read_text()
    assert f"100,000 customers take {whole.state_transition:,} transitions" in said
    transitions = Usage(state_transition=whole.state_transition).dollars(PRICES)
    assert f"transitions, ${transitions:.2f}," in said
    # CreateInvoice has 512 MB and SendInvoiceEmail 256; a quarter of a second of each.
    work = Usage(lambda_request=whole.lambda_request, lambda_gb_second=Decimal("0.75") * customers / 4)
    assert f"Lambda time of about ${work.dollars(PRICES):.2f}" in said


def test_a_month_is_an_average_month_and_its_metrics() -> None:
    a_day = monthly(Usage(state_transition=Decimal(6)), runs=30, days=30)
    assert a_day.state_transition == 6 * MONTH_DAYS
    assert a_day.metric == 3
    assert monthly(Usage(), runs=0, days=30) == Usage()

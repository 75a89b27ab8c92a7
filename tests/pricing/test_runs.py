"""What a run uses is read off what is deployed, and what it costs is what a person computes by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

import definitions
from deploy import PROJECT
from orchestrator.deployment import billed
from orchestrator.pricing.paths import happy_path, straight
from orchestrator.pricing.runs import (
    METRICS,
    STATES_OF_DUPLICATE,
    Expected,
    _measured,
    check_lines,
    held_lines,
    monthly,
    of_workflow,
    run_lines,
    skip_lines,
)
from orchestrator.pricing.usage import MONTH_DAYS, Usage, total
from orchestrator.runs.outcomes import Kind
from orchestrator.schedules.calendars import Calendar, closures
from orchestrator.stack import Stack
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import ROOT
from tests.testbed.calendars import TODAY, WEEKDAYS

STACK = Stack()
BILLED = replace(billed(PROJECT.application(STACK)), memory_mb={"work": 512})
TASK = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))


#: Of a run's metrics.
METER = _measured(BILLED)


def of(task: Task) -> Usage:
    """Without what the reporter uses for it."""
    return total(run_lines(task, BILLED, seconds=Decimal(2))) + METER * Decimal(-1)


@pytest.mark.parametrize(("kind", "work"), [("lambda", "lambda:invoke"), ("workflow", "states:startExecution.sync:2")])
def test_the_happy_path_goes_through_the_state_that_does_the_work(kind: str, work: str) -> None:
    path = happy_path(BILLED.task_runner, TargetKind(kind))
    assert [step.name for step in path if step.calls(f":{work}")] != []
    assert path[0].name == "LookupTask"
    assert path[-1].state.get("End") or path[-1].state["Type"] == "Succeed"


def test_a_definition_that_does_no_such_work_has_no_happy_path() -> None:
    machine = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    with pytest.raises(ValueError, match="no way through"):
        happy_path(machine, TargetKind.LAMBDA)


def test_a_function_is_paid_for_by_its_memory_and_seconds() -> None:
    used = of(TASK)
    assert used.lambda_request == used.lambda_gb_second == Decimal(1)
    assert used.state_transition == len(happy_path(BILLED.task_runner, TargetKind.LAMBDA))


def test_a_long_record_costs_more_to_read_and_to_write() -> None:
    weekends = closures([Calendar(name="business-days", open_weekdays=WEEKDAYS)], TODAY)
    task = replace(TASK, closures=weekends)
    assert of(task).read_unit > 1
    assert of(task).write_unit > 3 * of(TASK).write_unit
    assert total(check_lines(task)).write_unit > 3 * total(check_lines(TASK)).write_unit


def test_a_nested_workflow_is_counted_without_what_it_does_itself() -> None:
    nested = of(replace(TASK, target=Target(kind=TargetKind.WORKFLOW, name="billing")))
    assert nested.state_transition == len(happy_path(BILLED.task_runner, TargetKind.WORKFLOW))
    assert nested.lambda_request == nested.lambda_gb_second == Decimal(0)


def test_a_log_level_that_leaves_out_what_goes_well_costs_nothing() -> None:
    quiet = total(run_lines(TASK, BILLED))
    loud = total(run_lines(TASK, replace(BILLED, log_level="ALL", traced=True)))
    assert quiet.trace == Decimal(0)
    assert loud.trace == Decimal(1)
    assert loud.log_gb > 5 * quiet.log_gb


def test_outcomes_cost_what_is_published_of_them_and_nothing_otherwise() -> None:
    plain, skipped = total(run_lines(TASK, BILLED)), total(skip_lines(TASK, BILLED))
    assert plain.custom_event == 0
    whole, ends = (replace(BILLED, published=kinds) for kinds in (tuple(Kind), (Kind.SUCCEEDED, Kind.FAILED)))
    assert total(run_lines(TASK, whole)).custom_event == 2
    assert total(run_lines(TASK, whole)).lambda_request == plain.lambda_request + 1
    assert total(run_lines(TASK, ends)) == plain + Usage(custom_event=Decimal(1))
    assert total(skip_lines(TASK, whole)) == skipped + Usage(custom_event=Decimal(1))


def test_a_hundred_thousand_invoices_cost_what_the_documentation_says() -> None:
    customers, page = 100_000, 250
    pages = customers // page
    parent = of_workflow(definitions.ALL["billing"](STACK).to_dict(), through="GeneratePages", items=pages)
    each = of_workflow(definitions.ALL["billing-page"](STACK).to_dict(), through="GenerateInvoices", items=page)
    whole = parent + each * Decimal(pages)
    assert whole.lambda_request == 3 + 2 * customers
    said = (ROOT / "docs" / "explanation" / "billing.md").read_text()
    assert f"100,000 customers take {whole.state_transition:,} transitions" in said
    transitions = Usage(state_transition=whole.state_transition).dollars()
    assert f"transitions, ${transitions:.2f}," in said
    # CreateInvoice has 512 MB and SendInvoiceEmail 256; a quarter of a second of each.
    work = Usage(lambda_request=whole.lambda_request, lambda_gb_second=Decimal("0.75") * customers / 4)
    assert f"Lambda time of about ${work.dollars():.2f}" in said


def test_a_month_is_an_average_month_and_a_metric_is_paid_for_in_the_hours_in_which_it_is_sent() -> None:
    def a_month(runs: int, hours: int, checks: int) -> Usage:
        return monthly(TASK, BILLED, Expected(days=30, runs=runs, hours=hours, checks=checks))

    daily, often = a_month(30, 30, 30), a_month(8640, 720, 8640)
    assert daily.scheduler_invocation == MONTH_DAYS
    assert daily.metric_hour == METRICS * MONTH_DAYS
    # All the hours of the month: the whole price of a metric.
    assert often.metric_hour == METRICS * 730
    assert Usage(metric_hour=Decimal(730)).dollars() == Decimal("0.30")
    assert a_month(0, 0, 0) == Usage()


def test_a_run_that_an_event_starts_has_no_schedule_to_pay_and_perhaps_an_event() -> None:
    by_clock = Expected(days=30, runs=30, hours=30, checks=0)
    by_events = replace(by_clock, by_events=30, events=90)
    plain = monthly(TASK, BILLED, by_clock)
    for source, paid in (("shop", 90), ("aws.s3", 0)):
        task = replace(TASK, starts=(EventStart(pattern={"source": [source]}),))
        month = monthly(task, BILLED, by_events)
        assert month.scheduler_invocation == 0
        assert month.custom_event == paid * (MONTH_DAYS / 30)
        # Sixty of the events are duplicates.
        assert month.state_transition - plain.state_transition == 60 * STATES_OF_DUPLICATE * (MONTH_DAYS / 30)


def test_a_slot_that_a_calendar_leaves_out_is_paid_for_too() -> None:
    def a_month(skipped: int) -> Usage:
        return monthly(TASK, BILLED, Expected(days=30, runs=0, skipped=skipped, hours=0, checks=0))

    assert a_month(30).lambda_request == METER.lambda_request * MONTH_DAYS
    assert a_month(30).state_transition == 4 * MONTH_DAYS


def test_a_run_that_is_held_first_pays_for_its_wait_and_a_plain_one_does_not() -> None:
    pooled = replace(TASK, pool=Limit(name="reports", at_once=3))
    plain, more = total(run_lines(TASK, BILLED)), total(held_lines(pooled))
    assert held_lines(TASK) == []
    # As many as a run on the embedded AWS has entered: LookupTask, ClaimSlot, Refused, HoldSlot; then a plain one's.
    assert plain.state_transition + more.state_transition == 4 + 4
    # An approval is read from the row.
    assert total(held_lines(replace(TASK, approval_seconds=60))).state_transition == 8
    assert total(run_lines(pooled, BILLED)).lambda_request == plain.lambda_request + 2


def test_a_workflow_of_one_way_brings_its_own_transitions_and_one_that_chooses_none() -> None:
    calls: dict[str, dict[str, Any]] = {
        "Call": {"Type": "Task", "Next": "Say"},
        "Say": {"Type": "Pass", "End": True},
    }
    assert straight({"StartAt": "Call", "States": calls}) == 2
    chooses: dict[str, dict[str, Any]] = {"Ask": {"Type": "Choice", "Choices": [], "Default": "Call"}, **calls}
    assert straight({"StartAt": "Ask", "States": chooses}) == 3
    chooses["Ask"]["Choices"] = [{"Condition": "{% true %}", "Next": "Say"}]
    assert straight({"StartAt": "Ask", "States": chooses}) is None
    repeats = {"Call": {"Type": "Task", "Next": "Say"}, "Say": {"Type": "Pass", "Next": "Call"}}
    assert straight({"StartAt": "Call", "States": repeats}) is None
    each = {"Each": {"Type": "Map", "End": True}}
    assert straight({"StartAt": "Each", "States": each}) is None


def test_a_workflow_whose_other_ways_fail_has_one_way() -> None:
    states = {
        "Run": {"Type": "Task", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}], "Next": "Ended"},
        "Ended": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "Failed"}], "Default": "Good"},
        "Good": {"Type": "Succeed"},
        "Failed": {"Type": "Fail"},
    }
    assert straight({"StartAt": "Run", "States": states}) == 3


def test_a_workflow_brings_its_own_transitions() -> None:
    workflow = replace(TASK, target=Target(kind=TargetKind.WORKFLOW, name="http-crm"))
    plain = total(run_lines(workflow, BILLED)).state_transition
    with_states = replace(BILLED, workflow_states={"http-crm": 2})
    assert total(run_lines(workflow, with_states)).state_transition == plain + 2
    assert total(run_lines(TASK, replace(BILLED, workflow_states={TASK.target.name: 2}))).state_transition == 4

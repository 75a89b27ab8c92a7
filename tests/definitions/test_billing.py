"""The billing run on the real interpreter, with its real functions: one invoice for each customer, come what may."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pypdf import PdfReader

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stack import live
from tests.testbed.billing import PERIOD, SLOT, Books, books, row


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws) -> Iterator[Books]:
    with books(embedded_aws) as made:
        yield made


@pytest.fixture
def ledgers(deployed: Books) -> Books:
    deployed.clear()
    return deployed


@pytest.fixture
def paged(ledgers: Books) -> Iterator[Books]:
    """With two customers to a page."""
    ledgers.page_size(2)
    yield ledgers
    ledgers.page_size(250)


@pytest.mark.proof
def test_a_month_with_forty_customers_runs_through_task_runner(ledgers: Books) -> None:
    ledgers.month(40)
    run = ledgers.run_task()
    assert run.status is RunStatus.SUCCEEDED
    result = json.loads(run.result or "")
    # 10.00 and 100 to 139 calls at 0.015, rounded up from the half cent, and 19 % on each sum.
    lines = [1000 + (1500 + 15 * number + 5) // 10 for number in range(40)]
    total = sum(line + (line * 19 + 50) // 100 for line in lines)
    assert (result["state"], result["invoices"], result["mailed"], result["failed"]) == ("COMPLETED", 40, 40, 0)
    assert result["totals"] == {"EUR": str(total)}
    assert ledgers.mails() == [f"c-{number:04}@example.com" for number in range(40)]
    assert sum(int(invoice["total"]["S"]) for invoice in ledgers.invoices().values()) == total
    for customer, invoice in ledgers.invoices().items():
        text = PdfReader(io.BytesIO(ledgers.read(invoice["pdfKey"]["S"]))).pages[0].extract_text()
        assert f"Invoice {PERIOD}-{customer}" in text
        assert f"{int(invoice['total']['S']) / 100:.2f} EUR" in text
    assert ledgers.records()["SUMMARY"]["state"] == {"S": "COMPLETED"}


def test_parent_and_child_find_each_other(ledgers: Books) -> None:
    ledgers.month(1)
    run = ledgers.run_task()
    described = ledgers.aws.client("stepfunctions").describe_execution(executionArn=run.child_execution_arn or "")
    assert described["name"].startswith("monthly-billing-20261201T000000Z-")
    assert json.loads(described["input"])["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"] == run.execution_arn


def test_one_customer_who_cannot_be_billed_does_not_stop_the_others(ledgers: Books) -> None:
    ledgers.month(3)
    ledgers.customers("c-0001", plan="withdrawn")
    ended = ledgers.run()
    assert (ended.output["state"], ended.output["invoices"], ended.output["failed"]) == ("COMPLETED_WITH_ERRORS", 2, 1)
    assert ended.output["customers"] == ["c-0001"]
    assert "'withdrawn'" in ledgers.records()["FAILURE#c-0001"]["why"]["S"]
    assert "failed:    1: c-0001" in ledgers.alert()


@pytest.mark.parametrize("owner", ["finance", pytest.param("", marks=pytest.mark.proof)])
def test_an_alert_reaches_whoever_hears_of_this_tasks_failures(ledgers: Books, owner: str) -> None:
    ledgers.month(2)
    ledgers.customers("c-0001", plan="withdrawn")
    ledgers.owned_by(owner)
    ledgers.run()
    said = {"kind": "told", "severity": "failed", "taskId": "monthly-billing", "owner": owner}
    assert ledgers.alert_attributes() == {name: value for name, value in said.items() if value}


@pytest.mark.proof
def test_one_bad_customer_in_a_thousand_is_one_failure_and_a_rerun_touches_one(ledgers: Books) -> None:
    ledgers.month(1000)
    ledgers.customers("c-0567", plan="withdrawn")
    ended = ledgers.run()
    assert (ended.output["invoices"], ended.output["mailed"], ended.output["failed"]) == (999, 999, 1)
    assert set(ledgers.records()) == {"SUMMARY", "FAILURE#c-0567"}
    ledgers.customers("c-0567")
    again = ledgers.run()
    assert (again.output["state"], again.output["invoices"], again.output["mailed"]) == ("COMPLETED", 1000, 1000)
    assert len([event for event in again.events if event["type"] == "MapIterationStarted"]) == 1
    assert len(ledgers.mails()) == 1000


def test_a_rerun_touches_only_who_has_no_invoice(ledgers: Books) -> None:
    ledgers.month(3)
    ledgers.customers("c-0001", plan="withdrawn")
    ledgers.run()
    before = ledgers.invoices()
    ledgers.customers("c-0001")
    ended = ledgers.run()
    assert (ended.output["state"], ended.output["invoices"]) == ("COMPLETED", 3)
    assert {customer: ledgers.invoices()[customer] for customer in before} == before
    assert ledgers.mails() == [f"c-{number:04}@example.com" for number in range(3)]
    assert set(ledgers.records()) == {"SUMMARY"}
    iterations = [event for event in ended.events if event["type"] == "MapIterationStarted"]
    assert len(iterations) == 1


def test_a_customer_whose_step_fails_is_recorded_and_the_others_are_billed(ledgers: Books) -> None:
    ledgers.month(3)
    ledgers.aws.client("s3").put_object(Bucket=ledgers.bucket, Key="other", Body=b"")
    ledgers.customers("c-0001")
    ledgers._put("Customers", {"customerId": "c-0001", "name": "x", "email": "no address", "planId": "plain"})
    ended = ledgers.run()
    assert (ended.output["state"], ended.output["invoices"], ended.output["mailed"]) == ("COMPLETED_WITH_ERRORS", 3, 2)
    assert ledgers.records()["FAILURE#c-0001"]["why"]["S"].startswith(("ClientError", "InvalidParameterValue"))
    ledgers.customers("c-0001")
    assert ledgers.run().output["state"] == "COMPLETED"
    assert ledgers.mails() == [f"c-{number:04}@example.com" for number in range(3)]


def test_usage_that_changes_after_the_invoice_fails_loudly_and_the_invoice_stays(ledgers: Books) -> None:
    ledgers.month(2)
    ledgers.run()
    before = ledgers.invoices()
    ledgers.usage([row("late", "c-0001", "1000")], name="late.csv")
    ended = ledgers.run()
    assert (ended.output["state"], ended.output["customers"]) == ("COMPLETED_WITH_ERRORS", ["c-0001"])
    assert ledgers.records()["FAILURE#c-0001"]["why"]["S"].startswith("InvoiceConflict: ")
    assert ledgers.invoices() == before
    assert len(ledgers.mails()) == 2


def test_many_customers_are_billed_page_by_page(paged: Books) -> None:
    paged.month(5)
    ended = paged.run()
    assert (ended.output["state"], ended.output["invoices"], ended.output["mailed"]) == ("COMPLETED", 5, 5)
    executions = paged.aws.client("stepfunctions").list_executions(
        stateMachineArn=paged.workflow.replace("workflow-billing", "workflow-billing-page")
    )["executions"]
    # A page is found by the name of its parent, which is in the keys of the run's files.
    parent = paged.keys("billing/")[0].split("/")[2]
    pages = {one["name"]: one["status"] for one in executions if one["name"].startswith(parent)}
    assert pages == {f"{parent}-{number:05}": "SUCCEEDED" for number in range(3)}


def test_a_page_that_dies_is_seen_and_a_rerun_bills_its_customers(paged: Books) -> None:
    paged.month(3)
    client = paged.aws.client("stepfunctions")
    page = paged.workflow.replace("workflow-billing", "workflow-billing-page")
    definition = client.describe_state_machine(stateMachineArn=page)["definition"]
    dead = json.loads(definition) | {"StartAt": "Dead", "States": {"Dead": {"Type": "Fail", "Error": "PowerCut"}}}

    def publish(definition: str) -> None:
        updated = client.update_state_machine(stateMachineArn=page, definition=definition, publish=True)
        routing: Any = [{"stateMachineVersionArn": updated["stateMachineVersionArn"], "weight": 100}]
        client.update_state_machine_alias(stateMachineAliasArn=live(page), routingConfiguration=routing)

    publish(json.dumps(dead))
    ended = paged.run()
    assert (ended.output["state"], ended.output["failed"]) == ("COMPLETED_WITH_ERRORS", 3)
    publish(definition)
    assert paged.run().output["state"] == "COMPLETED"
    assert paged.mails() == [f"c-{number:04}@example.com" for number in range(3)]


def test_ten_deliveries_of_one_slot_are_one_run(ledgers: Books) -> None:
    ledgers.month(3)
    threads = [threading.Thread(target=ledgers.run_task) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = ledgers.run_task()
    assert (run.status, run.duplicates) == (RunStatus.SUCCEEDED, 10)
    assert ledgers.mails() == [f"c-{number:04}@example.com" for number in range(3)]
    assert len(ledgers.invoices()) == 3


def test_three_runs_at_once_make_one_invoice_and_one_mail_for_each_customer(ledgers: Books) -> None:
    ledgers.month(4)
    threads = [threading.Thread(target=ledgers.run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledgers.run().output["state"] == "COMPLETED"
    assert ledgers.mails() == [f"c-{number:04}@example.com" for number in range(4)]
    assert len(ledgers.invoices()) == 4


def test_the_period_is_the_month_before_the_slot_whenever_it_runs(ledgers: Books) -> None:
    ledgers.plan()
    ledgers.customers("c-1")
    ledgers.usage([row("a", "c-1", "5", at="2026-02-03T00:00:00Z")], period="2026-02")
    ended = ledgers.run(slot="2026-03-01T00:00:00Z")
    assert (ended.output["period"], ended.output["invoices"]) == ("2026-02", 1)
    assert set(ledgers.invoices("2026-02")) == {"c-1"}
    assert SLOT > "2026-03", "the clock of the run is in December"


def test_what_cannot_be_billed_is_reported_with_its_line_and_holds_its_customer_and_nobody_else(
    ledgers: Books,
) -> None:
    ledgers.plan()
    overlapping = [{"from": "0", "to": "10", "unitPrice": "1"}, {"from": "9", "unitPrice": "2"}]
    ledgers.plan(planId="overlapping", meters={"calls": {"tiers": overlapping}})
    ledgers.customers("good", "negative", "unpriced")
    ledgers.customers("confused", plan="overlapping")
    ledgers.usage(
        [
            row("e-1", "good", "100"),
            row("e-1", "good", "100"),
            row("e-2", "negative", "-1"),
            row("e-3", "stranger", "5"),
            row("e-4", "unpriced", "5", meter="sms"),
            row("e-5", "confused", "5"),
        ]
    )
    ended = ledgers.run()
    assert (ended.output["state"], ended.output["invoices"], ended.output["mailed"]) == ("COMPLETED_WITH_ERRORS", 1, 1)
    # 10.00 and 100 calls at 0.015, with 19 %: the row that was there twice is billed once.
    assert ledgers.invoices()["good"]["total"] == {"S": "1369"}
    file = f"usage/{PERIOD}/usage.csv"
    why = {name: record["why"]["S"] for name, record in ledgers.records().items() if name != "SUMMARY"}
    assert why.keys() == {f"FAILURE#{name}" for name in ("negative", "stranger", "unpriced", "confused")}
    assert why["FAILURE#negative"].startswith(f"{file}, line 4: quantity: found '-1'")
    assert why["FAILURE#stranger"] == f"{file}, line 5: there is no customer stranger"
    assert "for which the price plan 'plain' has no price" in why["FAILURE#unpriced"]
    assert "tier 2 begins at 9 and overlaps the one before" in why["FAILURE#confused"]
    reported = [json.loads(line) for line in ledgers.read(ended.output["report"]).splitlines()]
    assert [(one["file"], one["line"], one["holds"]) for one in reported] == [(file, 3, False), (file, 4, True)]


def test_a_file_that_is_cut_off_ends_the_run_before_anybody_is_billed(ledgers: Books) -> None:
    ledgers.month(2)
    body = b"event_id,customer_id,meter,quantity,timestamp\ne-1,c-0001,calls,1,2026-11-"
    ledgers.aws.client("s3").put_object(Bucket=ledgers.bucket, Key=f"usage/{PERIOD}/z.csv", Body=body)
    ended = ledgers.run()
    assert ended.status == "FAILED"
    assert "UsageCutOff" in ended.cause
    assert f"usage/{PERIOD}/z.csv is cut off in line 2" in ended.cause
    assert (ledgers.invoices(), ledgers.mails()) == ({}, [])


def test_a_month_without_files_fails_and_says_where_they_are_expected(ledgers: Books) -> None:
    ledgers.plan()
    ledgers.customers("c-1")
    ended = ledgers.run()
    assert "NoUsageFiles" in ended.cause
    assert "usage/2026-11/" in ended.cause


def test_a_month_without_events_bills_what_is_due_all_the_same(ledgers: Books) -> None:
    ledgers.plan()
    ledgers.customers("c-1")
    ledgers.usage([])
    assert ledgers.run().output["totals"] == {"EUR": "1190"}


def test_a_page_stays_far_below_the_limits_of_an_execution(paged: Books) -> None:
    paged.month(1)
    one = len(paged.run().events)
    paged.customers("c-1001", "c-1002")
    two = len(paged.run().events)
    per_customer = two - one
    assert 0 < per_customer <= 14
    assert one + 249 * per_customer <= 5000
    # A page's list is what the largest state holds: 250 customers, with the longest ids there are.
    page = [{"customerId": "x" * 64, "range": "bytes=100000-100999"}] * 250
    assert len(json.dumps(page)) <= 64 * 1024

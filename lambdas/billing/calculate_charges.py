"""CalculateCharges: what each customer is to be charged, page by page, and who cannot be and why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from lambdas.billing.billing_records import BillingRecords, Failure
from lambdas.billing.charges import Charge, charge
from lambdas.billing.customers import Customer, Customers
from lambdas.billing.errors import InvalidPlan, NoPrice
from lambdas.billing.invoices import Invoice, Invoices, MailState
from lambdas.billing.plans import Plan
from lambdas.billing.usage import problems_of
from lambdas.billing.work import PAGE_SIZE, BillingStep, Files, charges_key, json_line, page_key
from orchestrator.handlers.invocation import Result, client, logger, metrics, step_handler
from orchestrator.stack import DATA_BUCKET, STACK, Stack

#: A reason in a record of failure is not longer.
_LONGEST_WHY = 500


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services that the step reads and writes through."""

    files: Files
    customers: Customers
    invoices: Invoices
    records: BillingRecords


@step_handler(BillingStep)
def handler(step: BillingStep) -> Result:
    stack, dynamodb = Stack(name=os.environ[STACK]), client("dynamodb")
    services = Services(
        files=Files(client("s3"), os.environ[DATA_BUCKET]),
        customers=Customers(dynamodb, stack),
        invoices=Invoices(dynamodb, stack),
        records=BillingRecords(dynamodb, stack),
    )
    result = calculate_charges(step, services, page_size=int(os.environ[PAGE_SIZE]))
    metrics.add_metric("CustomersHeld", MetricUnit.Count, result["held"])
    logger.info(f"Charges of {result['customers']} customers, {result['held']} held", action="charges_calculated")
    return result


def calculate_charges(step: BillingStep, services: Services, *, page_size: int) -> Result:
    """Writes the charges of everybody who is still to be invoiced or mailed, in pages, and a failure for each held.

    A customer with nothing to pay for gets no invoice; one who has been invoiced and mailed for just this is done. The
    failures of earlier runs of the period are forgotten first: what is still wrong is found again.
    """
    for failure in list(services.records.failures(step.period)):
        services.records.forget_failure(step.period, failure)
    judged = _Judged(step, services)
    pages = customers = 0
    charges = iter(judged)
    while page := list(islice(charges, page_size)):
        _write_page(services.files, step.work, pages, page)
        pages, customers = pages + 1, customers + len(page)
    return {
        "pages": pages,
        "customers": customers,
        "done": judged.done,
        "nothing": judged.nothing,
        "held": judged.held,
    }


class _Judged:
    """Goes through all customers, and yields the charges of those who are to be billed."""

    def __init__(self, step: BillingStep, services: Services) -> None:
        self.done = self.nothing = self.held = 0
        self._step = step
        self._records = services.records
        self._customers = services.customers.all()
        self._plans = services.customers.plans()
        self._invoices = {invoice.customer_id: invoice for invoice in services.invoices.of_period(step.period)}
        self._problems = problems_of(services.files.values(f"{step.work}problems.jsonl"))
        self._usage = {value["customerId"]: value for value in services.files.values(f"{step.work}usage.jsonl")}

    def __iter__(self) -> Iterator[Charge]:
        for customer_id in sorted(self._customers.keys() | self._usage.keys() | self._problems.keys()):
            judged = self._judge(customer_id)
            if isinstance(judged, Charge):
                if not judged.lines:
                    self.nothing += 1
                elif _is_done(self._invoices.get(customer_id), judged):
                    self.done += 1
                else:
                    yield judged
            else:
                self.held += 1
                self._records.put_failure(
                    self._step.period, Failure(customer_id=customer_id, why=judged[:_LONGEST_WHY])
                )

    def _judge(self, customer_id: str) -> Charge | str:
        """The customer's charge, or why there is none."""
        used: Mapping[str, Any] = self._usage.get(customer_id, {"usage": {}})
        customer: Customer | None = self._customers.get(customer_id)
        if customer is None:
            where = f"{used['file']}, line {used['line']}: " if "file" in used else f"{self._problems[customer_id]}; "
            return f"{where}there is no customer {customer_id}"
        if customer_id in self._problems:
            return self._problems[customer_id]
        plan: Plan | InvalidPlan | None = self._plans.get(customer.plan_id)
        if plan is None:
            return f"{customer_id} has the price plan {customer.plan_id!r}, which there is not"
        if isinstance(plan, InvalidPlan):
            return str(plan)
        if not customer.email:
            return "the customer has no e-mail address"
        usage = {meter: Decimal(quantity) for meter, quantity in used["usage"].items()}
        try:
            return charge(customer_id, self._step.period, plan, usage)
        except NoPrice as fault:
            return str(fault)


def _is_done(invoice: Invoice | None, charge: Charge) -> bool:
    return invoice is not None and invoice.mail is MailState.SENT and invoice.inputs_hash == charge.inputs_hash


def _write_page(files: Files, work: str, number: int, page: list[Charge]) -> None:
    """The charges, and for each customer where in that file they are: a state machine can hold the latter."""
    lines, places, at = [], [], 0
    for one in page:
        line = json_line(one.to_value())
        places.append({"customerId": one.customer_id, "range": f"bytes={at}-{at + len(line) - 1}"})
        lines.append(line)
        at += len(line)
    files.write(charges_key(work, number), b"".join(lines), "application/x-ndjson")
    files.write(page_key(work, number), json.dumps(places, separators=(",", ":")).encode())

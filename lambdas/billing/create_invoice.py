"""CreateInvoice: one customer's invoice for the period, a record and a PDF; the same one however often it runs."""

from __future__ import annotations

import json
import os

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import AwareDatetime

from lambdas.billing.charges import Charge
from lambdas.billing.customers import Customers
from lambdas.billing.errors import InvoiceConflict
from lambdas.billing.invoices import Invoice, Invoices, pdf_key
from lambdas.billing.money import written
from lambdas.billing.rendering import invoice_pdf
from lambdas.billing.work import BillingStep, Files, charges_key
from orchestrator.handlers.invocation import Result, client, metrics, step_handler
from orchestrator.stack import DATA_BUCKET, STACK, Stack


class CreateInvoice(BillingStep):
    customer_id: str
    #: Which page of the charges, and where on it.
    page: int
    range: str
    slot: AwareDatetime


@step_handler(CreateInvoice)
def handler(step: CreateInvoice) -> Result:
    stack, dynamodb = Stack(name=os.environ[STACK]), client("dynamodb")
    files = Files(client("s3"), os.environ[DATA_BUCKET])
    result = create_invoice(step, files, Customers(dynamodb, stack), Invoices(dynamodb, stack))
    metrics.add_metric("InvoicesCreated", MetricUnit.Count, int(result["created"]))
    return result


def create_invoice(step: CreateInvoice, files: Files, customers: Customers, invoices: Invoices) -> Result:
    """Whether an invoice was made; if there was one from the same charge, nothing is written.

    The PDF is written before the record: an invoice that is on record has one. Raises :class:`InvoiceConflict`.
    """
    charge = Charge.from_value(json.loads(files.part(charges_key(step.work, step.page), step.range)))
    if existing := invoices.get(charge.customer_id, charge.period):
        _refuse_another(existing, charge)
        return {"created": False}
    customer = customers.get(charge.customer_id)
    name = customer.name if customer else charge.customer_id
    key = pdf_key(charge.customer_id, charge.period)
    files.write(key, invoice_pdf(charge, name=name, created=step.slot), "application/pdf")
    if not invoices.create(charge, slot=step.slot.isoformat()):
        # Another execution was faster; if it charged otherwise, somebody must know.
        if meanwhile := invoices.get(charge.customer_id, charge.period):
            _refuse_another(meanwhile, charge)
        return {"created": False}
    return {"created": True}


def _refuse_another(existing: Invoice, charge: Charge) -> None:
    if existing.inputs_hash != charge.inputs_hash:
        raise InvoiceConflict(
            charge.customer_id,
            charge.period,
            written(existing.total, existing.currency),
            written(charge.total, charge.currency),
        )

"""UpdateBillingRecords: how the period stands, counted from the invoices themselves."""

from __future__ import annotations

import os
from collections import Counter
from itertools import islice

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import AwareDatetime

from lambdas.billing.billing_records import BillingRecords, BillingState
from lambdas.billing.invoices import Invoices, MailState
from lambdas.billing.work import BillingStep
from orchestrator.handlers.invocation import Result, client, logger, metrics, step_handler
from orchestrator.stack import STACK, Stack

#: So many customers are named in the result and the alert; the table has them all.
_NAMED = 10


class UpdateBillingRecords(BillingStep):
    slot: AwareDatetime
    #: How many customers were to be invoiced or mailed in this run, and how many were done before.
    customers: int
    done: int
    #: Rows of usage that could not be billed.
    problems: int


@step_handler(UpdateBillingRecords)
def handler(step: UpdateBillingRecords) -> Result:
    stack, dynamodb = Stack(name=os.environ[STACK]), client("dynamodb")
    result = update_billing_records(step, Invoices(dynamodb, stack), BillingRecords(dynamodb, stack))
    metrics.add_metric("CustomersFailed", MetricUnit.Count, result["failed"])
    logger.info(f"{result['period']}: {result['state']}", action="period_recorded")
    return result


def update_billing_records(step: UpdateBillingRecords, invoices: Invoices, records: BillingRecords) -> Result:
    """Writes the period's record: invoices, mails, totals by currency in minor units, and how many failed."""
    count = mailed = 0
    totals: Counter[str] = Counter()
    for invoice in invoices.of_period(step.period):
        count += 1
        mailed += invoice.mail is MailState.SENT
        totals[invoice.currency] += invoice.total
    failures = list(records.failures(step.period))
    unmailed = max(0, step.customers + step.done - mailed)
    failed = max(len(failures), unmailed)
    state = BillingState.COMPLETED_WITH_ERRORS if failed or step.problems else BillingState.COMPLETED
    sums = {currency: str(total) for currency, total in sorted(totals.items())}
    records.put_summary(
        step.period,
        {
            "state": state,
            "invoices": count,
            "mailed": mailed,
            "failed": failed,
            "problems": step.problems,
            "totals": sums,
            "work": step.work,
            "slot": step.slot.isoformat(),
        },
    )
    return {
        "state": state,
        "period": step.period,
        "invoices": count,
        "mailed": mailed,
        "failed": failed,
        "problems": step.problems,
        "totals": sums,
        "customers": [failure.customer_id for failure in islice(failures, _NAMED)],
        "report": f"{step.work}problems.jsonl",
    }

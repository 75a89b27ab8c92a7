"""SendInvoiceEmail: the invoice to the customer, once.

SES takes a mail and forgets that it was asked: there is no token by which it would know a second request. So the
invoice is the outbox. The mail is taken on by a conditional write, sent by a client that never repeats a request, and
recorded as sent. Whoever finds a mail that was taken on and not recorded, because a function died between the two, asks
what SES itself has published: an event for each mail it accepted, tagged with the invoice. Only if there is none after
a while, the mail is sent again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError
from pydantic import AwareDatetime

from lambdas.billing.customers import Customers
from lambdas.billing.errors import MailInDoubt
from lambdas.billing.invoices import Invoice, Invoices, MailState, moment
from lambdas.billing.rendering import invoice_mail
from lambdas.billing.work import BillingStep, Files
from orchestrator.handlers.invocation import Result, client, client_that_tries_once, metrics, setting, step_handler
from orchestrator.stack import DATA_BUCKET, MAIL_FROM, STACK, Stack

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_ses import SESClient

#: Longer than the function may run and SES's events take: by then a mail that went out is known to have.
DOUBT = timedelta(minutes=5)

#: The tag that says in SES's events which invoice a mail carries. SES takes letters, digits, - and _.
TAG = "invoice"

#: Whether SES has accepted the mail of an invoice.
Accepted = Callable[[Invoice], bool]


class SendInvoiceEmail(BillingStep):
    customer_id: str
    #: What time it is, by the state machine's clock.
    now: AwareDatetime


@step_handler(SendInvoiceEmail)
def handler(step: SendInvoiceEmail) -> Result:
    stack, dynamodb = Stack(name=os.environ[STACK]), client("dynamodb")
    outbox = Outbox(
        files=Files(client("s3"), os.environ[DATA_BUCKET]),
        customers=Customers(dynamodb, stack),
        invoices=Invoices(dynamodb, stack),
        ses=client_that_tries_once("ses"),
        sender=setting(MAIL_FROM, "MailFrom"),
        configuration_set=stack.mail_events,
        accepted=lambda invoice: accepted_by_ses(client("logs"), stack, invoice),
    )
    result = outbox.send(step)
    metrics.add_metric("InvoicesMailed", MetricUnit.Count, int(result["mailed"]))
    return result


class Outbox:
    """The mails that go with invoices."""

    def __init__(
        self,
        *,
        files: Files,
        customers: Customers,
        invoices: Invoices,
        ses: SESClient,
        sender: str,
        configuration_set: str,
        accepted: Accepted,
    ) -> None:
        self._files = files
        self._customers = customers
        self._invoices = invoices
        self._ses = ses
        self._sender = sender
        self._configuration_set = configuration_set
        self._accepted = accepted

    def send(self, step: SendInvoiceEmail) -> Result:
        """Whether this call sent it. Raises :class:`MailInDoubt` while nobody can know whether it has gone out."""
        invoice = self._invoices.get(step.customer_id, step.period)
        assert invoice is not None, "an invoice is made before it is mailed"
        if invoice.mail is MailState.SENT:
            return {"mailed": False}
        if invoice.mail is MailState.SENDING:
            if step.now < moment(invoice.claimed_at) + DOUBT:
                raise MailInDoubt(step.customer_id, step.period)
            if self._accepted(invoice):
                self._invoices.mail_sent(invoice)
                return {"mailed": False}
        if not self._invoices.claim_mail(invoice, step.now):
            # Somebody else has taken it on in this moment.
            raise MailInDoubt(step.customer_id, step.period)
        self._hand_over(invoice, step.now)
        self._invoices.mail_sent(invoice, step.now)
        return {"mailed": True}

    def _hand_over(self, invoice: Invoice, claimed: datetime) -> None:
        customer = self._customers.get(invoice.customer_id)
        assert customer is not None, "a customer who was charged is a customer"
        mail = invoice_mail(
            invoice,
            sender=self._sender,
            recipient=customer.email,
            name=customer.name,
            pdf=self._files.read(invoice.pdf_key),
        )
        try:
            self._ses.send_raw_email(
                Source=self._sender,
                Destinations=[customer.email],
                RawMessage={"Data": mail},
                ConfigurationSetName=self._configuration_set,
                Tags=[{"Name": TAG, "Value": tag_of(invoice)}],
            )
        except ClientError as fault:
            # SES has answered, and refused it. Without an answer the mail stays taken on, and in doubt.
            if fault.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                self._invoices.release_mail(invoice, claimed)
            raise


def tag_of(invoice: Invoice) -> str:
    """The same for every mail of an invoice, and for no other invoice's."""
    return f"{invoice.period}_{invoice.inputs_hash[:32]}"


def accepted_by_ses(logs: CloudWatchLogsClient, stack: Stack, invoice: Invoice) -> bool:
    """Whether SES's events, which a rule writes into a log group, hold one of this invoice: it has one mail, ever."""
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=stack.mail_events_log,
        filterPattern=f'"{tag_of(invoice)}"',
    )
    return any(page["events"] for page in pages)

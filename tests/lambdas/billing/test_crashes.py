"""Whatever write a run dies after, the next one completes the month: one invoice and one mail for each customer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from lambdas.billing.billing_records import BillingRecords
from lambdas.billing.calculate_charges import Services, calculate_charges
from lambdas.billing.create_invoice import CreateInvoice, create_invoice
from lambdas.billing.customers import Customers
from lambdas.billing.errors import MailInDoubt
from lambdas.billing.fetch_usage_data import FetchUsage, fetch_usage_data
from lambdas.billing.invoices import Invoices, MailState
from lambdas.billing.send_invoice_email import Outbox, SendInvoiceEmail, accepted_by_ses
from lambdas.billing.update_billing_records import UpdateBillingRecords, update_billing_records
from lambdas.billing.work import BillingStep, Files, page_key
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing import assert_idempotent
from tests.testbed.billing import PERIOD, SLOT, STACK, Books, books

NOW = datetime(2026, 12, 1, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "PutObject", "SendRawEmail")


class PowerCutError(Exception):
    """The process is gone, and what it has written is written."""


class Run:
    """The steps of a month in their order, as the state machine has them, in a process that dies after a write."""

    def __init__(self, aws: EmbeddedAws, bucket: str, *, dies_after: int | None = None) -> None:
        self.writes = 0
        self._dies_after = dies_after
        session = boto3.Session(aws_access_key_id="embedded", aws_secret_access_key="embedded", region_name=aws.region)
        # Of each operation, because a wildcard would count the reads as well.
        for operation in WRITES:
            session.events.register(f"after-call.*.{operation}", self._count)
        self._client: Any = lambda service: session.client(service, endpoint_url=aws.endpoint)
        dynamodb = self._client("dynamodb")
        self.files = Files(self._client("s3"), bucket)
        self.customers = Customers(dynamodb, STACK)
        self.invoices = Invoices(dynamodb, STACK)
        self.records = BillingRecords(dynamodb, STACK)
        logs = self._client("logs")
        self.outbox = Outbox(
            files=self.files,
            customers=self.customers,
            invoices=self.invoices,
            ses=self._client("ses"),
            sender="billing@example.com",
            configuration_set=STACK.mail_events,
            accepted=lambda invoice: accepted_by_ses(logs, STACK, invoice),
        )

    def _count(self, **_: Any) -> None:
        self.writes += 1
        if self.writes == self._dies_after:
            raise PowerCutError

    def month(self, execution: str, now: datetime) -> dict[str, Any]:
        """To its end; raises PowerCutError where it dies."""
        slot = datetime.fromisoformat(SLOT)
        fetched = fetch_usage_data(FetchUsage(slot=slot, timezone="UTC", execution=execution), self.files)
        step = {"period": fetched["period"], "work": fetched["work"]}
        services = Services(files=self.files, customers=self.customers, invoices=self.invoices, records=self.records)
        charged = calculate_charges(BillingStep(**step), services, page_size=2)
        for page in range(charged["pages"]):
            for place in json.loads(self.files.read(page_key(fetched["work"], page))):
                customer = {**step, "customerId": place["customerId"]}
                create_invoice(
                    CreateInvoice(**customer, page=page, range=place["range"], slot=slot),
                    self.files,
                    self.customers,
                    self.invoices,
                )
                self.outbox.send(SendInvoiceEmail(**customer, now=now))
        given = {"customers": charged["customers"], "done": charged["done"], "problems": fetched["problems"]}
        update = UpdateBillingRecords(**step, slot=slot, **given)
        return update_billing_records(update, self.invoices, self.records)


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws) -> Iterator[Books]:
    with books(embedded_aws) as made:
        yield made


@pytest.fixture
def ledgers(deployed: Books) -> Books:
    deployed.clear()
    deployed.month(2)
    return deployed


def completed(ledgers: Books) -> bool:
    """Whether everybody has one invoice with a PDF, and one mail."""
    invoices = ledgers.invoices()
    assert len(invoices) == 2
    assert {invoice["mail"]["S"] for invoice in invoices.values()} == {MailState.SENT}
    assert ledgers.mails() == [f"{customer}@example.com" for customer in sorted(invoices)]
    assert ledgers.keys("invoices/") == [f"invoices/{PERIOD}/{customer}.pdf" for customer in sorted(invoices)]
    return True


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.proof)])
def test_a_run_that_dies_after_any_of_its_writes_is_completed_by_the_next(ledgers: Books, every: int) -> None:
    whole = Run(ledgers.aws, ledgers.bucket)
    assert whole.month("whole", NOW)["state"] == "COMPLETED"
    assert completed(ledgers)
    # usage, problems; a page and its charges; PDF, invoice, claim, mail and its record for each of two; the period
    assert whole.writes == 2 + 2 + 2 * 5 + 1
    for number in range(1, whole.writes + 1, every):
        ledgers.clear()
        ledgers.month(2)
        with pytest.raises(PowerCutError):
            Run(ledgers.aws, ledgers.bucket, dies_after=number).month("first", NOW)
        again = Run(ledgers.aws, ledgers.bucket).month("second", NOW + AN_HOUR)
        assert again["state"] == "COMPLETED", f"it died after write {number}"
        assert completed(ledgers)


@pytest.mark.proof
def test_a_month_is_idempotent_as_users_ask_their_own_handlers(ledgers: Books) -> None:
    def handler(event: tuple[str, datetime], context: object) -> None:
        Run(ledgers.aws, ledgers.bucket).month(*event)

    def begin() -> None:
        ledgers.clear()
        ledgers.month(1)

    writes = assert_idempotent(
        handler,
        ("first", NOW),
        aws=ledgers.aws,
        again=("second", NOW + AN_HOUR),
        prepare=begin,
        # Each execution has working files of its own, and the month's record says where.
        ignore=["s3 * billing/*", "dynamodb *-BillingRecords * SUMMARY"],
    )
    assert writes == 2 + 2 + 5 + 1


def test_a_run_that_dies_twice_is_completed_too(ledgers: Books) -> None:
    for number, dies_after in enumerate((8, 7)):
        with pytest.raises(PowerCutError):
            Run(ledgers.aws, ledgers.bucket, dies_after=dies_after).month(str(number), NOW + number * AN_HOUR)
    assert Run(ledgers.aws, ledgers.bucket).month("third", NOW + 2 * AN_HOUR)["state"] == "COMPLETED"
    assert completed(ledgers)


def test_a_mail_that_was_begun_just_now_is_in_doubt_and_not_sent_again(ledgers: Books) -> None:
    # The fourth write of a customer is the mail itself.
    with pytest.raises(PowerCutError):
        Run(ledgers.aws, ledgers.bucket, dies_after=2 + 2 + 4).month("first", NOW)
    with pytest.raises(MailInDoubt, match=r"c-0000 for 2026-11 was begun and not recorded"):
        Run(ledgers.aws, ledgers.bucket).month("second", NOW + timedelta(minutes=1))
    assert ledgers.mails() == ["c-0000@example.com"]


def test_a_mail_that_ses_refuses_is_pending_again(ledgers: Books) -> None:
    run = Run(ledgers.aws, ledgers.bucket)
    ledgers._put("Customers", {"customerId": "c-0000", "name": "x", "email": "no address", "planId": "plain"})
    with pytest.raises(Exception, match=r"InvalidParameterValue|no address"):
        run.month("first", NOW)
    invoice = run.invoices.get("c-0000", PERIOD)
    assert invoice is not None
    assert invoice.mail is MailState.PENDING

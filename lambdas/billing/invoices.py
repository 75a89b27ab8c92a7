"""Invoices: one for each customer and period, whoever asks for it and however often.

The key is the period and the customer, and the first write takes it or fails: it is that condition which keeps an
invoice from being made twice, at any time, where a cache of what was done would forget. The invoice is its own outbox:
its mail is PENDING, SENDING once somebody has taken it on, and SENT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lambdas.billing.charges import Charge
from lambdas.billing.work import INVOICES
from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

TABLE = "Invoices"


class MailState(StrEnum):
    """The states of the mail with an invoice."""

    PENDING = "PENDING"
    #: Somebody is sending it, or died over it.
    SENDING = "SENDING"
    SENT = "SENT"


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """An invoice as the table has it; amounts are in minor units."""

    customer_id: str
    period: str
    inputs_hash: str
    currency: str
    subtotal: int
    tax: int
    total: int
    mail: MailState
    #: When the mail was taken on; seconds since 1970, 0 if it was not.
    claimed_at: int = 0

    @property
    def number(self) -> str:
        """The invoice's number, which the customer sees."""
        return invoice_number(self.customer_id, self.period)

    @property
    def pdf_key(self) -> str:
        return pdf_key(self.customer_id, self.period)


def invoice_number(customer_id: str, period: str) -> str:
    return f"{period}-{customer_id}"


def pdf_key(customer_id: str, period: str) -> str:
    """Returns the key of the invoice's PDF in the data bucket."""
    return f"{INVOICES}{period}/{customer_id}.pdf"


class Invoices:
    """The table, through boto3's low-level client."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.table(TABLE)

    def get(self, customer_id: str, period: str) -> Invoice | None:
        answer = self._client.get_item(TableName=self._table, Key=_key(customer_id, period), ConsistentRead=True)
        return _invoice(answer["Item"]) if "Item" in answer else None

    def of_period(self, period: str) -> Iterator[Invoice]:
        """All of a period, by customer, as they are at this moment."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="#period = :period",
            ExpressionAttributeNames={"#period": "period"},
            ExpressionAttributeValues=to_item({":period": period}),
        )
        for page in pages:
            yield from map(_invoice, page["Items"])

    def create(self, charge: Charge, *, slot: str) -> bool:
        """Writes the invoice unless there is one of this customer and period; whether it was written."""
        item = to_item(
            charge.to_value()
            | {
                "subtotal": str(charge.subtotal),
                "total": str(charge.total),
                "inputsHash": charge.inputs_hash,
                "slot": slot,
                "mail": MailState.PENDING,
                "pdfKey": pdf_key(charge.customer_id, charge.period),
            }
        )
        condition = "attribute_not_exists(customerId)"
        try:
            self._client.put_item(TableName=self._table, Item=item, ConditionExpression=condition)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def claim_mail(self, invoice: Invoice, now: datetime) -> bool:
        """Takes the mail on, if it is as far as ``invoice`` says and nobody has taken it on since."""
        return self._set_mail(invoice, MailState.SENDING, claimed_at=int(now.timestamp()))

    def release_mail(self, invoice: Invoice, claimed: datetime) -> bool:
        """Gives back a mail that was taken on at that time and certainly has not gone out."""
        return self._set_mail(_claimed(invoice, claimed), MailState.PENDING, claimed_at=0)

    def mail_sent(self, invoice: Invoice, claimed: datetime | None = None) -> bool:
        """Records that the mail has gone out."""
        return self._set_mail(_claimed(invoice, claimed) if claimed else invoice, MailState.SENT)

    def _set_mail(self, invoice: Invoice, to: MailState, *, claimed_at: int | None = None) -> bool:
        at = invoice.claimed_at if claimed_at is None else claimed_at
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(invoice.customer_id, invoice.period),
                **update(
                    {"mail": to, "claimedAt": at},
                    values={"from": invoice.mail, "was": invoice.claimed_at},
                    condition="#mail = :from AND (attribute_not_exists(#claimedAt) OR #claimedAt = :was)",
                ),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(customer_id: str, period: str) -> dict[str, Any]:
    return to_item({"customerId": customer_id, "period": period})


def _claimed(invoice: Invoice, at: datetime) -> Invoice:
    return replace(invoice, mail=MailState.SENDING, claimed_at=int(at.timestamp()))


def _invoice(item: dict[str, Any]) -> Invoice:
    fields = Fields(item)
    return Invoice(
        customer_id=fields.get("customerId", str),
        period=fields.get("period", str),
        inputs_hash=fields.get("inputsHash", str),
        currency=fields.get("currency", str),
        # Amounts are text: no reader of the table makes a float of them.
        subtotal=int(fields.get("subtotal", str)),
        tax=int(fields.get("tax", str)),
        total=int(fields.get("total", str)),
        mail=MailState(fields.get("mail", str)),
        claimed_at=fields.find("claimedAt", int) or 0,
    )


def moment(seconds: int) -> datetime:
    """When a mail was taken on."""
    return datetime.fromtimestamp(seconds, UTC)

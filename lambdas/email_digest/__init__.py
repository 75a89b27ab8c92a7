"""Task ``lambda/email-digest``: the last period of the ledger as one mail.

A run sends its mail once, whichever attempt it is, unless the function dies between SES's answer and the record of it.
Addresses go to SES and nowhere else: not into logs, results or errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, StringConstraints

from lambdas.email_digest.digest import Digest, summarise
from lambdas.email_digest.rendering import subject, to_html, to_text
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import Result, client, logger, metrics, setting, task_handler
from orchestrator.instants import order, slot_text
from orchestrator.runs.run import TERMINAL, Run
from orchestrator.stack import IDEMPOTENCY_TABLE, MAIL_FROM, STACK, Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.task import LONGEST_RUN_SECONDS

if TYPE_CHECKING:
    from types_boto3_ses import SESClient

#: Not what an address is, but what none can be without.
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254)]


class DigestParams(Params):
    #: "SendEmail": at most 50 recipients of one message.
    recipients: tuple[Address, ...] = Field(min_length=1, max_length=50)
    #: How long the period is that ends with the slot.
    hours: int = Field(default=24, ge=1, le=24 * 31)
    #: Only these tasks; all of them if it is left out.
    task_ids: tuple[str, ...] | None = Field(default=None, min_length=1)


@task_handler("lambda/email-digest", DigestParams)
def handler(event: TaskEvent[DigestParams], context: LambdaContext) -> Result:
    sender = setting(MAIL_FROM, "MailFrom")
    ledger = Ledger(client("dynamodb"), Stack(name=os.environ[STACK]))

    def send(*, run_key: str) -> Result:
        digest = digest_of(event, ledger)
        send_digest(digest, event.params.recipients, ses=client("ses"), sender=sender)
        metrics.add_metric("DigestsSent", MetricUnit.Count, 1)
        logger.info(f"Sent the digest of {digest.total} runs", action="digest_sent")
        return {"total": digest.total, "counts": digest.counts, "recipients": len(event.params.recipients)}

    once = idempotent_function(
        send,
        data_keyword_argument="run_key",
        key_prefix="email-digest",
        persistence_store=DynamoDBPersistenceLayer(os.environ[IDEMPOTENCY_TABLE], boto3_client=client("dynamodb")),
        # For as long as a run can last; the default, an hour, is less than its retries may take.
        config=IdempotencyConfig(
            expires_after_seconds=LONGEST_RUN_SECONDS, hash_function="sha256", lambda_context=context
        ),
    )
    result: Result = once(run_key=event.run_key)
    return result


def digest_of(event: TaskEvent[DigestParams], ledger: Ledger) -> Digest:
    """The runs of the hours before the slot, the slot included, that have ended."""
    params = event.params
    since, until = slot_text(event.slot - timedelta(hours=params.hours)), slot_text(event.slot)

    def runs() -> Iterator[Run]:
        for status in sorted(TERMINAL):
            # The index begins with ``since`` itself, which the period before has told of.
            for run in ledger.with_status(status, since=since, until=until):
                if order(run.slot) > order(since) and (params.task_ids is None or run.task_id in params.task_ids):
                    yield run

    return summarise(runs(), since=since, until=until)


def send_digest(digest: Digest, recipients: tuple[str, ...], *, ses: SESClient, sender: str) -> None:
    """One mail to all recipients."""
    ses.send_email(
        Source=sender,
        Destination={"ToAddresses": list(recipients)},
        Message={
            "Subject": {"Data": subject(digest), "Charset": "UTF-8"},
            "Body": {
                "Text": {"Data": to_text(digest), "Charset": "UTF-8"},
                "Html": {"Data": to_html(digest), "Charset": "UTF-8"},
            },
        },
    )

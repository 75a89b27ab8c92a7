"""Takes alerts to where SNS does not deliver: to webhooks, in the shape of each provider, and to other topics.

Its queue gets every message of the alerts topic, once, whoever wants it. What several want is put back into the queue
once for each, so that what one of them does not take now is tried again for that one alone. What is given up at last is
in the queue that nobody's handler empties, which has an alarm. A URL or a key is never logged.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.errors import WebhookRefused, WebhookUnavailable
from orchestrator.handlers.invocation import client, logger, metrics, observed, stack
from orchestrator.runs.destinations import FORWARDED, Destination, Kind, reference
from orchestrator.runs.webhooks import Notification, payload
from orchestrator.stack import sibling
from orchestrator.stores.secrets import plain
from orchestrator.stores.subscriptions import PROTOCOLS, Destinations

if TYPE_CHECKING:
    from types_boto3_sns.type_defs import MessageAttributeValueTypeDef

# A message that is not taken now comes again, and is no fault of this function.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

#: Of one request, in seconds.
_TIMEOUT = 10

#: Before the second attempt, and before the third; the queue then brings the message again, minutes later.
_DELAYS = (1.0, 3.0)

#: Statuses after which the same request may be answered otherwise.
_PASSING = frozenset({408, 425, 429, *range(500, 600)})

_HERE = ("127.0.0.1", "localhost")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A webhook that sends elsewhere is not the one that somebody has trusted with alerts."""

    def redirect_request(self, *_: Any) -> None:
        return None


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles its queue: messages of the topic, and those that it has put back for one destination."""

    def handle(record: SQSRecord) -> None:
        body = json.loads(record.body)
        if "for" in body:
            take(body["notification"], body["for"], context.invoked_function_arn)
        else:
            distribute(body, str(record.event_source_arn), context.invoked_function_arn)

    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


def distribute(envelope: dict[str, Any], queue: str, here: str) -> None:
    """Sends to all who want it: at once if that is one, else by one message for each."""
    notification = Notification.of(envelope)
    wanted = [key for key, one in _reached().items() if one.hears(notification.said)]
    if len(wanted) == 1:
        take(envelope, wanted[0], here)
        return
    for key in wanted:
        _send(queue, {"for": key, "notification": envelope})


def take(envelope: dict[str, Any], key: str, here: str) -> None:
    """Takes a message to a destination that is still declared.

    Raises :class:`WebhookUnavailable` for the queue to bring it again. What is refused would be refused again: it is
    kept with what nobody could deal with.
    """
    destination = _reached().get(key)
    if destination is None:
        logger.info("it is no longer told", destination=key)
        return
    notification = Notification.of(envelope)
    if destination.kind is Kind.SNS:
        forward(envelope, destination.address)
        return
    url, routing_key = _plain(destination.address), _plain(destination.routing_key)
    body = payload(notification, destination.format, stack=stack().name, routing_key=routing_key)
    logger.append_keys(destination=key, format=destination.format, message_id=notification.id)
    try:
        deliver(url, json.dumps(body, ensure_ascii=False).encode(), time.sleep)
    except WebhookRefused as refused:
        logger.error("the webhook refuses the alert", answer=refused.said)
        metrics.add_metric(name="AlertsRefused", unit=MetricUnit.Count, value=1)
        _send(sibling(here, "sqs", stack().handler_failures), {"for": key, "notification": envelope})
        return
    logger.info("told")


def forward(envelope: dict[str, Any], topic: str) -> None:
    """Forwards to another topic what does not come from one: two of them would tell each other for ever."""
    given = envelope.get("MessageAttributes") or {}
    if FORWARDED in given:
        logger.warning("it comes from another topic, and goes to none", topic=topic)
        return
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        name: {"DataType": one["Type"], "StringValue": one["Value"]} for name, one in given.items()
    }
    attributes[FORWARDED] = {"DataType": "String", "StringValue": stack().name}
    subject = {"Subject": envelope["Subject"]} if envelope.get("Subject") else {}
    client("sns").publish(
        TopicArn=topic,
        Message=envelope["Message"],
        MessageAttributes=attributes,
        **subject,
    )
    logger.info("told", topic=topic)


def deliver(url: str, body: bytes, sleep: Callable[[float], object]) -> None:
    """Posts JSON, three times at most. Raises :class:`WebhookRefused` and :class:`WebhookUnavailable`."""
    for delay in (*_DELAYS, None):
        said = _post(url, body)
        if isinstance(said, int) and 200 <= said < 300:
            return
        if isinstance(said, int) and said not in _PASSING:
            raise WebhookRefused(said)
        if delay is None:
            raise WebhookUnavailable(said)
        sleep(delay)


def _post(url: str, body: bytes) -> int | str:
    """The status, or what kept it from coming, in words that do not hold the URL."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        # Neither in the clear, nor a file of this machine.
        raise WebhookRefused("its URL does not begin with https://")
    headers = {"Content-Type": "application/json", "User-Agent": "orchestrator"}
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT) as answer:
            return int(answer.status)
    except HTTPError as fault:
        with fault:
            return fault.code
    except (OSError, ValueError) as fault:
        return type(getattr(fault, "reason", fault)).__name__


def _reached() -> dict[str, Destination]:
    """Returns the declared destinations that only this function reaches."""
    recorded = Destinations(client("ssm"), stack(), _unreadable).all()
    return {key: one.destination for key, one in recorded.items() if one.destination.kind not in PROTOCOLS}


def _unreadable(parameter: str) -> None:
    logger.error("this parameter says nothing of a destination", parameter=parameter)


def _plain(text: str) -> str:
    """Returns the value that a reference stands for, or the text itself."""
    secret = reference(text)
    return plain(client, stack(), secret) if secret else text


def _send(queue: str, message: dict[str, Any]) -> None:
    client("sqs").send_message(QueueUrl=_url(queue), MessageBody=json.dumps(message))


@cache
def _url(queue: str) -> str:
    account, name = queue.split(":")[4:6]
    return str(client("sqs").get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])

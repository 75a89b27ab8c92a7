"""Makes an event of each signed request to a webhook, and of each message of a queue, that starts a task.

A request is answered when its event is on the bus, so that whoever gets 202 need not send it again: from there on the
event is delivered like any other, with retries and dead letters. What is not on the bus is sent again by the sender, or
handed over again by the queue.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.errors import InvalidRecord, RequestRefused
from orchestrator.handlers.invocation import client, logger, observed, stack
from orchestrator.instants import to_millisecond, to_second
from orchestrator.operations.sending import listening
from orchestrator.runs.execution_end import Asked
from orchestrator.runs.inbound import Arrival, of_message, of_request
from orchestrator.runs.run import Trigger
from orchestrator.runs.signatures import secrets_of, verify
from orchestrator.stack import sibling
from orchestrator.stores.deliveries import Deliveries
from orchestrator.stores.event_bus import MOST_BYTES, Event, EventBus, size
from orchestrator.stores.registry import Registry
from orchestrator.stores.secrets import Remembered, referenced
from orchestrator.tasks.event_start import EventStart, input_of

#: A secret that has been changed counts after so many seconds at most.
_SECRET_SECONDS = 60.0


def _value(named: str) -> str:
    return referenced(client, stack(), named)


_secrets = Remembered(_value, seconds=_SECRET_SECONDS)


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Requests of the function's URL, in the payload format 2.0, and messages of queues."""
    bus = EventBus(client("events"), sibling(context.invoked_function_arn, "events", "event-bus/default"))
    if "Records" in event:
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in _messages(event["Records"], bus, context)]}
    try:
        return _answer(202, _request(event, bus))
    except RequestRefused as refused:
        logger.info("a request is refused", error=refused.error, path=event["rawPath"])
        return _answer(refused.status, {"error": refused.error, "message": str(refused)})


def _request(event: Mapping[str, Any], bus: EventBus) -> dict[str, Any]:
    """Takes a request. Raises :class:`RequestRefused`."""
    if event["requestContext"]["http"]["method"] != "POST":
        raise RequestRefused(405, "NotPosted", "a webhook takes POST alone")
    given = event.get("body") or ""
    body = base64.b64decode(given) if event.get("isBase64Encoded") else given.encode()
    if len(body) >= MOST_BYTES:
        raise _too_large()
    path, now = event["rawPath"].strip("/"), datetime.now(UTC)
    try:
        task_id, start, webhook = listening(Registry(client("dynamodb"), stack()), path)
        id_ = verify(webhook.scheme, secrets_of(_secrets.get(webhook.secret)), event["headers"], body, now)
        first = Deliveries(client("dynamodb"), stack()).first(path, id_, now)
        arrival = of_request(stack().name, path, webhook.scheme, id_=id_, headers=event["headers"], body=body, at=first)
        entry = _entry(arrival, task_id)
        if size(entry) >= MOST_BYTES:
            raise _too_large()
        taken, why = bus.put([entry])
    except (BotoCoreError, ClientError, InvalidRecord) as fault:
        taken, why = 0, str(fault)
    if not taken:
        logger.error("a request could not be taken", path=path, reason=why)
        raise RequestRefused(503, "NotTaken", "the request could not be taken now; send it again")
    logger.info("a request is taken", task_id=task_id, delivery=id_)
    return {"task": task_id, "slot": _slot(task_id, start, arrival, now), "id": id_, "receivedAt": to_second(first)}


def _slot(task_id: str, start: EventStart, arrival: Arrival, now: datetime) -> str | None:
    """Which slot the event names; None if it names none, of which people are told."""
    began = to_millisecond(now)
    slot = Asked.read(input_of(task_id, start, arrival.to_event(), Trigger.EVENT), began).slot
    return None if slot == began else slot


def _messages(records: Sequence[Mapping[str, Any]], bus: EventBus, context: LambdaContext) -> list[str]:
    """Puts messages on the bus, in order; the ids of those that the queue is to hand over again."""
    entries = []
    for record in records:
        entry = _entry(of_message(stack().name, record), record["messageId"])
        if size(entry) >= MOST_BYTES:
            _keep(record, context)
        else:
            entries.append((record["messageId"], entry))
    taken, why = bus.put([entry for _, entry in entries])
    failed = [id_ for id_, _ in entries[taken:]]
    if failed:
        logger.error("the bus does not take messages; they come again", messages=failed, reason=why)
    return failed


def _keep(record: Mapping[str, Any], context: LambdaContext) -> None:
    """Puts a message that no event can hold where people look, since it would come again and again."""
    logger.error("a message is too large for an event", queue=record["eventSourceARN"], message_id=record["messageId"])
    account, name = sibling(context.invoked_function_arn, "sqs", stack().handler_failures).split(":")[4:6]
    url = client("sqs").get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(dict(record)))


def _entry(arrival: Arrival, group: str) -> Event:
    return Event(entry=arrival.to_entry("default"), group=group)


def _too_large() -> RequestRefused:
    return RequestRefused(413, "TooLarge", f"an event holds less than {MOST_BYTES // 1024} KB; send where it is found")


def _answer(status: int, said: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(said, ensure_ascii=False)}

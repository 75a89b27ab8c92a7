"""Webhooks and queues from the sender's side: who listens there, and how something is sent by hand."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from orchestrator.clients import Clients
from orchestrator.errors import RequestRefused, UnknownQueue
from orchestrator.runs.inbound import Arrival, of_message, of_request
from orchestrator.runs.signatures import secrets_of, sign
from orchestrator.stack import Stack
from orchestrator.stores.event_rules import Rules
from orchestrator.stores.registry import Registry
from orchestrator.stores.secrets import referenced
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.inbound import MESSAGE_RECEIVED, Webhook

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageAttributeValueTypeDef

#: Seconds.
_TIMEOUT = 30


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request or a message, as somebody sends it."""

    body: str
    #: Headers, or attributes of the message.
    more: Mapping[str, str] = field(default_factory=dict)


def listening(registry: Registry, path: str) -> tuple[str, EventStart, Webhook]:
    """The task of a webhook's path, and what it says of it.

    Raises :class:`~orchestrator.errors.RequestRefused` and InvalidRecord.
    """
    task_id, _, name = path.partition("/")
    record = registry.get(task_id) if task_id else None
    for start in record.task.starts if record else ():
        if start.webhook is not None and start.webhook.name == name:
            return task_id, start, start.webhook
    raise RequestRefused(404, "NoSuchWebhook", f"there is no webhook {path[:120]!r}: its path is TASK or TASK/NAME")


def arrival_of_request(stack: Stack, path: str, webhook: Webhook, sent: Sent, now: datetime) -> Arrival:
    """What a request would be on the bus; nothing is sent."""
    headers = {name.lower(): text for name, text in sent.more.items()}
    return of_request(stack.name, path, webhook.scheme, id_="dry-run", headers=headers, body=sent.body.encode(), at=now)


def post(clients: Clients, stack: Stack, url: str, path: str, webhook: Webhook, sent: Sent) -> Arrival:
    """Signs a request and sends it to the stack's URL. Returns what it is on the bus.

    Raises :class:`~orchestrator.errors.RequestRefused`, and what boto3 raises of the secret.
    """
    values = secrets_of(referenced(clients, stack, webhook.secret))
    if not values:
        raise RequestRefused(401, "NotSigned", f"{webhook.secret} holds no value to sign with")
    body = sent.body.encode()
    # Signed by this machine's time: so is it checked by the function's.
    signed = sign(webhook.scheme, values[-1], body, delivery_id=f"msg_{uuid.uuid4().hex}", now=datetime.now(UTC))
    headers = {"Content-Type": "application/json", **sent.more, **signed}
    request = urllib.request.Request(f"{url}{path}", data=body, headers=headers, method="POST")  # noqa: S310 # the stack's own URL
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            said = json.load(answer)
    except HTTPError as fault:
        with fault:
            raise _refused(fault) from fault
    except OSError as fault:
        why = getattr(fault, "reason", fault)
        raise RequestRefused(503, "NotReached", f"the webhook at {url} cannot be reached: {why}") from fault
    as_it_would_be = arrival_of_request(stack, path, webhook, sent, datetime.fromisoformat(said["receivedAt"]))
    return replace(as_it_would_be, detail={**as_it_would_be.detail, "id": said["id"]})


def _refused(fault: HTTPError) -> RequestRefused:
    try:
        said: Any = json.load(fault)
        return RequestRefused(fault.code, said["error"], f"the webhook answers {fault.code}: {said['message']}")
    except (ValueError, KeyError, TypeError):
        return RequestRefused(fault.code, "Unknown", f"the webhook answers {fault.code}, and says no more")


def queue_named(rules: Rules, stack: Stack, name: str) -> str:
    """The ARN of a queue that tasks listen to, by its name in stack.yaml or in SQS, or by its ARN.

    Raises :class:`~orchestrator.errors.UnknownQueue`.
    """
    patterns = [rule.pattern for rule in rules.listed("").values() if rule.enabled]
    known = {str(one["detail"]["queue"][0]) for one in patterns if one.get("detail-type") == [MESSAGE_RECEIVED]}
    for arn in sorted(known):
        if name in (arn, arn.rpartition(":")[2]) or arn.endswith(f":{stack.inbound_queue(name)}"):
            return arn
    raise UnknownQueue(name, sorted(known))


def message(stack: Stack, arn: str, sent: Sent, id_: str, now: datetime) -> Arrival:
    """What a message is on the bus."""
    return of_message(
        stack.name,
        {
            "messageId": id_,
            "body": sent.body,
            "eventSourceARN": arn,
            "messageAttributes": {name: {"stringValue": text} for name, text in sent.more.items()},
            "attributes": {"SentTimestamp": str(int(now.timestamp() * 1000))},
        },
    )


def send(clients: Clients, arn: str, sent: Sent) -> str:
    """Sends a message. Returns its id."""
    sqs, (account, name) = clients("sqs"), arn.split(":")[4:6]
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        name: {"DataType": "String", "StringValue": text} for name, text in sent.more.items()
    }
    return sqs.send_message(QueueUrl=url, MessageBody=sent.body, MessageAttributes=attributes)["MessageId"]

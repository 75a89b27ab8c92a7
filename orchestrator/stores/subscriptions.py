"""Subscriptions of the alerts topic, and the record of those that are ours.

A subscription has no tags, so nothing in SNS says who made it. Each destination of tasks.yaml has a parameter of
Systems Manager instead, a SecureString, since a webhook's URL may be a secret: it says what was declared and, where SNS
delivers, which subscription was made for it. What has no such record is somebody else's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.runs.destinations import Destination, Kind
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_ssm import SSMClient

#: What ListSubscriptionsByTopic and Subscribe say in place of the ARN of one that is not confirmed.
_PENDING = "PendingConfirmation"

PROTOCOLS: Mapping[Kind, str] = {Kind.MAIL: "email", Kind.SQS: "sqs"}


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A destination as it was declared when it was last applied."""

    destination: Destination
    #: The ARN of its subscription; None where our own function delivers.
    subscription: str | None = None


@dataclass(frozen=True, kw_only=True)
class Subscribed:
    """A subscription as it is."""

    arn: str
    is_confirmed: bool
    filter_policy: Mapping[str, Any]
    #: Where goes what cannot be delivered; the ARN of a queue.
    dead_letters: str = ""


class Destinations:
    """The record, through ``client``, boto3's client of Systems Manager.

    ``report`` is called with the name of a parameter that says nothing of a destination, and that is stepped over.
    """

    def __init__(self, client: SSMClient, stack: Stack, report: Callable[[str], object] = lambda name: None) -> None:
        self._client = client
        self._report = report
        self._path = stack.destinations_path
        self._key = f"alias/{stack.name}"

    def all(self) -> dict[str, Recorded]:
        """Returns what is recorded, by the destinations' keys. It only reads parameters below the stack's path."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=self._path, WithDecryption=True)
        recorded = {}
        for parameter in (one for page in pages for one in page["Parameters"]):
            try:
                recorded[parameter["Name"].rpartition("/")[2]] = _recorded(json.loads(parameter["Value"]))
            except (AttributeError, KeyError, TypeError, ValueError):
                self._report(parameter["Name"])
        return recorded

    def put(self, one: Recorded) -> None:
        value = one.destination.to_value() | {"subscription": one.subscription}
        self._client.put_parameter(
            Name=f"{self._path}/{one.destination.key}",
            Description="Who is told of alerts: made by apply.",
            Value=json.dumps(value),
            Type="SecureString",
            KeyId=self._key,
            Overwrite=True,
        )

    def remove(self, key: str) -> None:
        with suppress(self._client.exceptions.ParameterNotFound):
            self._client.delete_parameter(Name=f"{self._path}/{key}")


class Subscriptions:
    """The subscriptions of one topic; ``client`` is boto3's of SNS."""

    def __init__(self, client: SNSClient, topic: str) -> None:
        self._client = client
        #: The topic's ARN.
        self.topic = topic

    def all(self) -> dict[tuple[str, str], str | None]:
        """Returns the ARN of each subscription, by protocol and endpoint; None until it is confirmed."""
        pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.topic)
        return {
            (one["Protocol"], one["Endpoint"]): None if one["SubscriptionArn"] == _PENDING else one["SubscriptionArn"]
            for page in pages
            for one in page["Subscriptions"]
        }

    def describe(self, arn: str) -> Subscribed | None:
        """None if there is no such subscription, as when its owner has ended it or has never confirmed."""
        try:
            attributes = self._client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        except self._client.exceptions.NotFoundException:
            return None
        return Subscribed(
            arn=arn,
            is_confirmed=attributes.get("PendingConfirmation") != "true",
            filter_policy=json.loads(attributes.get("FilterPolicy") or "{}"),
            dead_letters=json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", ""),
        )

    def subscribe(self, destination: Destination, dead_letters: str) -> str:
        """The new subscription's ARN. Whoever owns a mail address is asked by mail."""
        answer = self._client.subscribe(
            TopicArn=self.topic,
            Protocol=PROTOCOLS[destination.kind],
            Endpoint=destination.address,
            Attributes={name: value for name, value in _attributes(destination, dead_letters).items() if value},
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def change(self, arn: str, destination: Destination, dead_letters: str) -> None:
        """Gives a subscription the filter policy of its destination; an empty one lets everything through."""
        for name, value in _attributes(destination, dead_letters).items():
            self._client.set_subscription_attributes(
                SubscriptionArn=arn, AttributeName=name, AttributeValue=value or "{}"
            )

    def unsubscribe(self, arn: str) -> None:
        self._client.unsubscribe(SubscriptionArn=arn)


def _attributes(destination: Destination, dead_letters: str) -> dict[str, str]:
    policy = destination.filter_policy()
    # SNS itself cannot put off what a mailbox does not take.
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_letters})}
    return {
        "FilterPolicy": json.dumps(policy, sort_keys=True) if policy else "",
        **(redrive if destination.kind is Kind.SQS else {}),
    }


def _recorded(value: Mapping[str, Any]) -> Recorded:
    return Recorded(destination=Destination.from_value(value), subscription=value["subscription"])

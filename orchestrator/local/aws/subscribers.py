"""SNS as it treats those who subscribe.

On AWS whoever owns a mail address confirms first: until then they hear nothing, lists do not say the subscription's
ARN, and it cannot be unsubscribed. An address that is subscribed already is not subscribed with other attributes.
`exists: false` does not match a message that has no attributes at all ("Key matching in Amazon SNS"). SNS reaches a
queue only if the queue's policy lets it, and the key's policy, if it is encrypted ("Subscribing an Amazon SQS queue to
an Amazon SNS topic"); what it cannot deliver goes to the subscription's dead-letter queue. moto knows none of this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.models import SNSBackend, Subscription
from moto.sns.responses import SNSResponse
from moto.sns.utils import FilterPolicyMatcher

from orchestrator.local.aws import keys
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_MAIL = ("email", "email-json")
_PENDING = "PendingConfirmation"


def mails(aws: Aws, address: str) -> list[str]:
    """Returns what SNS has sent to a mail address; the first is the question for a confirmation, with its token."""
    subscriptions = aws.backend("sns").subscriptions.values()
    return [text for one in subscriptions if one.endpoint == address for text in _mails(one)]


def _mails(subscription: Any) -> list[str]:
    mails: list[str] = subscription.__dict__.setdefault("mails", [])
    return mails


def _is_pending(subscription: Any) -> bool:
    return bool(subscription.attributes[_PENDING])


def _listed(subscription: Any) -> dict[str, str]:
    """Returns a subscription as lists show it."""
    return {
        "SubscriptionArn": _PENDING if _is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


def _may_send(topic: str, queue: Any) -> bool:
    """Whether SNS may put what a topic says into a queue of moto's."""
    if queue is None:
        return False
    key = keys.key_of(queue.queue_arn)
    statements = json.loads(queue.policy).get("Statement", []) if queue.policy else []
    return any(_lets(one, topic) for one in statements) and (key is None or keys.serves(key, "sns", topic))


def _lets(statement: Mapping[str, Any], topic: str) -> bool:
    principal = statement["Principal"]
    who = [one for each in principal.values() for one in _list(each)] if isinstance(principal, Mapping) else [principal]
    return (
        statement["Effect"] == "Allow"
        and bool({"*", "sns.amazonaws.com"} & set(who))
        and any(fnmatchcase("sqs:sendmessage", one.lower()) for one in _list(statement["Action"]))
        and all(
            key.lower() != "aws:sourcearn" or any(fnmatchcase(topic, pattern) for pattern in _list(patterns))
            for tests in statement.get("Condition", {}).values()
            for key, patterns in tests.items()
        )
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Subscribers:
    """Replacements of moto's methods for subscriptions."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._subscribe, self._unsubscribe = SNSBackend.subscribe, SNSBackend.unsubscribe
        self._publish, self._matches = Subscription.publish, FilterPolicyMatcher.matches
        self._answer = SNSResponse.subscribe

    def subscribe(self, backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        is_new = backend._find_subscription(topic_arn, endpoint, protocol) is None
        made = self._subscribe(backend, topic_arn, endpoint, protocol)
        if is_new and protocol in _MAIL:
            made.attributes |= {_PENDING: True, "ConfirmationWasAuthenticated": False}
            _mails(made).append(f"Confirm subscription to {topic_arn}: token {made.arn.rpartition(':')[2]}")
        return made

    def answer(self, response: Any) -> ActionResult:
        """Subscribe."""
        asked = response._get_param("TopicArn"), response._get_param("Endpoint"), response._get_param("Protocol")
        before = response.backend._find_subscription(*asked)
        wanted = response._get_param("Attributes", {})
        if before and any(str(before.attributes.get(name, "")) != value for name, value in wanted.items()):
            said = "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
            raise SNSInvalidParameter(said)
        result: ActionResult = self._answer(response)
        if _is_pending(response.backend._find_subscription(*asked)) and not response._get_param(
            "ReturnSubscriptionArn"
        ):
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return result

    def unsubscribe(self, backend: Any, subscription_arn: str) -> None:
        subscription = backend.subscriptions.get(subscription_arn)
        if subscription is not None and _is_pending(subscription):
            said = "Cannot unsubscribe a subscription that is pending confirmation"
            raise SNSInvalidParameter(f"Invalid parameter: SubscriptionArn Reason: {said}")
        self._unsubscribe(backend, subscription_arn)

    def confirm(self, response: Any) -> ActionResult:
        """ConfirmSubscription."""
        topic, token = response._get_param("TopicArn"), response._get_param("Token")
        for one in response.backend.subscriptions.values():
            if one.topic_arn == topic and one.arn.endswith(f":{token}"):
                one.attributes[_PENDING] = False
                return ActionResult({"SubscriptionArn": one.arn})
        if topic not in response.backend.topics:
            raise SNSNotFoundError("Topic does not exist")
        raise SNSInvalidParameter("Invalid parameter: Token")

    def list(self, response: Any, topic: str | None) -> ActionResult:
        """ListSubscriptions, or ListSubscriptionsByTopic."""
        token = response._get_param("NextToken")
        page, after = (
            response.backend.list_subscriptions(next_token=token)
            if topic is None
            else response.backend.list_subscriptions_by_topic(topic, next_token=token)
        )
        return ActionResult({"Subscriptions": [_listed(one) for one in page], "NextToken": after})

    def publish(self, subscription: Any, message: str, message_id: str, **more: Any) -> None:
        """Delivers a message to one subscription."""
        matcher = subscription._filter_policy_matcher
        if _is_pending(subscription) or (matcher and not matcher.matches(more.get("message_attributes"), message)):
            return
        if subscription.protocol in _MAIL:
            _mails(subscription).append(message)
            return
        if subscription.protocol != "sqs" or _may_send(subscription.topic_arn, self._queue(subscription.endpoint)):
            self._publish(subscription, message, message_id, **more)
            return
        redrive = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
        kept = self._queue(redrive.get("deadLetterTargetArn", ""))
        if _may_send(subscription.topic_arn, kept):
            self._aws.backend("sqs").send_message(
                kept.name, json.dumps({"Message": message, "MessageId": message_id, "Type": "Notification"})
            )

    def matches(self, matcher: Any, message_attributes: dict[str, Any] | None, message: str) -> bool:
        if matcher.filter_policy and matcher.filter_policy_scope == "MessageAttributes" and not message_attributes:
            return False
        return bool(self._matches(matcher, message_attributes, message))

    def _queue(self, arn: str) -> Any:
        queues = self._aws.backend("sqs").queues.values()
        return next((queue for queue in queues if queue.queue_arn == arn), None)


def install(aws: Aws) -> None:
    """Lets mail addresses confirm, and asks queues whether they may be reached."""
    own = Subscribers(aws)

    @replaces(SNSBackend, "subscribe", digest="bc151d3882a0")
    def subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        return own.subscribe(self, topic_arn, endpoint, protocol)

    @replaces(SNSBackend, "unsubscribe", digest="fba6c0ff1644")
    def unsubscribe(self: Any, subscription_arn: str) -> None:
        own.unsubscribe(self, subscription_arn)

    @replaces(SNSResponse, "subscribe", digest="06704a60cb24")
    def answer_subscribe(self: Any) -> ActionResult:
        return own.answer(self)

    @replaces(SNSResponse, "confirm_subscription", digest="9875c8c5a8b8")
    def confirm_subscription(self: Any) -> ActionResult:
        return own.confirm(self)

    @replaces(SNSResponse, "list_subscriptions", digest="20d1ef4d361a")
    def list_subscriptions(self: Any) -> ActionResult:
        return own.list(self, None)

    @replaces(SNSResponse, "list_subscriptions_by_topic", digest="74580a6cff84")
    def list_subscriptions_by_topic(self: Any) -> ActionResult:
        return own.list(self, self._get_param("TopicArn"))

    @replaces(Subscription, "publish", digest="ae76a69deb60")
    def publish(self: Any, message: str, message_id: str, **more: Any) -> None:
        own.publish(self, message, message_id, **more)

    @replaces(FilterPolicyMatcher, "matches", digest="22fc40ef094b")
    def matches(self: Any, message_attributes: dict[str, Any] | None, message: str) -> bool:
        return own.matches(self, message_attributes, message)

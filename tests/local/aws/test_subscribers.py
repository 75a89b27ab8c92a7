"""SNS as those who subscribe meet it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws import subscribers
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.queues import drained, listening, told

if TYPE_CHECKING:
    from types_boto3_sns.type_defs import MessageAttributeValueTypeDef


@pytest.fixture
def topic(aws: EmbeddedAws) -> str:
    return str(aws.client("sns").create_topic(Name="news")["TopicArn"])


def attribute(value: str) -> dict[str, MessageAttributeValueTypeDef]:
    return {"severity": {"DataType": "String", "StringValue": value}}


def subscribe_by_mail(aws: EmbeddedAws, topic: str, **more: Any) -> str:
    answer = aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com", **more)
    return str(answer["SubscriptionArn"])


def test_a_mail_address_hears_nothing_until_its_owner_confirms(aws: EmbeddedAws, topic: str) -> None:
    sns = aws.client("sns")
    assert subscribe_by_mail(aws, topic) == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    assert sns.list_subscriptions()["Subscriptions"] == [listed]
    sns.publish(TopicArn=topic, Message="too early")
    (question,) = subscribers.mails(aws, "a@example.com")

    arn = sns.confirm_subscription(TopicArn=topic, Token=question.rpartition(" ")[2])["SubscriptionArn"]
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == arn
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
    sns.publish(TopicArn=topic, Message="now")
    assert subscribers.mails(aws, "a@example.com") == [question, "now"]
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_whoever_asks_gets_the_arn_before_it_is_confirmed_but_cannot_unsubscribe_it(
    aws: EmbeddedAws, topic: str
) -> None:
    arn = subscribe_by_mail(aws, topic, ReturnSubscriptionArn=True)
    found = aws.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert found["PendingConfirmation"] == "true"
    with pytest.raises(ClientError, match="Cannot unsubscribe a subscription that is pending confirmation"):
        aws.client("sns").unsubscribe(SubscriptionArn=arn)


def test_a_wrong_token_confirms_nothing(aws: EmbeddedAws, topic: str) -> None:
    subscribe_by_mail(aws, topic)
    with pytest.raises(ClientError, match="InvalidParameter"):
        aws.client("sns").confirm_subscription(TopicArn=topic, Token="none")


def test_an_address_is_not_subscribed_again_with_other_attributes(aws: EmbeddedAws, topic: str) -> None:
    same = {"FilterPolicy": '{"severity": ["failed"]}'}
    arn = subscribe_by_mail(aws, topic, Attributes=same, ReturnSubscriptionArn=True)
    assert subscribe_by_mail(aws, topic, Attributes=same, ReturnSubscriptionArn=True) == arn
    with pytest.raises(ClientError, match="Subscription already exists with different attributes"):
        subscribe_by_mail(aws, topic, Attributes={"FilterPolicy": '{"severity": ["late"]}'})


def test_a_message_without_attributes_meets_no_filter_policy(aws: EmbeddedAws, topic: str) -> None:
    sns, url = aws.client("sns"), listening(aws, topic, "heard")
    (one,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    policy = json.dumps({"severity": ["failed", {"exists": False}]})
    sns.set_subscription_attributes(
        SubscriptionArn=one["SubscriptionArn"], AttributeName="FilterPolicy", AttributeValue=policy
    )
    sns.publish(TopicArn=topic, Message="alarm")
    sns.publish(TopicArn=topic, Message="failure", MessageAttributes=attribute("failed"))
    assert told(aws.client("sqs"), url) == ["failure"]


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:other"}}},
        {"Action": "sqs:ReceiveMessage"},
        {"Effect": "Deny"},
    ],
)
def test_a_queue_whose_policy_does_not_let_the_topic_send_gets_nothing_and_the_dead_letters_do(
    aws: EmbeddedAws, topic: str, change: dict[str, Any]
) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    dead, closed = listening(aws, topic, "dead"), listening(aws, topic, "closed")
    subscriptions = {
        one["Endpoint"].rpartition(":")[2]: one["SubscriptionArn"]
        for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    }
    sns.unsubscribe(SubscriptionArn=subscriptions["dead"])
    redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dead"})
    sns.set_subscription_attributes(
        SubscriptionArn=subscriptions["closed"], AttributeName="RedrivePolicy", AttributeValue=redrive
    )
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=closed, AttributeNames=["Policy"])["Attributes"]["Policy"])
    policy["Statement"][0] |= change
    sqs.set_queue_attributes(QueueUrl=closed, Attributes={"Policy": json.dumps(policy)})
    sns.publish(TopicArn=topic, Message="news")
    assert drained(sqs, closed) == []
    assert told(sqs, dead) == ["news"]

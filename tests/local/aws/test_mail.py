"""moto's mails leave no events, and CloudFormation cannot make what they are handed on by: here both are as on AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import hearing

SENDER = "billing@example.com"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:heard"
TEMPLATE = {
    "Resources": {
        "Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": "watched"}},
        "Destination": {
            "Type": "AWS::SES::ConfigurationSetEventDestination",
            "Properties": {
                "ConfigurationSetName": {"Ref": "Set"},
                "EventDestination": {
                    "Name": "events",
                    "Enabled": True,
                    "MatchingEventTypes": ["send"],
                    "EventBridgeDestination": {
                        "EventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/default"
                    },
                },
            },
        },
    }
}


@pytest.fixture
def heard(aws: EmbeddedAws) -> Any:
    """What a queue hears of mails."""
    url = aws.client("sqs").create_queue(QueueName="heard", Attributes=hearing("heard"))["QueueUrl"]
    aws.client("events").put_rule(Name="mails", EventPattern=json.dumps({"source": ["aws.ses"]}))
    aws.client("events").put_targets(Rule="mails", Targets=[{"Id": "queue", "Arn": QUEUE}])
    aws.client("ses").verify_email_identity(EmailAddress=SENDER)
    aws.client("cloudformation").create_stack(StackName="mail", TemplateBody=json.dumps(TEMPLATE))

    def messages() -> list[dict[str, Any]]:
        answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return messages


def send(aws: EmbeddedAws, **more: Any) -> str:
    raw = f"From: {SENDER}\nTo: you@example.com\nSubject: x\n\nx"
    sent = aws.client("ses").send_raw_email(Source=SENDER, RawMessage={"Data": raw.encode()}, **more)
    return str(sent["MessageId"])


def test_a_mail_with_a_watched_configuration_set_leaves_an_event_with_its_tags(aws: EmbeddedAws, heard: Any) -> None:
    message = send(aws, ConfigurationSetName="watched", Tags=[{"Name": "invoice", "Value": "i-1"}])
    (event,) = heard()
    assert (event["source"], event["detail-type"], event["detail"]["eventType"]) == ("aws.ses", "Email Sent", "Send")
    assert event["detail"]["mail"]["messageId"] == message
    assert event["detail"]["mail"]["tags"] == {"invoice": ["i-1"], "ses:configuration-set": ["watched"]}


def test_a_mail_without_one_leaves_none(aws: EmbeddedAws, heard: Any) -> None:
    send(aws)
    assert heard() == []


def test_the_stack_can_be_deleted(aws: EmbeddedAws, heard: Any) -> None:
    aws.client("cloudformation").delete_stack(StackName="mail")
    assert aws.client("ses").list_configuration_sets().get("ConfigurationSets", []) == []

"""What a developer sees of the embedded AWS."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime
from typing import Any

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.environment import LOOKING_PATH
from orchestrator.local.aws.server import EmbeddedAws


def seen(aws: EmbeddedAws) -> Any:
    with urllib.request.urlopen(aws.endpoint + LOOKING_PATH, timeout=10) as answer:
        return json.load(answer)


def test_mails_messages_and_the_clock_are_seen_the_newest_first(embedded_aws: EmbeddedAws) -> None:
    ses, sns = embedded_aws.client("ses"), embedded_aws.client("sns")
    ses.verify_email_identity(EmailAddress="me@example.com")
    ses.send_email(
        Source="me@example.com",
        Destination={"ToAddresses": ["you@example.com"]},
        Message={"Subject": {"Data": "First"}, "Body": {"Text": {"Data": "one"}}},
    )
    raw = "From: me@example.com\nTo: you@example.com\nSubject: =?utf-8?q?Z=C3=BCrich?=\nContent-Type: text/plain\n\ntwo"
    ses.send_raw_email(RawMessage={"Data": raw})
    topic = sns.create_topic(Name="Told")["TopicArn"]
    sns.publish(TopicArn=topic, Message="three", Subject="Third")
    clock = VirtualClock(datetime(2026, 12, 1, tzinfo=UTC), speed=60)
    with embedded_aws.on(clock):
        found = seen(embedded_aws)
    mails = [(one["to"], one["subject"], one["text"].strip()) for one in found["mails"][:2]]
    assert mails == [(["you@example.com"], "Zürich", "two"), (["you@example.com"], "First", "one")]
    assert {"topic": "Told", "subject": "Third", "message": "three"} in found["published"]
    assert found["clock"]["now"].startswith("2026-12-01T00:")
    assert found["clock"]["speed"] == 60
    sns.delete_topic(TopicArn=topic)

"""What each provider is sent, held against what its pages ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator.runs.destinations import Format, News, attributes
from orchestrator.runs.webhooks import Notification, payload

TOPIC = "arn:aws:sns:us-east-1:123456789012:orchestrator-dev-Alerts"
KEY = "R0123456789ABCDEF0123456789ABCDE"
TEXT = """\
A scheduled task failed.

task:      daily-report
error:     OutOfPaper
cause:     <tray> & drum
execution: https://us-east-1.console.aws.amazon.com/states/home#/x

last runs:
  2026-11-23T08:00:00Z  FAILED
"""


def limited(most: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def closed(**properties: Any) -> dict[str, Any]:
    """An object with these properties, all of them and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


#: "Sending messages using incoming webhooks", "Reference: blocks" (header 150, section 3000 characters).
SLACK = closed(
    text=limited(40_000),
    blocks={
        "type": "array",
        "maxItems": 50,
        "items": {
            "oneOf": [
                closed(
                    type={"const": "header"},
                    text=closed(type={"const": "plain_text"}, text=limited(150), emoji={"type": "boolean"}),
                ),
                closed(type={"const": "section"}, text=closed(type={"const": "mrkdwn"}, text=limited(3000))),
            ]
        },
    },
)

_TEXT_BLOCK = {
    "type": "object",
    "properties": {
        "type": {"const": "TextBlock"},
        "text": limited(20_000),
        "wrap": {"type": "boolean"},
        "size": {"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
        "weight": {"enum": ["Lighter", "Default", "Bolder"]},
        "spacing": {"enum": ["None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"]},
    },
    "required": ["type", "text"],
    "additionalProperties": False,
}
_FACTS = closed(
    type={"const": "FactSet"},
    facts={"type": "array", "minItems": 1, "items": closed(title=limited(100), value=limited(20_000))},
)

#: "Create incoming webhooks with Workflows": a message with one attachment, an adaptive card ("Adaptive Cards schema").
TEAMS = closed(
    type={"const": "message"},
    attachments={
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "items": closed(
            contentType={"const": "application/vnd.microsoft.card.adaptive"},
            contentUrl={"type": "null"},
            content={
                **closed(
                    type={"const": "AdaptiveCard"},
                    version={"enum": ["1.0", "1.1", "1.2", "1.3", "1.4"]},
                    body={"type": "array", "items": {"oneOf": [_TEXT_BLOCK, _FACTS]}},
                    **{"$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"}},
                )
            },
        ),
    },
)

#: "Events API v2": "Send an alert event" and PD-CEF.
_RESOLVE = closed(routing_key=limited(32), event_action={"const": "resolve"}, dedup_key=limited(255))
_TRIGGER = closed(
    routing_key={"type": "string", "minLength": 32, "maxLength": 32},
    event_action={"const": "trigger"},
    dedup_key=limited(255),
    client={"type": "string"},
    links={"type": "array", "items": closed(href={"type": "string", "pattern": "^https://"}, text=limited(100))},
    payload=closed(
        summary=limited(1024),
        source=limited(255),
        severity={"enum": ["critical", "error", "warning", "info"]},
        timestamp={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT"},
        component={"type": "string"},
        group={"type": "string"},
        custom_details={"type": "object"},
        **{"class": {"type": "string"}},
    ),
)
SCHEMAS: dict[Format, Any] = {
    Format.SLACK: SLACK,
    Format.TEAMS: TEAMS,
    Format.PAGERDUTY: {"oneOf": [_RESOLVE, _TRIGGER]},
    Format.JSON: {"type": "object"},
}


def envelope(text: str = TEXT, *, subject: str = "[orchestrator-dev] scheduled task failed", **about: Any) -> Any:
    """As SNS puts it into a queue."""
    news = about.pop("news", News.TOLD)
    given = attributes(news, **about) if about else {}
    return {
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": TOPIC,
        "Subject": subject,
        "Message": text,
        "Timestamp": "2026-11-23T08:00:07.123Z",
        "MessageAttributes": {k: {"Type": v["DataType"], "Value": v["StringValue"]} for k, v in given.items()},
    }


FAILED: dict[str, Any] = {
    "severities": ["failed"],
    "tasks": ["daily-report"],
    "owners": ["data-platform"],
    "incident": "c0ffee",
}


def alarm(state: str = "ALARM") -> Any:
    said = {
        "AlarmName": "orchestrator-dev-Heartbeat",
        "AlarmDescription": "The watchdog is silent.",
        "NewStateValue": state,
        "NewStateReason": "no data",
        "StateChangeTime": "2026-11-23T08:00:00.000+0000",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:orchestrator-dev-Heartbeat",
    }
    return envelope(json.dumps(said), subject='ALARM: "orchestrator-dev-Heartbeat" in US East (N. Virginia)')


def body(given: Any, format_: Format) -> dict[str, Any]:
    made = payload(Notification.of(given), format_, stack="orchestrator-dev", routing_key=KEY)
    Draft202012Validator(SCHEMAS[format_]).validate(made)
    return made


@pytest.mark.parametrize("format_", [*Format])
@pytest.mark.parametrize(
    "given",
    [
        envelope(**FAILED),
        envelope(**FAILED, news=News.STILL),
        envelope(**FAILED, news=News.RECOVERED),
        envelope(**FAILED, news=News.TEST),
        envelope("a text of a workflow", subject=""),
        envelope("x" * 200_000, **FAILED),
        envelope("<&>" * 70_000, **FAILED),
        envelope("\U0001f4a1" * 60_000, **FAILED),
        envelope("a: b\n" * 40_000, **FAILED),
        envelope(TEXT, subject="s" * 100, severities=["failed"], tasks=["t" * 48] * 3),
        envelope(TEXT, severities=["failed"], tasks=[f"t{n}" for n in range(1000)], owners=["o" * 200] * 9),
        envelope('{"AlarmName": 1}', subject=""),
        alarm(),
        alarm("OK"),
    ],
    ids=lambda one: one["Message"][:12],
)
def test_whatever_is_told_has_the_shape_that_its_provider_takes(given: Any, format_: Format) -> None:
    text = json.dumps(body(given, format_), ensure_ascii=False)
    assert len(text.encode()) < {Format.TEAMS: 28_000}.get(format_, 512_000)


def test_slack_shows_the_text_as_it_is() -> None:
    made = body(envelope(**FAILED), Format.SLACK)
    assert made["text"] == "[orchestrator-dev] scheduled task failed: daily-report"
    assert "cause:     &lt;tray&gt; &amp; drum\n" in made["blocks"][1]["text"]["text"]


def test_teams_shows_names_and_values_as_facts() -> None:
    card = body(envelope(**FAILED), Format.TEAMS)["attachments"][0]["content"]
    (facts,) = (one["facts"] for one in card["body"] if one["type"] == "FactSet")
    assert {one["title"]: one["value"] for one in facts}["task"] == "daily-report"
    assert [one["text"] for one in card["body"] if one["type"] == "TextBlock"][1] == "A scheduled task failed."


def test_pagerduty_opens_one_alert_for_an_incident_and_resolves_it() -> None:
    told, still, over = (
        body(envelope(**FAILED, news=news), Format.PAGERDUTY) for news in (News.TOLD, News.STILL, News.RECOVERED)
    )
    assert [one["event_action"] for one in (told, still, over)] == ["trigger", "trigger", "resolve"]
    assert {one["dedup_key"] for one in (told, still, over)} == {"orchestrator-dev-Alerts/c0ffee"}
    assert told["payload"]["severity"] == "error"
    assert told["payload"]["custom_details"]["error"] == "OutOfPaper"
    assert [link["text"] for link in told["links"]] == ["execution"]


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        (alarm(), "critical"),
        (envelope(severities=["late"]), "warning"),
        (envelope(severities=["missed"]), "error"),
        (envelope(news=News.TEST, severities=["failed", "alarm"]), "info"),
        (envelope("a text of a workflow"), "error"),
    ],
)
def test_pagerduty_knows_how_bad_it_is(given: Any, severity: str) -> None:
    assert body(given, Format.PAGERDUTY)["payload"]["severity"] == severity


def test_the_end_of_an_alarm_resolves_it() -> None:
    began, ended = body(alarm(), Format.PAGERDUTY), body(alarm("OK"), Format.PAGERDUTY)
    assert ended["event_action"] == "resolve"
    assert ended["dedup_key"] == began["dedup_key"]


def test_json_says_everything_by_name() -> None:
    assert body(envelope(**FAILED), Format.JSON) == {
        "id": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "stack": "orchestrator-dev",
        "kind": "told",
        "severities": ["failed"],
        "tasks": ["daily-report"],
        "owners": ["data-platform"],
        "incident": "c0ffee",
        "isOver": False,
        "title": "[orchestrator-dev] scheduled task failed: daily-report",
        "text": TEXT,
        "at": "2026-11-23T08:00:07.123Z",
    }


def test_an_alarm_is_told_in_words() -> None:
    made = body(alarm(), Format.JSON)
    assert (made["kind"], made["title"]) == ("alarm", "ALARM: orchestrator-dev-Heartbeat")
    assert made["text"].startswith("The watchdog is silent.\n\nalarm:     orchestrator-dev-Heartbeat\nstate:     ALARM")

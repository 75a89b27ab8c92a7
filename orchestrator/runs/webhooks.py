"""What a webhook is sent: each provider's own shape, made from a message of the alerts topic.

Slack: "Sending messages using incoming webhooks". Teams: an adaptive card, as the workflow "Post to a channel when a
webhook request is received" takes it. PagerDuty: "Events API v2", whose ``dedup_key`` is the incident's id, so that
what is told again adds to the same alert, and a recovery resolves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.runs import destinations
from orchestrator.runs.alerts import Severity
from orchestrator.runs.destinations import ALARM, Format, News, Said

#: A section of a Slack message holds 3000 characters, and its header 150 ("Reference: blocks").
_SLACK_TEXT = 2900
_SLACK_HEADER = 150

#: A message of Teams holds 28 KB ("Create and send messages").
_TEAMS_TEXT = 5000
_TEAMS_LINES = 60

#: PagerDuty takes a summary of 1024 characters, and a ``dedup_key`` of 255 ("PD-CEF", "Send an alert event").
_PAGERDUTY_SUMMARY = 1024
_PAGERDUTY_KEY = 255

_PAGERDUTY_SEVERITIES: Mapping[str, str] = {
    ALARM: "critical",
    Severity.FAILED: "error",
    Severity.MISSED: "error",
    Severity.LATE: "warning",
    Severity.TOO_LONG: "warning",
    Severity.TOO_SHORT: "warning",
    Severity.AT_RISK: "warning",
    Severity.OVER_BUDGET: "warning",
}

#: Tasks or owners that a line names.
_NAMED = 3

#: A line of an alert that is a name and a value.
_FACT = re.compile(r"([a-z][a-z ]{0,15}):\s+(\S.*)")

#: What CloudWatch calls the end of an alarm.
_OK = "OK"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A message of the topic, as people read it."""

    id: str
    #: ISO 8601 in UTC.
    at: str
    subject: str
    text: str
    #: Nothing of an alarm, nor of what a user's workflow has published without attributes.
    said: Said
    #: Messages about the same thing have the same.
    about: str
    is_alarm: bool = False
    #: Whether it says that what it is about is over.
    is_over: bool = False

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> Notification:
        """Reads what SNS has put into a queue. Raises KeyError or ValueError for anything else."""
        text, said = str(envelope["Message"]), destinations.said(envelope.get("MessageAttributes") or {})
        if not said and (alarm := _alarm(text)):
            return cls(
                id=envelope["MessageId"],
                at=envelope["Timestamp"],
                subject=f"{alarm['NewStateValue']}: {alarm['AlarmName']}",
                text=_alarm_text(alarm),
                said={},
                about=str(alarm.get("AlarmArn") or alarm["AlarmName"]),
                is_alarm=True,
                is_over=alarm["NewStateValue"] == _OK,
            )
        incident = "".join(said.get("incident", ()))
        topic = str(envelope["TopicArn"]).rpartition(":")[2]
        return cls(
            id=envelope["MessageId"],
            at=envelope["Timestamp"],
            subject=str(envelope.get("Subject") or text.partition("\n")[0][:100]),
            text=text,
            said=said,
            # Two stacks may tell the same service of incidents with the same id.
            about=f"{topic}/{incident or envelope['MessageId']}",
            is_over=News.RECOVERED in said.get("kind", ()),
        )

    @property
    def title(self) -> str:
        """The subject and, where there are few, the tasks."""
        tasks = self.said.get("taskId", ())
        return f"{self.subject}: {', '.join(tasks)}" if 0 < len(tasks) <= _NAMED else self.subject

    @property
    def severities(self) -> Sequence[str]:
        return (ALARM,) if self.is_alarm else self.said.get("severity", ())

    @property
    def facts(self) -> dict[str, str]:
        """The lines of the text that are a name and a value."""
        return {fact[1]: fact[2] for line in self.text.splitlines() if (fact := _FACT.fullmatch(line))}


def payload(notification: Notification, format_: Format, *, stack: str, routing_key: str = "") -> dict[str, Any]:
    """The body of the request, as JSON. ``routing_key`` is PagerDuty's."""
    match format_:
        case Format.SLACK:
            return _slack(notification)
        case Format.TEAMS:
            return _teams(notification)
        case Format.PAGERDUTY:
            return _pagerduty(notification, stack, routing_key)
        case Format.JSON:
            return _json(notification, stack)


def _slack(notification: Notification) -> dict[str, Any]:
    header = {"type": "plain_text", "text": _cut(notification.title, _SLACK_HEADER), "emoji": False}
    text = _escaped_to(notification.text.replace("```", "'''"), _SLACK_TEXT)
    return {
        # What a phone shows, which has no room for blocks.
        "text": _escaped(notification.title),
        "blocks": [
            {"type": "header", "text": header},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"```{text}```"}},
        ],
    }


def _teams(notification: Notification) -> dict[str, Any]:
    title = {"type": "TextBlock", "text": notification.title, "size": "Medium", "weight": "Bolder", "wrap": True}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *_card_blocks(_cut(notification.text, _TEAMS_TEXT).splitlines()[:_TEAMS_LINES])],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _card_blocks(lines: Sequence[str]) -> list[dict[str, Any]]:
    """Names and values as facts, everything else a block for each line: within one, a card joins lines."""
    blocks: list[dict[str, Any]] = []
    for line in lines:
        if fact := _FACT.fullmatch(line):
            if not blocks or blocks[-1]["type"] != "FactSet":
                blocks.append({"type": "FactSet", "facts": []})
            blocks[-1]["facts"].append({"title": fact[1], "value": fact[2]})
        elif line.strip():
            blocks.append({"type": "TextBlock", "text": line.strip(), "wrap": True, "spacing": "Small"})
    return blocks


def _pagerduty(notification: Notification, stack: str, routing_key: str) -> dict[str, Any]:
    known = {"routing_key": routing_key, "dedup_key": notification.about[-_PAGERDUTY_KEY:]}
    if notification.is_over:
        return {**known, "event_action": "resolve"}
    severities, facts = notification.severities, notification.facts
    is_test = News.TEST in notification.said.get("kind", ())
    return {
        **known,
        "event_action": "trigger",
        "client": stack,
        "payload": {
            "summary": _cut(notification.title, _PAGERDUTY_SUMMARY),
            "source": stack,
            "severity": "info" if is_test else _PAGERDUTY_SEVERITIES.get("".join(severities[:1]), "error"),
            "timestamp": notification.at,
            "component": ", ".join(notification.said.get("taskId", ())[:_NAMED]) or stack,
            "group": ", ".join(notification.said.get("owner", ())[:_NAMED]) or stack,
            "class": ", ".join(severities) or "message",
            "custom_details": facts or {"text": notification.text},
        },
        "links": [{"href": value, "text": name} for name, value in facts.items() if value.startswith("https://")],
    }


def _json(notification: Notification, stack: str) -> dict[str, Any]:
    said = notification.said
    return {
        "id": notification.id,
        "stack": stack,
        "kind": ALARM if notification.is_alarm else "".join(said.get("kind", ())[:1]) or "message",
        "severities": list(notification.severities),
        "tasks": list(said.get("taskId", ())),
        "owners": list(said.get("owner", ())),
        "incident": "".join(said.get("incident", ())) or None,
        "isOver": notification.is_over,
        "title": notification.title,
        "text": notification.text,
        "at": notification.at,
    }


def _alarm(text: str) -> Mapping[str, Any] | None:
    """Reads CloudWatch's message about an alarm, which is JSON; None if it is another."""
    try:
        alarm = json.loads(text)
    except ValueError:
        return None
    return alarm if isinstance(alarm, dict) and {"AlarmName", "NewStateValue"} <= alarm.keys() else None


def _alarm_text(alarm: Mapping[str, Any]) -> str:
    given = {
        "alarm": alarm["AlarmName"],
        "state": alarm["NewStateValue"],
        "reason": alarm.get("NewStateReason"),
        "since": alarm.get("StateChangeTime"),
    }
    lines = [f"{name + ':':<10} {value}" for name, value in given.items() if value]
    return "\n".join([str(alarm.get("AlarmDescription") or "An alarm of CloudWatch."), "", *lines])


def _escaped(text: str) -> str:
    """Escapes text for Slack ("Escaping text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped_to(text: str, limit: int) -> str:
    """Escaped and no longer than that, with no escape cut through."""
    kept = _cut(text, limit)
    while (excess := len(_escaped(kept)) - limit) > 0:
        kept = _cut(kept, len(kept) - max(1, excess // 5))
    return _escaped(kept)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

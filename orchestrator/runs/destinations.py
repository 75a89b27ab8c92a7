"""The destinations of alerts, and which messages each of them gets.

A message on the alerts topic says in its attributes what it is about, and SNS compares these with the filter policy of
each subscription. An alarm of CloudWatch has no attributes; "`exists: false` only matches if at least one attribute is
present" ("Key matching in Amazon SNS"), so no filter policy lets an alarm through: it reaches those mail addresses and
queues that are told everything. Webhooks are filtered by our own function, which can also ask for alarms.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.runs.alerts import Incident, Severity
from orchestrator.tasks.task import Task

if TYPE_CHECKING:
    from types_boto3_sns.type_defs import MessageAttributeValueTypeDef

#: Beside a task's severities: what CloudWatch says, which is about no task.
ALARM = "alarm"

#: What a destination can be restricted to.
SEVERITIES = (*map(str, Severity), ALARM)

#: "The total combination of values in a filter policy must not exceed 150" ("Filter policy constraints in Amazon SNS").
MOST_COMBINATIONS = 150

#: A message names no more tasks or owners: with its attributes it holds 256 KB.
_MOST_NAMED = 1000

#: Tasks that a warning names; of more it says how many.
_SHOWN = 5

_REFERENCE = re.compile(r"(ssm|secret):([A-Za-z0-9_.-]{1,64})")


class News(StrEnum):
    """The kinds of messages."""

    TOLD = "told"
    #: The same incident again, after its quiet period.
    STILL = "still"
    RECOVERED = "recovered"
    #: Tasks that an incident has hit since it was told.
    SUMMARY = "summary"
    #: What was not told while tasks were muted.
    UNMUTED = "unmuted"
    TEST = "test"


class Kind(StrEnum):
    """The ways to reach a destination."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    SNS = "sns"
    SQS = "sqs"


class Format(StrEnum):
    """The formats that webhooks understand."""

    SLACK = "slack"
    TEAMS = "teams"
    PAGERDUTY = "pagerduty"
    JSON = "json"


#: The attribute of a message that comes from another topic: so that two topics do not tell each other for ever.
FORWARDED = "forwarded"

#: What a message says of itself: the values of each attribute by its name; nothing is an alarm.
Said = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A reference to a value that nobody should see."""

    #: ``ssm``: a parameter of Systems Manager; ``secret``: a secret of Secrets Manager.
    store: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A receiver of all messages, or of those that it is restricted to."""

    kind: Kind
    #: A mail address, the ARN of a queue or a topic, a URL, or the :func:`reference` of one. A URL may be a secret.
    address: str = field(repr=False)
    format: Format = Format.JSON
    #: Of PagerDuty; itself or its :func:`reference`.
    routing_key: str = field(default="", repr=False)
    owners: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A key of its own, whatever it is restricted to. It betrays nothing of the address."""
        text = f"{self.address}|{self.routing_key}"
        return f"{self.kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    @property
    def combinations(self) -> int:
        """The number of combinations of its restrictions, as SNS counts them."""
        return max(1, len(self.owners)) * max(1, len(self.tasks)) * max(1, len(self.severities))

    def filter_policy(self) -> dict[str, list[str]]:
        """The filter policy of its SNS subscription; empty for a destination that gets every message."""
        wanted = {"owner": self.owners, "severity": self.severities, "taskId": self.tasks}
        return {name: sorted(values) for name, values in wanted.items() if values}

    def hears(self, said: Said) -> bool:
        """Whether a message is for it. For mail and queues SNS decides the same by :meth:`filter_policy`."""
        wanted = self.filter_policy()
        if not said:
            return not wanted or ALARM in self.severities
        return all(set(values) & set(said.get(name, ())) for name, values in wanted.items())

    def __str__(self) -> str:
        """Names it for people. A URL is cut to its host: the rest may be all that keeps strangers out."""
        if self.kind is Kind.WEBHOOK:
            shown = self.address if reference(self.address) else urlsplit(self.address).hostname
            what = f"{self.format} webhook {shown}"
        else:
            what = f"{self.kind} {self.address}"
        restricted = [
            f"{name} {', '.join(values)}"
            for name, values in (("owners", self.owners), ("tasks", self.tasks), ("severities", self.severities))
            if values
        ]
        return what + (f" ({'; '.join(restricted)})" if restricted else "")

    def to_value(self) -> dict[str, Any]:
        """Returns it as a value of JSON, secrets included."""
        return {
            "kind": self.kind,
            "address": self.address,
            "format": self.format,
            "routingKey": self.routing_key,
            "owners": list(self.owners),
            "tasks": list(self.tasks),
            "severities": list(self.severities),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Destination:
        """Reads what :meth:`to_value` has made. Raises KeyError or ValueError for anything else."""
        return cls(
            kind=Kind(value["kind"]),
            address=value["address"],
            format=Format(value["format"]),
            routing_key=value["routingKey"],
            owners=tuple(value["owners"]),
            tasks=tuple(value["tasks"]),
            severities=tuple(value["severities"]),
        )


def reference(text: str) -> Secret | None:
    """``ssm:NAME`` or ``secret:NAME``, which stands for a value that is kept elsewhere; None for the value itself."""
    reference = _REFERENCE.fullmatch(text)
    return Secret(store=reference[1], name=reference[2]) if reference else None


def attributes(
    news: News,
    *,
    severities: Sequence[str] = (),
    tasks: Sequence[str] = (),
    owners: Sequence[str] = (),
    incident: str = "",
) -> dict[str, MessageAttributeValueTypeDef]:
    """``MessageAttributes`` of SNS's Publish, from what a message is about. What is about several things is told to
    whoever wants one of them.
    """
    said = {
        "kind": [str(news)],
        "severity": list(severities),
        "taskId": sorted(set(tasks))[:_MOST_NAMED],
        "owner": sorted({owner for owner in owners if owner})[:_MOST_NAMED],
        "incident": [incident] if incident else [],
    }
    return {name: _attribute(values) for name, values in said.items() if values}


def about(news: News, incident: Incident) -> dict[str, MessageAttributeValueTypeDef]:
    """The same of an incident: whoever has heard of it hears how it goes on, whichever tasks of theirs it has hit."""
    return attributes(
        news,
        severities=[incident.severity],
        tasks=incident.affected,
        owners=incident.owners,
        incident=incident.id,
    )


def _attribute(values: Sequence[str]) -> MessageAttributeValueTypeDef:
    if len(values) == 1:
        return {"DataType": "String", "StringValue": values[0]}
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


def said(given: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """What the ``MessageAttributes`` of a message that SNS has delivered say; those of other types are passed over."""
    return {
        name: tuple(json.loads(one["Value"])) if one["Type"] == "String.Array" else (one["Value"],)
        for name, one in given.items()
        if one["Type"] in ("String", "String.Array")
    }


def silences(tasks: Sequence[Task], destinations: Sequence[Destination]) -> Iterator[str]:
    """A warning for everything that nobody would hear of, with what to do about it."""
    if not destinations:
        yield (
            "nobody is told when a task fails: add `alerts: {to: [{mail: you@example.com}]}` to the file,"
            " or a webhook or a queue"
        )
        return
    unheard = [task.id for task in tasks if not any(one.hears(_failure(task)) for one in destinations)]
    if unheard:
        more = f" and {len(unheard) - _SHOWN} more" if len(unheard) > _SHOWN else ""
        yield (
            f"nobody is told when {', '.join(unheard[:_SHOWN])}{more} fails: add an entry to alerts.to"
            " without restrictions, or one whose owners, tasks and severities let it through"
        )
    if not any(one.hears({}) for one in destinations):
        yield (
            "nobody hears the stack's alarms, such as that the watchdog is silent: add an entry to alerts.to"
            " without restrictions, or a webhook with `severities: [alarm]`"
        )


def _failure(task: Task) -> Said:
    owner = {"owner": (task.owner,)} if task.owner else {}
    return {"severity": (Severity.FAILED,), "taskId": (task.id,), **owner}

"""The shape of ``alerts:`` at the top of tasks.yaml: who is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from orchestrator.runs.destinations import ALARM, MOST_COMBINATIONS, SEVERITIES, Destination, Format, Kind, reference
from orchestrator.taskfile.file_model import Model

#: Where what is sent stays on the machine.
_HERE = ("127.0.0.1", "localhost")

_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


def _mail(address: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) or len(address) > 254:
        raise ValueError(f"expected a mail address like you@example.com, found {address!r}")
    return address


def _url(text: str) -> str:
    """Checks a URL. It may be a secret, so no message quotes it."""
    if reference(text):
        return text
    try:
        parts = urlsplit(text)
        is_url = bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        is_url = False
    if not is_url or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE)):
        raise ValueError(
            "expected https://…, or where the URL is kept: ssm:NAME (a parameter of Systems Manager)"
            " or secret:NAME (a secret of Secrets Manager)"
        )
    return text


def _routing_key(text: str) -> str:
    if not reference(text) and not re.fullmatch(r"[A-Za-z0-9]{32}", text):
        raise ValueError("expected ssm:NAME or secret:NAME, where the key is kept, or its 32 characters")
    return text


def _queue(arn: str) -> str:
    if arn.endswith(".fifo"):
        raise ValueError("expected a standard queue: a topic that is none itself sends nothing to a FIFO queue")
    if not _QUEUE.fullmatch(arn):
        raise ValueError(f"expected a queue's ARN like arn:aws:sqs:eu-west-1:123456789012:NAME, found {arn!r}")
    return arn


def _topic(arn: str) -> str:
    if not _TOPIC.fullmatch(arn):
        raise ValueError(f"expected a topic's ARN like arn:aws:sns:eu-west-1:123456789012:NAME, found {arn!r}")
    return arn


def _severity(name: str) -> str:
    if name not in SEVERITIES:
        raise ValueError(f"expected {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}, found {name!r}")
    return name


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], BeforeValidator(_names)]


SeverityName = Annotated[str, AfterValidator(_severity), WithJsonSchema({"enum": list(SEVERITIES)})]


class DestinationModel(Model):
    """Where alerts go: a mail address, a webhook, a queue or a topic. Without restrictions it is told everything."""

    mail: Annotated[str, AfterValidator(_mail)] | None = Field(
        default=None, description="An address. AWS asks its owner to confirm first."
    )
    webhook: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, description="A URL, or where it is kept: ssm:NAME or secret:NAME."
    )
    sqs: Annotated[str, AfterValidator(_queue)] | None = Field(
        default=None, description="The ARN of a queue, whose policy lets the alerts topic send."
    )
    sns: Annotated[str, AfterValidator(_topic)] | None = Field(
        default=None, description="The ARN of a topic of this region, which gets the same messages."
    )
    format: Format | None = Field(default=None, strict=False, description="What the webhook understands.")
    routing_key: Annotated[str, AfterValidator(_routing_key)] | None = Field(
        default=None, description="Of PagerDuty's Events API v2: where it is kept, or the key."
    )
    owners: Names = Field(default=[], description="Only what is about tasks of these owners.")
    tasks: Names = Field(default=[], description="Only what is about these tasks, by id.")
    severities: Annotated[list[SeverityName], BeforeValidator(_names)] = Field(
        default=[], description="Only these; alarm (of CloudWatch) only for a webhook or a topic."
    )

    @model_validator(mode="after")
    def _together(self) -> DestinationModel:
        for said in self._mistakes():
            raise ValueError(said)
        return self

    def _mistakes(self) -> Iterator[str]:
        kinds = [kind for kind in Kind if getattr(self, kind) is not None]
        if len(kinds) != 1:
            yield f"expected one of {', '.join(Kind)}, found {' and '.join(kinds) or 'none'}"
            return
        if self.webhook and self.format is None:
            yield f"expected a format beside webhook: {', '.join(Format)}"
        if not self.webhook and self.format is not None:
            yield "format: only a webhook has one"
        if self.format is Format.PAGERDUTY and not self.routing_key:
            yield "expected a routingKey: PagerDuty's Events API v2 knows by it whom to call"
        if self.format is not Format.PAGERDUTY and self.routing_key:
            yield "routingKey: only the format pagerduty has one"
        if ALARM in self.severities and not (self.webhook or self.sns):
            yield (
                "severities: SNS cannot tell alarms from the rest, so only a webhook or a topic can have `alarm`;"
                f" {kinds[0]} without restrictions hears alarms, too"
            )
        if ALARM in self.severities and (self.owners or self.tasks):
            yield "severities: an alarm has neither owner nor task; let an entry of its own have `alarm`"
        if (combinations := self.to_destination().combinations) > MOST_COMBINATIONS:
            yield (
                f"owners, tasks and severities make {combinations} combinations, and SNS filters by {MOST_COMBINATIONS}"
                " at most: use fewer, or make several entries"
            )

    def to_destination(self) -> Destination:
        """Returns the destination."""
        (kind,) = (kind for kind in Kind if getattr(self, kind) is not None)
        return Destination(
            kind=kind,
            address=getattr(self, kind),
            format=self.format or Format.JSON,
            routing_key=self.routing_key or "",
            owners=tuple(self.owners),
            tasks=tuple(self.tasks),
            severities=tuple(self.severities),
        )


class NotificationsModel(Model):
    """The receivers of alerts about tasks and of the stack's alarms."""

    to: list[DestinationModel] = Field(default=[], description="Each is told what its restrictions let through.")

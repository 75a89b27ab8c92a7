"""How tasks.yaml says which events start a task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.runs.destinations import reference
from orchestrator.stack import QUEUE_ARN, QUEUE_NAME
from orchestrator.taskfile.fields import Duration
from orchestrator.taskfile.file_model import Model
from orchestrator.tasks import inbound
from orchestrator.tasks.event_start import (
    LONGEST_WINDOW_SECONDS,
    MOST_PATHS,
    OWN_SLOT,
    TEMPLATE_LIMIT,
    EventStart,
    path_mistake,
    paths_in,
    pattern_mistake,
    slot_mistake,
    transformer,
)
from orchestrator.tasks.inbound import Scheme, Webhook
from orchestrator.tasks.task import TASK_ID_PATTERN

#: What follows from the stack is filled in when it is known: :mod:`orchestrator.deployment.event_rules`.
_OWN_STACK, _OWN_OUTCOMES = "${stack}", "${outcomes}"

#: "Task Succeeded" …: docs/reference has the schema of these events.
Outcome = Literal["Started", "Waiting", "Succeeded", "Failed", "Skipped", "Missed", "Recovered"]


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    if mistake := pattern_mistake(value):
        raise ValueError(mistake)
    return value


def _slot(text: str) -> str:
    slot = f"{{{text}}}" if text.startswith("$.") else text
    if mistake := slot_mistake(slot):
        raise ValueError(mistake)
    return slot


def _within(seconds: int) -> int:
    if not 1 <= seconds <= LONGEST_WINDOW_SECONDS:
        raise ValueError(f"expected at least 1 s, and at most a day, found {seconds} s")
    return seconds


def _secret(text: str) -> str:
    """Checks a reference. It may be the secret itself, so no message quotes it."""
    if not reference(text):
        raise ValueError(
            "expected where the secret is kept: ssm:NAME (a parameter of Systems Manager) or secret:NAME (a secret of"
            " Secrets Manager)"
        )
    return text


def _webhook(value: Any) -> Any:
    """A secret alone is a webhook."""
    return {"secret": value} if isinstance(value, str) else value


def _queue(name: str) -> str:
    if not re.fullmatch(f"{QUEUE_NAME}|{QUEUE_ARN}", name):
        raise ValueError(
            "expected a name or an ARN of stack.yaml, which says `queues: {orders: {}}` for a queue of the stack's own"
            f" or `queues: {{orders: {{arn: arn:aws:sqs:…}}}}` for one that is there; found {name[:80]!r}"
        )
    return name


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def events(value: Any) -> Any:
    """One kind of event alone is a list of one."""
    return [value] if isinstance(value, dict) else value


class ObjectModel(Model):
    """Objects that are created in a bucket of S3."""

    bucket: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$",
        description="One of stack.yaml, data-bucket, or another's full name, whose notifications go to EventBridge.",
    )
    prefix: str = Field(default="", max_length=256, description="Of the object's key.")
    suffix: str = Field(default="", max_length=256, description="Of the object's key.")

    def pattern(self) -> dict[str, Any]:
        """Of EventBridge."""
        ends = {"prefix": self.prefix, "suffix": self.suffix}
        given = {name: text for name, text in ends.items() if text}
        # Two operators in one list are alternatives; a wildcard is both.
        key = [{"wildcard": f"{_plain(self.prefix)}*{_plain(self.suffix)}"}] if len(given) == 2 else [given]
        return {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [f"${{bucket:{self.bucket}}}"]},
                **({"object": {"key": key}} if given else {}),
            },
        }


def _plain(text: str) -> str:
    """Without a meaning in a wildcard ("Wildcard matching": a backslash takes it away)."""
    return text.replace("\\", r"\\").replace("*", r"\*")


class WebhookModel(Model):
    """Signed requests to the stack's URL, at the path of the task's id."""

    secret: Annotated[str, AfterValidator(_secret)] = Field(
        description="What senders sign with is kept there: ssm:NAME or secret:NAME; a second line is a second value."
    )
    scheme: Scheme = Field(default=Scheme.STANDARD, strict=False, description="How they sign.")
    name: str = Field(
        default="", pattern="^[A-Za-z0-9_-]{0,32}$", description="The path is TASK/NAME then, for a task with several."
    )

    def to_webhook(self) -> Webhook:
        return Webhook(secret=self.secret, scheme=self.scheme, name=self.name)


class EventModel(Model):
    """Events that start the task: a pattern, objects in a bucket, what becomes of another task, requests, messages."""

    pattern: Annotated[dict[str, Any], AfterValidator(_pattern)] | None = Field(
        default=None, description="Of EventBridge."
    )
    bus: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_./:-]{0,1600}$",
        description="Of EventBridge, by name or ARN; else the default.",
    )
    s3: ObjectModel | None = Field(default=None, description="Objects that are created in a bucket.")
    task: str = Field(
        default="", pattern=f"^({TASK_ID_PATTERN})?$", description="A task whose outcome starts this one."
    )
    outcome: Annotated[list[Outcome], BeforeValidator(_texts)] = Field(
        default=["Succeeded"], min_length=1, description="What has become of that task's run."
    )
    stack: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,64}$", description="The stack of that task; else its own.")
    webhook: Annotated[WebhookModel, BeforeValidator(_webhook)] | None = Field(
        default=None, description="Signed requests; where their secret is kept, or more in detail."
    )
    queue: Annotated[str, AfterValidator(_queue)] | None = Field(
        default=None, description="Messages of a queue of stack.yaml, by its name or its ARN."
    )
    filter: dict[str, Any] = Field(
        default={}, description="Which requests or messages, as a pattern of their body and headers or attributes."
    )
    slot: Annotated[str, AfterValidator(_slot)] | None = Field(
        default=None, max_length=256, description="Which slot an event names, like $.detail.date or a text with paths."
    )
    params: dict[str, Any] | None = Field(
        default=None, description="Over the task's own; texts that begin with $. are paths of the event."
    )
    within: Annotated[Duration, AfterValidator(_within)] | None = Field(
        default=None, description="All events of so long a window are one run, at its end."
    )

    per_day: int = Field(
        default=0, ge=0, le=10_000_000, description="How many are expected: forecast and plan count their dollars."
    )

    @model_validator(mode="after")
    def _together(self) -> EventModel:
        given = [name for name in ("pattern", "s3", "task", "webhook", "queue") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected one of pattern, s3, task, webhook and queue, found {found}")
        if self.within and self.slot:
            raise ValueError("expected slot or within, found both: the slot of a window is its end")
        if not self.task and (self.stack or "outcome" in self.model_fields_set):
            raise ValueError("expected stack and outcome beside task only")
        if mistake := next(self._mistakes(), None):
            raise ValueError(mistake)
        return self

    def _mistakes(self) -> Iterator[str]:
        yield from self._mistakes_of_inbound()
        paths = {*paths_in(self.slot or OWN_SLOT), *paths_in(self.params)}
        yield from (mistake for path in sorted(paths) if (mistake := path_mistake(path)))
        if len(paths) > MOST_PATHS:
            yield f"EventBridge takes at most {MOST_PATHS} paths, found {len(paths)}"
        length = len(transformer("x" * 48, self.to_start("x" * 48), "event")["InputTemplate"])
        if length > TEMPLATE_LIMIT:
            yield f"params: EventBridge takes {TEMPLATE_LIMIT} characters, found {length}; constants go into the task"

    def _mistakes_of_inbound(self) -> Iterator[str]:
        """Of the filter, and of a bus beside it."""
        if not (self.webhook or self.queue):
            if self.filter:
                yield "filter: expected it beside webhook or queue; a pattern says itself which events it is for"
            return
        if self.bus:
            yield "expected no bus: what comes by a webhook or a queue is on the default bus"
        known = inbound.OF_WEBHOOKS if self.webhook else inbound.OF_QUEUES
        if unknown := sorted(self.filter.keys() - set(known)):
            close = get_close_matches(unknown[0], known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            yield f"filter: expected {' and '.join(known)}, found {unknown[0]!r}{hint}"
        elif mistake := pattern_mistake(self.to_start("x" * 48).pattern):
            yield f"filter: {mistake.removeprefix('detail.')}"

    def to_start(self, task_id: str) -> EventStart:
        """What the task has of it."""
        window = {"within_seconds": self.within} if self.within else {}
        if self.s3:
            own = {"bucket": "$.detail.bucket.name", "key": "$.detail.object.key"}
            pattern, slot, params = self.s3.pattern(), OWN_SLOT, own
        elif self.task:
            pattern, slot, params = self._outcomes(), "{$.detail.slot}", {}
        elif self.webhook:
            path = self.webhook.to_webhook().path(task_id)
            pattern = inbound.pattern(inbound.WEBHOOK_RECEIVED, "webhook", path, self.filter)
            slot, params = inbound.ARRIVAL_SLOT, {}
        elif self.queue:
            pattern = inbound.pattern(inbound.MESSAGE_RECEIVED, "queue", f"${{queue:{self.queue}}}", self.filter)
            slot, params = inbound.ARRIVAL_SLOT, {}
        else:
            pattern, slot, params = self.pattern or {}, OWN_SLOT, {}
        outcomes = f"{self.stack}-Outcomes" if self.stack else _OWN_OUTCOMES
        bus = outcomes if self.task and not self.bus else self.bus
        return EventStart(
            pattern=pattern,
            bus="" if bus == "default" else bus,
            slot=self.slot or slot,
            params=params if self.params is None else self.params,
            per_day=self.per_day,
            webhook=self.webhook.to_webhook() if self.webhook else None,
            **window,
        )

    def _outcomes(self) -> dict[str, Any]:
        return {
            "source": ["scheduled-tasks"],
            "detail-type": [f"Task {outcome}" for outcome in self.outcome],
            "detail": {"stack": [self.stack or _OWN_STACK], "task": [self.task]},
        }


def _apart(models: list[EventModel]) -> list[EventModel]:
    """No two webhooks of a task have one path."""
    names = [one.webhook.name for one in models if one.webhook]
    if len(set(names)) < len(names):
        raise ValueError("expected a name for each webhook but one, which are TASK/NAME, found two of one path")
    return models


EventsField = Annotated[list[EventModel], BeforeValidator(events), AfterValidator(_apart), Field(max_length=20)]

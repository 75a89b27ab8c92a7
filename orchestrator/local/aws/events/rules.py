"""Rules of EventBridge and what they call.

moto leaves the account out of an event, knows no Input and no InputPath, lets PutEvents fail with the first target that
it does not know, and delivers for a rule that is disabled. Here a rule's targets get the event
(:mod:`orchestrator.local.aws.events.delivery`), and PutTargets refuses those that would never hear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule

from orchestrator.local.aws.events.delivery import Delivery
from orchestrator.local.aws.events.templates import unknown
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: What the embedded AWS delivers to.
_KNOWN = ("events", "lambda", "logs", "sns", "sqs", "states")

#: Of a rule ("Amazon EventBridge quotas").
_MOST_TARGETS = 5

_ID = r"[\.\-_A-Za-z0-9]+"


def _check(target: Mapping[str, Any], number: int) -> None:
    """Raises for a target that PutTargets refuses; ``number`` is its place in the request, from 1."""
    arn = target["Arn"]
    constraint = (
        f"satisfy regular expression pattern: {_ID}"
        if not re.fullmatch(_ID, target["Id"], re.ASCII)
        else "have length less than or equal to 64"
        if len(target["Id"]) > 64
        else None
    )
    if constraint:
        raise ValidationException(
            f"1 validation error detected: Value '{target['Id']}' at 'targets.{number}.member.id' failed to satisfy"
            f" constraint: Member must {constraint}"
        )
    service = (arn.split(":") + [""] * 3)[2]
    if service == "states" and not target.get("RoleArn"):
        raise ValidationException(f"RoleArn is required for target {arn}.")
    if ("Input" in target) + ("InputPath" in target) + ("InputTransformer" in target) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    if "Input" in target:
        try:
            json.loads(target["Input"])
        except ValueError:
            raise ValidationException(f"JSON syntax error in input for target {target['Id']}") from None
    if (transformer := target.get("InputTransformer")) and (name := unknown(transformer)):
        raise ValidationException(f"InputTemplate for target {target['Id']} contains invalid placeholder {name}.")
    if service not in _KNOWN:
        raise ValidationException(f"The embedded AWS delivers events to {', '.join(sorted(_KNOWN))}, not to {arn}")


def install(aws: Aws) -> None:
    """Delivers to targets, and refuses those that would never hear."""
    put = EventsBackend.put_targets

    @replaces(EventsBackend, "put_targets", digest="4d4fc69a550a")
    def put_targets(self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        for number, target in enumerate(targets, 1):
            _check(target, number)
        rule = self._get_event_bus(self._normalize_event_bus_arn(event_bus_arn)).rules.get(name)
        if rule and len({one["Id"] for one in (*rule.targets, *targets)}) > _MOST_TARGETS:
            raise JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        put(self, name, event_bus_arn, targets)

    @replaces(Rule, "send_to_targets", digest="1deb02b1ef7c")
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if self.state == "DISABLED" or not self.event_pattern.matches_event(original_event):
            return
        moment = datetime.fromtimestamp(float(original_event["time"]), UTC)
        event = {**original_event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        for target in list(self.targets):
            Delivery(aws, self, target if transform_input else {"Arn": target["Arn"]}, event).make()

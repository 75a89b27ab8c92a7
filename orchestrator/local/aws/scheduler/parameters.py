"""What CreateSchedule and UpdateSchedule refuse, and what they set where a request says nothing.

Sources: the constraints of CreateSchedule, FlexibleTimeWindow, RetryPolicy, Target and DeadLetterConfig in Scheduler's
API reference; for expressions LocalStack's recordings (tests/aws/services/scheduler).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.scheduler.exceptions import ValidationException

from orchestrator.errors import InvalidSchedule, InvalidTimezone
from orchestrator.local.aws.scheduler.delivery import UNIVERSAL_TARGET
from orchestrator.schedules import Schedule

_NAME = r"[0-9a-zA-Z\-_.]{1,64}"
_ROLE = r"arn:aws(-[a-z]+)?:iam::\d{12}:role\/[\w+=,.@\/-]+"
_QUEUE = r"arn:aws(-[a-z]+)?:sqs:[a-z0-9\-]+:\d{12}:[a-zA-Z0-9\-_]+"

#: Least and most of each number that a request may have, by the place that AWS names.
_RANGES = {
    "flexibleTimeWindow.maximumWindowInMinutes": (1, 1440),
    "target.retryPolicy.maximumEventAgeInSeconds": (60, 86_400),
    "target.retryPolicy.maximumRetryAttempts": (0, 185),
}

#: A StartDate may be as old.
_AGO = timedelta(minutes=5)


def moment(value: Any) -> datetime | None:
    """A date as requests have it: seconds since 1970, or nothing."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromtimestamp(float(value), UTC)


def complete(target: Mapping[str, Any]) -> dict[str, Any]:
    """A target with all of its retry policy ("RetryPolicy": defaults)."""
    defaults = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    return {**target, "RetryPolicy": {**defaults, **(target.get("RetryPolicy") or {})}}


def check(request: Mapping[str, Any], now: datetime, *, new: bool = True) -> None:
    """Raises moto's ValidationException; ``request`` has the names of moto's backend.

    An old StartDate is refused of a ``new`` schedule: whether of an update, too, is not known.
    """
    target, window = request["target"], request["flexible_time_window"] or {}
    if not re.fullmatch(_NAME, request["name"], re.ASCII):
        raise ValidationException(f"Invalid schedule name {request['name']!r}")
    _check_times(request, now, new=new)
    _check_pattern("target.roleArn", target.get("RoleArn", ""), _ROLE)
    if queue := (target.get("DeadLetterConfig") or {}).get("Arn"):
        _check_pattern("target.deadLetterConfig.arn", queue, _QUEUE)
    numbers = {
        "flexibleTimeWindow.maximumWindowInMinutes": window.get("MaximumWindowInMinutes"),
        "target.retryPolicy.maximumEventAgeInSeconds": target["RetryPolicy"]["MaximumEventAgeInSeconds"],
        "target.retryPolicy.maximumRetryAttempts": target["RetryPolicy"]["MaximumRetryAttempts"],
    }
    for place, number in numbers.items():
        least, most = _RANGES[place]
        if number is not None and not least <= number <= most:
            word, limit = ("greater", least) if number < least else ("less", most)
            _refuse(place, number, f"Member must have value {word} than or equal to {limit}")
    if request.get("state") not in {None, "ENABLED", "DISABLED"}:
        _refuse("state", request["state"], "Member must satisfy enum value set: [ENABLED, DISABLED]")
    if window.get("Mode") not in {"OFF", "FLEXIBLE"}:
        _refuse("flexibleTimeWindow.mode", window.get("Mode"), "Member must satisfy enum value set: [OFF, FLEXIBLE]")
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise ValidationException(
            "FlexibleTimeWindow needs MaximumWindowInMinutes if its Mode is FLEXIBLE, and has none if it is OFF"
        )
    if target["Arn"] != UNIVERSAL_TARGET and not re.search(":(stateMachine|function):", target["Arn"]):
        raise ValidationException(
            f"The embedded AWS delivers to state machines and functions only, not to {target['Arn']}"
        )
    try:
        json.loads(target.get("Input") or "{}")
    except ValueError as fault:
        raise ValidationException("Invalid RequestJson provided. Reason: JSON is not well-formed") from fault


def _check_times(request: Mapping[str, Any], now: datetime, *, new: bool) -> None:
    expression, start, end = request["schedule_expression"], moment(request["start_date"]), moment(request["end_date"])
    if re.search(r"^\s|\(\s|\s\)|\s$", expression):
        # Recorded: Scheduler takes no blank there, which we do.
        raise ValidationException(f"Invalid Schedule Expression {expression}.")
    try:
        Schedule.of(expression, request["schedule_expression_timezone"] or "UTC")
    except InvalidSchedule as fault:
        # Not why: AWS does not say it either, and `orchestrator validate` does.
        raise ValidationException(f"Invalid Schedule Expression {expression}.") from fault
    except InvalidTimezone as fault:
        raise ValidationException("Provided Timezone is invalid.") from fault
    if expression.startswith("at("):
        # "EventBridge Scheduler ignores StartDate and EndDate for one-time schedules."
        return
    if new and start and start < now - _AGO:
        raise ValidationException("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end and end <= now:
        raise ValidationException("The EndDate you specify must be in the future.")
    if start and end and end <= start:
        raise ValidationException("The EndDate you specify must come after the StartDate.")


def _check_pattern(place: str, value: str, pattern: str) -> None:
    if not re.fullmatch(pattern, value, re.ASCII):
        _refuse(place, value, f"Member must satisfy regular expression pattern: {pattern}")


def _refuse(place: str, value: Any, constraint: str) -> None:
    said = f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"
    raise ValidationException(said)

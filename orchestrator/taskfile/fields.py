"""What values of tasks.yaml may be, wherever they stand: lengths of time, expressions, zones, moments, tags, params."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from orchestrator import instants
from orchestrator.errors import InvalidSchedule, InvalidTimezone
from orchestrator.schedules import Schedule, parse
from orchestrator.schedules.spreading import LONGEST_SPREAD_MINUTES
from orchestrator.taskfile import durations
from orchestrator.tasks.task import PARAMS_LIMIT_BYTES


def _expression(text: str) -> str:
    try:
        return str(parse(text))
    except InvalidSchedule as fault:
        raise ValueError(str(fault)) from fault


def _timezone(name: str) -> str:
    try:
        return Schedule.of("rate(1 day)", name).timezone
    except InvalidTimezone as fault:
        raise ValueError(str(fault)) from fault


def names(value: Any) -> Any:
    """One name alone is a list of one."""
    return [value] if isinstance(value, str) else value


def _moment_or_day(value: Any) -> Any:
    """YAML reads what is not in quotes as a date or a moment."""
    try:
        if isinstance(value, str):
            value = date.fromisoformat(value) if len(value) == len("2026-12-25") else datetime.fromisoformat(value)
    except ValueError as fault:
        raise ValueError(f"expected 2026-12-25 or 2026-12-25T08:00:00Z, found {value!r}") from fault
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(f"expected a day, or a moment with its zone like 2026-12-25T08:00:00Z, found {value}")
    return value


def bound(value: date | datetime | None, timezone: str, of_day: time) -> str:
    """Writes a bound as a schedule has it, in UTC; a day is one of the schedule's zone."""
    if value is None:
        return ""
    if not isinstance(value, datetime):
        value = datetime.combine(value, of_day, ZoneInfo(timezone))
    return instants.to_second(value)


def _params(params: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(params, allow_nan=False).encode())
    except (TypeError, ValueError) as fault:
        raise ValueError(f"expected values that JSON has (write dates and times in quotes): {fault}") from fault
    if size > PARAMS_LIMIT_BYTES:
        raise ValueError(f"expected at most {PARAMS_LIMIT_BYTES} bytes of JSON, found {size}: put large data into S3")
    return params


def dollars(value: Any) -> float:
    """Reads dollars a month; 0 is no budget. Raises :class:`ValueError`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not (value == 0 or _CENT <= value <= LARGEST_BUDGET):
        raise ValueError(f"expected dollars a month, as a number: 0 or {_CENT} to {LARGEST_BUDGET:,}; found {value!r}")
    return float(value)


def _owner(name: str) -> str:
    """An owner stands in tables, in mails and in commands to copy."""
    if name != name.strip() or not name.isprintable():
        raise ValueError(
            f"expected a name in one line, without control characters and spaces around it, found {name!r}"
        )
    return name


def _spread(seconds: int) -> int:
    if seconds % 60 or seconds > LONGEST_SPREAD_MINUTES * 60:
        raise ValueError(f"expected whole minutes, at most a day, found {seconds} s")
    return seconds


#: A smaller budget would be shown as none, and a larger one bounds nothing.
_CENT, LARGEST_BUDGET = 0.01, 1_000_000_000

_DURATION_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\s*[smhd]?$"}]}

Duration = Annotated[int, BeforeValidator(durations.seconds), WithJsonSchema(_DURATION_SCHEMA)]
Dollars = Annotated[
    float, BeforeValidator(dollars), WithJsonSchema({"type": "number", "minimum": 0, "maximum": LARGEST_BUDGET})
]
Expression = Annotated[str, AfterValidator(_expression)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Bound = Annotated[date | datetime, BeforeValidator(_moment_or_day), WithJsonSchema({"type": "string"})]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,50}$")]
Owner = Annotated[str, Field(max_length=200), AfterValidator(_owner)]
Spread = Annotated[Duration, AfterValidator(_spread)]
Params = Annotated[dict[str, Any], AfterValidator(_params)]

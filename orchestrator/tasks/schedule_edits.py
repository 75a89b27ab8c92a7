"""Which parameters of a schedule somebody has changed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.schedules import Rate, parse

#: What a request may leave out, and GetSchedule then says.
_LEFT_OUT: Mapping[str, Any] = {"ActionAfterCompletion": "NONE", "EndDate": None, "KmsKeyArn": None, "StartDate": None}


def edits(request: Mapping[str, Any], described: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters of CreateSchedule in which a schedule, as GetSchedule describes it, is not what was requested.

    ``request`` is what would be asked now: a rate may have begun at any earlier slot of its own.
    """
    return tuple(_edits(request, described))


def _edits(request: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*request, *_LEFT_OUT}):
        wanted, there = (one.get(name) or _LEFT_OUT.get(name) for one in (request, described))
        if name == "StartDate" and wanted and there:
            is_same = _same_slots if isinstance(parse(request["ScheduleExpression"]), Rate) else _same
            if not is_same(request["ScheduleExpression"], wanted, there):
                yield name
        elif not _holds(wanted, there):
            yield name


def _same_slots(expression: str, wanted: datetime, described: datetime) -> bool:
    rate = parse(expression)
    assert isinstance(rate, Rate), "nothing else has a StartDate"
    return described <= wanted and not (wanted - described) % rate.period


def _same(_expression: str, wanted: datetime, described: datetime) -> bool:
    return wanted == described


def _holds(wanted: Any, described: Any) -> bool:
    """Whether all that is wanted is there: AWS may say more of a target than it was asked."""
    if isinstance(wanted, Mapping):
        return isinstance(described, Mapping) and all(
            _holds(value, described.get(name)) for name, value in wanted.items()
        )
    return bool(wanted == described)

"""Spreading: each task at its own, stable offset within a window, so that midnight is not a herd.

The offset is a change of the expression itself. So Scheduler, the ledger and whoever asks when a task is due all see
one and the same schedule, and nobody has to know that it was spread. Scheduler's own flexible time window would place
each slot anew, at a moment that nobody can know beforehand.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from orchestrator.schedules.expressions import At, Cron, Expression, Rate, parse

#: A day in minutes: no expression can be moved further.
LONGEST_SPREAD_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Spread:
    """An expression at its place in the window."""

    #: What Scheduler gets. Of a rate it is the same: its phase moves.
    expression: Expression
    #: How much later than written.
    minutes: int


def spread(expression: Expression, *, window_minutes: int, task_id: str) -> Spread:
    """Moves the expression by a number of minutes below ``window_minutes`` that follows from the task's id alone.

    A cron expression stays one expression on the same days, so its window ends early where a slot would pass midnight
    or where only some of its minutes would pass the full hour: ``50 23`` has ten places, ``0/5`` has five.
    """
    places = [minutes for minutes in range(window_minutes) if _moved(expression, minutes) is not None]
    digest = hashlib.sha256(task_id.encode()).digest()
    minutes = places[int.from_bytes(digest[:8], "big") % len(places)] if places else 0
    return Spread(expression=_moved(expression, minutes) or expression, minutes=minutes)


def _moved(expression: Expression, minutes: int) -> Expression | None:
    """The expression so much later, or None where that is no expression."""
    match expression:
        case Cron():
            return _moved_cron(expression, minutes)
        case Rate():
            return expression if timedelta(minutes=minutes) < expression.period else None
        case At():
            return At(local=expression.local + timedelta(minutes=minutes))


def _moved_cron(cron: Cron, minutes: int) -> Cron | None:
    if minutes == 0:
        return cron
    hours_later = {(minute + minutes) // 60 for minute in cron.minutes}
    if len(hours_later) > 1:
        return None
    (later,) = hours_later
    if later and cron.hours[-1] + later > 23:
        return None
    _, _, *days = str(cron).removeprefix("cron(").removesuffix(")").split()
    moved = parse(
        f"cron({_field([(minute + minutes) % 60 for minute in cron.minutes], 60)}"
        f" {_field([hour + later for hour in cron.hours], 24)} {' '.join(days)})"
    )
    assert isinstance(moved, Cron)
    return moved


def _field(values: list[int], limit: int) -> str:
    """The shortest text of a field: ``*``, ``3/15``, ``8-17`` or a list."""
    if len(values) == limit:
        return "*"
    if len(values) > 2:
        first, step = values[0], values[1] - values[0]
        if values == list(range(first, limit, step)):
            return f"{first}/{step}"
        if values == list(range(first, values[-1] + 1)):
            return f"{first}-{values[-1]}"
    return ",".join(map(str, values))

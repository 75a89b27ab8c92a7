"""Several pauses of one task: its own, and those of switches that stop many tasks at once.

The record has one pause, which TaskRunner asks, and no run pays for the others: it is the one that ends last, and the
others stand beside it. What the last one to end says of the slots since it began is what runs then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from orchestrator.instants import order
from orchestrator.runs.task_state import Pause


def each(pause: Pause | None) -> tuple[Pause, ...]:
    """The pauses that stand in one, the one that ends last first."""
    return (replace(pause, beside=()), *pause.beside) if pause else ()


def together(pauses: Iterable[Pause]) -> Pause | None:
    """One pause of several, none of which stands in another; None of none."""
    ordered = tuple(sorted(pauses, key=_end, reverse=True))
    return replace(ordered[0], beside=ordered[1:]) if ordered else None


def added(before: Pause | None, pause: Pause, now: datetime) -> Pause:
    """``pause`` beside those that are on; it takes the place of the one of the same switch, or of the task's own."""
    others = [one for one in each(before) if one.switch != pause.switch and not one.over(now)]
    whole = together([*others, pause])
    assert whole is not None
    return whole


def ended(before: Pause | None, switch: str, end: Pause, now: datetime) -> Pause | None:
    """What is left when the pause of a switch ends, or the task's own, whose switch is empty: the others, or, if there
    are none, ``end``, that pause with an end, which stays until what it has skipped is started. Where there is no such
    pause, nothing ends.
    """
    if of(before, switch) is None:
        return before
    others = [one for one in each(before) if one.switch != switch and not one.over(now)]
    return together(others) or end


def of(pause: Pause | None, switch: str) -> Pause | None:
    """The pause of a switch, or the task's own, among those of a task."""
    return next((one for one in each(pause) if one.switch == switch), None)


def _end(pause: Pause) -> str:
    """An end that is none is later than all."""
    return order(pause.until) if pause.until >= "0" else "~"

"""What a change of a task does to its slots: the next ones, and those that the change itself loses or doubles.

Both schedules are right, and yet the day of the change may have no run, or two: a daily task moved from 09:00 to 08:00
at 08:30 runs next tomorrow; moved from 08:00 to 09:00 at 08:30, it runs twice today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from orchestrator.tasks.slots import expected, upcoming
from orchestrator.tasks.task import Task

#: How many next times are shown, and how many lost ones.
SHOWN = 3
_LOST_SHOWN = 10

#: How far back the last slot is looked for, in steps: schedules that fire often are found at once.
_LOOKBACKS = tuple(timedelta(days=days) for days in (2, 35, 400))


@dataclass(frozen=True, kw_only=True)
class SlotChange:
    """Moments in UTC."""

    next_old: tuple[datetime, ...] = ()
    next_new: tuple[datetime, ...] = ()
    #: Slots of the old schedules that will not run, and that none of the new ones is in place of.
    lost: tuple[datetime, ...] = ()
    #: Slots of the new schedules that follow a run of the old ones too soon.
    doubled: tuple[datetime, ...] = ()


def slot_change(old: Task | None, new: Task | None, now: datetime) -> SlotChange:
    """Compares the slots of a task that becomes ``new`` at ``now``; None stands for a task that does not exist.

    A gap between the last old and the first new slot is no loss, and a short one no doubling, as long as it differs by
    less than half from the gaps that the two schedules leave anyway. A slot of both runs once: they share its row.
    """
    next_old, next_new = _next(old, now), _next(new, now)
    change = SlotChange(next_old=next_old, next_new=next_new)
    last = _last(old, now) if old else None
    if old is None or new is None or old.schedules == new.schedules or last is None:
        return change
    if not next_old or len(next_new) < 2:
        return change
    paces = sorted((next_old[0] - last, next_new[1] - next_new[0]))
    gap = next_new[0] - last
    if gap > paces[1] + paces[0] / 2:
        passed = takewhile(lambda at: at < next_new[0], _running(old, now))
        return SlotChange(next_old=next_old, next_new=next_new, lost=tuple(islice(passed, _LOST_SHOWN)))
    if gap < paces[0] / 2:
        return SlotChange(next_old=next_old, next_new=next_new, doubled=next_new[:1])
    return change


def _running(task: Task, after: datetime) -> Iterator[datetime]:
    return (slot.at for slot in upcoming(task, after) if not slot.skipped)


def _next(task: Task | None, now: datetime) -> tuple[datetime, ...]:
    return tuple(islice(_running(task, now), SHOWN)) if task and task.schedules else ()


def _last(task: Task, now: datetime) -> datetime | None:
    for lookback in _LOOKBACKS:
        if past := [slot.at for slot in expected(task, now - lookback, now) if not slot.skipped]:
            return past[-1]
    return None

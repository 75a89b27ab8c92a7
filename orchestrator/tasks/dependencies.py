"""Which slots of other tasks a slot waits for: arithmetic over the schedules of both.

Everything is worked out in UTC, from the slots that each task expects (:mod:`orchestrator.tasks.slots`), so cadences,
zones and changes of clock need no rules of their own. A slot of the other task that is skipped on purpose, as on a
closed day, is passed over: the one before it counts.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from orchestrator.tasks.slots import expected, key, next_run, times
from orchestrator.tasks.task import Task
from orchestrator.tasks.upstream import SlotOf, Upstream

_DAY = timedelta(days=1)
_INSTANT = timedelta(seconds=1)

#: How far back a slot is looked for, step by step: a year that has no 29 February has nine others around it.
_LOOKS_BACK = (timedelta(hours=2), _DAY, 10 * _DAY, 100 * _DAY, 800 * _DAY, 9 * 366 * _DAY)

#: So long a slot waits where its task says nothing.
LONGEST_HOLD = timedelta(days=7)


def upstream_slots(edge: Upstream, task: Task, upstream: Task, at: datetime) -> tuple[datetime, ...]:
    """The slots of ``upstream`` that the slot ``at`` of ``task`` waits for, in order; none if it has no counterpart."""
    match edge.slot:
        case SlotOf.SAME:
            return _latest(upstream, at)[-1:]
        case SlotOf.LATEST_BEFORE:
            return _latest(upstream, at - _INSTANT)[-1:]
        case SlotOf.PREVIOUS:
            return _latest(upstream, at, count=2)[-2:-1]
        case SlotOf.SAME_DAY:
            begin, end = _day(task, at)
            return tuple(_running(upstream, begin - _INSTANT, end - _INSTANT))


def waiting_span(edge: Upstream, task: Task, upstream: Task, at: datetime) -> tuple[datetime, datetime | None]:
    """Between which slots of ``task``, both included, lie all that wait for the slot ``at`` of ``upstream``; without an
    end where ``upstream`` has no later slot.
    """
    match edge.slot:
        case SlotOf.SAME | SlotOf.LATEST_BEFORE:
            return at, next_run(upstream, at)
        case SlotOf.PREVIOUS:
            following = next_run(upstream, at)
            return at, next_run(upstream, following) if following else None
        case SlotOf.SAME_DAY:
            return _day(task, at)


def same_day_is_closed(task: Task, upstream: Task, at: datetime) -> bool:
    """Whether ``upstream`` has slots on the day of the slot ``at`` of ``task``, and skips all of them on purpose."""
    begin, end = _day(task, at)
    slots = expected(upstream, begin - _INSTANT, end - _INSTANT)
    return bool(slots) and all(slot.skipped for slot in slots)


def deadline_of(task: Task, at: datetime, since: datetime) -> datetime:
    """Until when the slot ``at`` waits, which it does since ``since``.

    A deadline that is a local time is the first such time after the slot. One that has passed when the wait begins, as
    that of a slot which is run again, says nothing of it: then it is as if there were none.
    """
    if task.deadline.isdigit():
        deadline = at + timedelta(seconds=int(task.deadline))
    elif task.deadline:
        deadline = _next_local(task, at, time.fromisoformat(task.deadline))
    else:
        deadline = at + LONGEST_HOLD
    return deadline if deadline > since else since + LONGEST_HOLD


def named(task_id: str, at: datetime) -> str:
    """A slot of a task, for people: ``extract 2026-12-01T06:00:00Z``."""
    return f"{task_id} {key(at)}"


def _running(task: Task, after: datetime, until: datetime) -> list[datetime]:
    return [slot.at for slot in expected(task, after, until) if not slot.skipped]


def _latest(task: Task, until: datetime, count: int = 1) -> tuple[datetime, ...]:
    """The last slots, at least ``count`` if there are so many, that run and are not later than ``until``, in order."""
    found: list[datetime] = []
    for back in _LOOKS_BACK:
        found = _running(task, until - back, until)
        if len(found) >= count:
            break
    return tuple(found)


def _day(task: Task, at: datetime) -> tuple[datetime, datetime]:
    """The day of a moment on the task's clock, as it begins and as the next one does."""
    zone = times(task.schedules[0]).zone if task.schedules else UTC
    today = at.astimezone(zone).date()
    begin, end = (datetime.combine(day, time.min, zone) for day in (today, today + _DAY))
    return begin.astimezone(UTC), end.astimezone(UTC)


def _next_local(task: Task, at: datetime, of_day: time) -> datetime:
    zone = times(task.schedules[0]).zone if task.schedules else UTC
    today = at.astimezone(zone).date()
    days = (datetime.combine(today + days * _DAY, of_day, zone).astimezone(UTC) for days in range(3))
    return next(moment for moment in days if moment > at)

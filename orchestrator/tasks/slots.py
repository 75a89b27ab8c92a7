"""The slots of a task: when it is expected to run, and which slots are skipped on purpose.

What EventBridge Scheduler delivers is one thing; what the task's owner wants at a change of clock or on a closed day is
another. Where the two differ, a slot that Scheduler would not deliver gets a one-time schedule of its own
(:func:`extra_schedules`), and one that it delivers and should not run lies in a closure, at which TaskRunner skips it.
Both are worked out at a deploy, through the end of next year. Each slot has one key in the ledger whoever delivers it,
so it runs once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator import instants
from orchestrator.schedules import Rate, Schedule, parse
from orchestrator.schedules.calendars import Closure, OnClosed, closure_at, longest_run, published_years
from orchestrator.schedules.clock_changes import Ambiguous, ClockChange, Nonexistent, clock_changes
from orchestrator.tasks.task import Task, TaskSchedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)

#: No expression names a year beyond 2199.
_BEYOND = datetime(2200, 1, 2, tzinfo=UTC)

#: The longest search for an open day, and how often one begins, since a window may postpone a moved slot into a closed
#: day again. Both bound how far a slot can move, and so how far :func:`expected` must look.
_SEARCH = timedelta(days=366)
_SEARCHES = 2

#: Why the first of two occurrences does not run.
CLOCK_SET_BACK = "the clock is set back: the second occurrence runs"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One expected occurrence of a task."""

    #: In UTC: the slot's key in the ledger.
    at: datetime
    schedule: TaskSchedule
    #: Whether Scheduler fires the task's schedule then; otherwise a one-time schedule does.
    delivered: bool = True
    #: Why it does not run, if it does not.
    skipped: str | None = None
    #: The local time, without a zone, at which it would have been, had it not been moved.
    moved_from: datetime | None = None
    #: Whether it was moved to the end of a maintenance window.
    postponed: bool = False

    @property
    def local(self) -> datetime:
        return self.at.astimezone(times(self.schedule).zone)

    @property
    def repeated(self) -> bool:
        """Whether the clock shows this local time twice."""
        local = self.local
        return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def key(moment: datetime) -> str:
    """A slot as the ledger writes it: ``2026-12-01T08:00:00Z``."""
    return instants.to_second(moment)


@lru_cache(maxsize=16384)
def times(schedule: TaskSchedule) -> Schedule:
    """When Scheduler fires the schedule. A rate counts from 1970 plus its place in the task's spread: see
    :class:`orchestrator.stores.schedule_group.Schedules`.
    """
    anchor = _EPOCH + timedelta(minutes=schedule.spread_minutes)
    expression = parse(schedule.expression)
    start, end = (datetime.fromisoformat(text) if text else None for text in (schedule.start, schedule.end))
    if start and isinstance(expression, Rate):
        # It counts as it does without a start: from the first of its own slots that is not before it.
        start = anchor - expression.period * ((anchor - start) // expression.period)
    return Schedule(expression=expression, timezone=schedule.timezone, anchor=anchor, start=start, end=end)


def is_rate(schedule: TaskSchedule) -> bool:
    """Whether the schedule is a rate, which counts elapsed time and heeds no change of clock."""
    return isinstance(times(schedule).expression, Rate)


def expected(task: Task, after: datetime, until: datetime) -> list[Slot]:
    """Returns every slot later than ``after`` and not later than ``until``, in order, skipped ones included.

    Where several schedules of a task name one moment it is one slot.
    """
    later, earlier = _reach(task) if task.moves_slots else (timedelta(0), timedelta(0))
    slots: dict[datetime, Slot] = {}
    for schedule in task.schedules:
        for slot in _considered(task, schedule, after - later, until + earlier):
            if after < slot.at <= until and _is_within(schedule, slot.at):
                slots[slot.at] = _either(slots.get(slot.at), slot)
    return [slots[at] for at in sorted(slots)]


def _is_within(schedule: TaskSchedule, at: datetime) -> bool:
    """Whether a slot that was moved is still between the schedule's bounds."""
    bounds = times(schedule)
    return (bounds.start is None or at >= bounds.start) and (bounds.end is None or at <= bounds.end)


def upcoming(task: Task, after: datetime) -> Iterator[Slot]:
    """Yields every slot later than ``after``, in order, for as long as there are any."""
    begin, step = after, _DAY
    while begin < _BEYOND:
        yield from expected(task, begin, begin + step)
        begin, step = begin + step, min(2 * step, 366 * _DAY)


def next_run(task: Task, after: datetime) -> datetime | None:
    """The first slot later than ``after`` that runs."""
    return next((slot.at for slot in upcoming(task, after) if not slot.skipped), None)


def nonexistent(schedule: TaskSchedule, after: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Local times (without a zone) of a schedule that the clock never shows, each with the moment of the change."""
    for change, local in _in_clock_changes(schedule, after, until):
        if change.is_forward and after < change.at <= until:
            yield change.at, local


def extra_schedules(task: Task, now: datetime) -> list[TaskSchedule]:
    """One-time schedules for the slots to come that the task's own schedules do not deliver."""
    if task.follows_scheduler:
        return []
    until = datetime.combine(published_years(now.date())[1], datetime.min.time(), UTC) - _INSTANT
    return [
        TaskSchedule(expression=f"at({slot.at:%Y-%m-%dT%H:%M:%S})")
        for slot in expected(task, now, until)
        if not slot.delivered
    ]


def with_passed_over(task: Task, today: date) -> Task:
    """Returns a task that passes over the first of two equal local times, with a closure for each such time."""
    first, beyond = (datetime(day.year, 1, 1, tzinfo=UTC) for day in published_years(today))
    passed_over = [
        Closure(since=slot.at, until=slot.at + timedelta(seconds=1), why=CLOCK_SET_BACK)
        for slot in expected(task, first - _INSTANT, beyond - _INSTANT)
        if slot.skipped == CLOCK_SET_BACK and closure_at(task.closures, slot.at) is None
    ]
    return replace(task, closures=tuple(sorted((*task.closures, *passed_over), key=lambda closure: closure.since)))


def _either(one: Slot | None, other: Slot) -> Slot:
    """Merges two slots of one moment: it runs if either runs, and is delivered if either is."""
    if one is None:
        return other
    first = other if one.skipped and not other.skipped else one
    return replace(first, delivered=one.delivered or other.delivered)


def _considered(task: Task, schedule: TaskSchedule, after: datetime, until: datetime) -> Iterator[Slot]:
    for slot in _at_clock_changes(task, schedule, after, until):
        closure = None if slot.skipped else closure_at(task.closures, slot.at)
        if closure is None:
            yield slot
            continue
        yield replace(slot, skipped=closure.why)
        moved = _moved(task, slot, closure)
        if moved is not None:
            yield moved


def _at_clock_changes(task: Task, schedule: TaskSchedule, after: datetime, until: datetime) -> Iterator[Slot]:
    """Yields what Scheduler fires, changed by the task's own rules for changes of clock."""
    passed_over: set[datetime] = set()
    if task.nonexistent is not Nonexistent.SKIP or task.ambiguous is not Ambiguous.FIRST:
        for change, local in _in_clock_changes(schedule, after, until):
            if change.is_forward and task.nonexistent is Nonexistent.NEXT_VALID:
                yield Slot(at=change.at, schedule=schedule, delivered=False, moved_from=local)
            elif not change.is_forward and task.ambiguous is Ambiguous.SECOND:
                passed_over.add((local - change.before).replace(tzinfo=UTC))
                yield Slot(at=(local - change.after).replace(tzinfo=UTC), schedule=schedule, delivered=False)
    for at in times(schedule).between(after, until):
        yield Slot(at=at, schedule=schedule, skipped=CLOCK_SET_BACK if at in passed_over else None)


def _in_clock_changes(
    schedule: TaskSchedule, after: datetime, until: datetime
) -> Iterator[tuple[ClockChange, datetime]]:
    """The local times of a schedule that a change of clock leaves out or repeats. A rate has none: it counts hours."""
    fired = times(schedule)
    if isinstance(fired.expression, Rate):
        return
    for change in clock_changes(fired.zone, after - _DAY, until + _DAY):
        # The same expression on a clock that is never set: its times, taken as UTC, are the local times as written.
        written = Schedule(expression=fired.expression)
        first, end = (moment.replace(tzinfo=UTC) for moment in (change.first, change.end))
        for local in written.between(first - _INSTANT, end - _INSTANT):
            yield change, local.replace(tzinfo=None)


def _reach(task: Task) -> tuple[timedelta, timedelta]:
    """How much later and how much earlier than written a slot can run, at most."""
    windows = ((one.since, one.postponed_to) for one in task.closures if one.postponed_to)
    postponed = longest_run(windows)
    if task.on_closed is OnClosed.SKIP:
        return postponed, timedelta(0)
    # A search goes by days, so it can pass over any gap that is shorter than one. A step of 25 hours, of which no year
    # has two, can take it over one gap of a day from one run of closed days into another.
    days = ((one.since, one.until) for one in task.closures if not one.maintenance)
    search = min(2 * longest_run(days, gap=_DAY - _INSTANT), _SEARCH) + 2 * _DAY
    searches = _SEARCHES if postponed else 1
    postponed *= searches + 1
    if task.on_closed is OnClosed.NEXT_BUSINESS_DAY:
        return searches * search + postponed, timedelta(0)
    return postponed, searches * search


def _moved(task: Task, slot: Slot, closure: Closure) -> Slot | None:
    """Where a slot of a closure runs instead; None if it is to be skipped.

    A window postpones it to its end, or skips it. A closed day moves it to an open one, whose windows then hold for it
    as for the slots of that day.
    """
    moved, to = _postponed(task, slot, closure)
    for _ in range(_SEARCHES):
        if to is None:
            break
        opened = None if to.maintenance else _next_open(task, moved)
        if opened is None:
            return None
        moved, to = _postponed(task, opened, closure_at(task.closures, opened.at))
    return moved if to is None else None


def _postponed(task: Task, slot: Slot, closure: Closure | None) -> tuple[Slot, Closure | None]:
    """The slot at the end of the last of the windows that follow each other and postpone it, and the closure that holds
    it there.
    """
    while closure is not None and closure.postponed_to is not None:
        slot = replace(_at(slot, closure.postponed_to), postponed=True)
        closure = closure_at(task.closures, slot.at)
    return slot, closure


def _next_open(task: Task, slot: Slot) -> Slot | None:
    """The slot, moved to the nearest open day; None if it is to be skipped, or nothing is open for a year."""
    if task.on_closed is OnClosed.SKIP:
        return None
    local = slot.local.replace(tzinfo=None)
    zone = times(slot.schedule).zone
    direction = 1 if task.on_closed is OnClosed.NEXT_BUSINESS_DAY else -1
    for days in range(1, _SEARCH.days + 1):
        # A local time that does not exist on that day becomes, by PEP 495's rule, one just after the change.
        at = (local + direction * days * _DAY).replace(tzinfo=zone).astimezone(UTC)
        closure = closure_at(task.closures, at)
        if closure is None or closure.maintenance:
            return _at(slot, at)
    return None


def _at(slot: Slot, at: datetime) -> Slot:
    """The slot at another time, for which it needs a schedule of its own."""
    return replace(slot, at=at, delivered=False, moved_from=slot.moved_from or slot.local.replace(tzinfo=None))


def in_zone_of(task: Task, moment: datetime) -> datetime:
    """A moment in UTC; one without a zone is one of the task's first schedule's."""
    zone = ZoneInfo(task.schedules[0].timezone if task.schedules else "UTC")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

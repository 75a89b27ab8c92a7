"""A task's slots as text for people and as JSON for programs, with everything that a change of clock does to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from orchestrator.schedules.clock_changes import Nonexistent
from orchestrator.tasks.dependencies import named, upstream_slots
from orchestrator.tasks.slots import Slot, key, nonexistent, times, upcoming
from orchestrator.tasks.task import Task, TaskSchedule

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A slot; or a local time that does not exist, which is none."""

    #: On the clock of the schedule's zone; without an offset if it does not exist.
    local: datetime
    schedule: TaskSchedule
    #: In UTC.
    slot: datetime | None
    runs: bool
    #: What is out of the ordinary.
    marks: tuple[str, ...] = ()
    #: The slots of other tasks that it waits for: ``extract 2026-12-01T06:00:00Z``.
    after: tuple[str, ...] = ()


def lines(task: Task, begin: datetime, *, count: int | None, until: datetime | None) -> list[Line]:
    """So many slots from ``begin`` on, or all that are not later than ``until``, or both; and what lies between them.

    At least one of ``count`` and ``until`` must be given: a schedule goes on for centuries.
    """
    assert count is not None or until is not None
    slots: Iterator[Slot] = upcoming(task, begin - _INSTANT)
    if until is not None:
        slots = takewhile(lambda slot: slot.at <= until, slots)
    chosen = list(islice(slots, count))
    end = until if until is not None and (count is None or len(chosen) < count) else chosen[-1].at if chosen else begin
    shown = [(slot.at, _line(slot)) for slot in chosen]
    if task.nonexistent is Nonexistent.SKIP:
        for schedule in task.schedules:
            shown += [(at, _gap(schedule, local)) for at, local in nonexistent(schedule, begin - _INSTANT, end)]
    return [line for _, line in sorted(shown, key=lambda one: one[0])]


def value(line: Line) -> dict[str, Any]:
    """A slot as a program gets it. Raises AssertionError for a time that is no slot."""
    assert line.slot is not None
    return {
        "slot": key(line.slot),
        "local": line.local.isoformat(),
        "timezone": line.schedule.timezone,
        "weekday": f"{line.local:%A}",
        "expression": line.schedule.expression,
        "runs": line.runs,
        "marks": list(line.marks),
        **({"after": list(line.after)} if line.after else {}),
    }


def waiting(line: Line, task: Task, tasks: Mapping[str, Task]) -> Line:
    """The line, with what the slot waits for, by the tasks of a file."""
    if line.slot is None or not line.runs:
        return line
    after = tuple(
        named(edge.task_id, at)
        for edge in task.after
        if edge.task_id in tasks
        for at in upstream_slots(edge, task, tasks[edge.task_id], line.slot)
    )
    return replace(line, after=after)


def _line(slot: Slot) -> Line:
    return Line(
        local=slot.local, schedule=slot.schedule, slot=slot.at, runs=slot.skipped is None, marks=tuple(_marks(slot))
    )


def _marks(slot: Slot) -> Iterator[str]:
    if slot.skipped:
        yield f"skipped: {slot.skipped}"
    if slot.moved_from and slot.postponed:
        yield f"postponed from {slot.moved_from:%a %H:%M}"
    elif slot.moved_from:
        yield _moved(slot, slot.moved_from)
    if slot.repeated:
        yield "the second of two" if slot.local.fold else "the first of two"
    if slot.schedule.spread_minutes:
        yield f"spread by {slot.schedule.spread_minutes} min"


def _moved(slot: Slot, written: datetime) -> str:
    if written.date() == slot.local.date():
        return f"for {written:%H:%M}, which does not exist"
    return f"moved from {written:%a %Y-%m-%d}"


def _gap(schedule: TaskSchedule, local: datetime) -> Line:
    return Line(local=local, schedule=schedule, slot=None, runs=False, marks=("does not exist: no slot",))


def zone_name(line: Line) -> str:
    """Returns the name of the clock's zone then: ``CET``; empty for a time that does not exist."""
    if line.slot is None:
        return ""
    return line.slot.astimezone(times(line.schedule).zone).tzname() or ""

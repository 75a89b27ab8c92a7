"""What the tasks of a file wait for, taken together: who waits for whom, and what can never come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile

from orchestrator.taskfile.problems import did_you_mean
from orchestrator.tasks.dependencies import named, same_day_is_closed, upstream_slots
from orchestrator.tasks.slots import Slot, expected, upcoming
from orchestrator.tasks.task import Task
from orchestrator.tasks.upstream import SlotOf, Upstream

#: Every slot of so many days is looked at where the day counts, and the first so many slots in any case.
_DAYS, _SLOTS = 9, 24

#: Nobody needs an example that far away.
_FAR = timedelta(days=500)

#: Slots that lie before the one that waits for them, so that no circle closes.
_EARLIER = frozenset({SlotOf.PREVIOUS, SlotOf.LATEST_BEFORE})

#: Called with a task's id and a mistake in its ``after``.
Report = Callable[[str, str], None]


def chained(tasks: Sequence[Task], names: Collection[str], today: date, report: Report) -> tuple[Task, ...]:
    """The tasks, each with those that wait for it. ``names`` are those of all tasks of the file, the wrong ones too."""
    by_id = {task.id: task for task in tasks}
    begin = datetime.combine(today, time.min, UTC)
    for task in tasks:
        for edge in task.after:
            upstream = by_id.get(edge.task_id)
            if edge.task_id not in names:
                report(task.id, f"there is no task {edge.task_id!r}{did_you_mean(edge.task_id, names)}")
            elif upstream is not None and (mistake := _without_counterpart(edge, task, upstream, begin)):
                report(task.id, mistake)
    for circle in _circles(by_id):
        report(circle[0], _said(circle, by_id, begin))
    downstream = _downstream(tasks)
    return tuple(replace(task, downstream=downstream[task.id]) if task.id in downstream else task for task in tasks)


def _downstream(tasks: Sequence[Task]) -> dict[str, tuple[str, ...]]:
    """Of each task that others wait for, those, in the order of the file."""
    found: dict[str, dict[str, None]] = {}
    for task in tasks:
        for edge in task.after:
            found.setdefault(edge.task_id, {})[task.id] = None
    return {task_id: tuple(waiting) for task_id, waiting in found.items()}


def _without_counterpart(edge: Upstream, task: Task, upstream: Task, begin: datetime) -> str:
    """The first slot, soon, for which there is nothing to wait; empty if there is none."""
    if not upstream.schedules:
        return f"{upstream.id} has no schedule, so it has no slots to wait for"
    for slot in _looked_at(edge, task, begin):
        if upstream_slots(edge, task, upstream, slot.at):
            continue
        if edge.slot is SlotOf.SAME_DAY and same_day_is_closed(task, upstream, slot.at):
            continue
        lacks = {
            SlotOf.SAME: "none then or before",
            SlotOf.SAME_DAY: "none on that day",
            SlotOf.PREVIOUS: "no second one before",
            SlotOf.LATEST_BEFORE: "none before",
        }[edge.slot]
        hint = "; say slot: latest before" if edge.slot is SlotOf.SAME_DAY else ""
        return f"the slot of {_day(slot)} has no counterpart: {upstream.id} has {lacks}{hint}"
    return ""


def _looked_at(edge: Upstream, task: Task, begin: datetime) -> Iterator[Slot]:
    """Where one slot has an earlier one, all later ones have; but each day has its own."""
    soon = takewhile(lambda slot: slot.at < begin + _FAR, upcoming(task, begin))
    running = (slot for slot in soon if not slot.skipped)
    if edge.slot is not SlotOf.SAME_DAY:
        yield from islice(running, 1)
        return
    days = {slot.local.date(): slot for slot in expected(task, begin, begin + timedelta(days=_DAYS))}
    yield from (slot for slot in days.values() if not slot.skipped)
    yield from islice(running, _SLOTS)


def _circles(tasks: Mapping[str, Task]) -> Iterator[list[str]]:
    """Of tasks whose slots would wait for each other, each circle once, from the task that is first in the file.

    Where an edge leads to an earlier slot no circle closes, unless another one may lead to a later one of that day.
    """
    seen: set[frozenset[str]] = set()
    for start in tasks:
        paths: list[tuple[list[str], frozenset[SlotOf]]] = [([start], frozenset())]
        reached: set[tuple[str, frozenset[SlotOf]]] = set()
        while paths:
            path, kinds = paths.pop()
            for edge in tasks[path[-1]].after:
                on_the_way = kinds | {edge.slot}
                closes = not on_the_way & _EARLIER or SlotOf.SAME_DAY in on_the_way
                if edge.task_id == start and closes and frozenset(path) not in seen:
                    seen.add(frozenset(path))
                    yield path
                elif edge.task_id in tasks and edge.task_id not in path and (edge.task_id, on_the_way) not in reached:
                    reached.add((edge.task_id, on_the_way))
                    paths.append(([*path, edge.task_id], on_the_way))


def _said(circle: Sequence[str], tasks: Mapping[str, Task], begin: datetime) -> str:
    first = tasks[circle[0]]
    slot = next((slot for slot in upcoming(first, begin) if not slot.skipped), None)
    way = " → ".join([*circle, circle[0]])
    example = f"; the slot of {_day(slot)} would wait for itself: {_steps(circle, tasks, slot.at)}" if slot else ""
    return f"tasks would wait for each other for ever: {way}{example}; one of them can say slot: latest before"


def _steps(circle: Sequence[str], tasks: Mapping[str, Task], at: datetime) -> str:
    steps = [named(circle[0], at)]
    for task_id, following in zip(circle, [*circle[1:], circle[0]], strict=True):
        edge = next(edge for edge in tasks[task_id].after if edge.task_id == following)
        found = upstream_slots(edge, tasks[task_id], tasks[following], at)
        if not found:
            break
        at = found[-1]
        steps.append(named(following, at))
    return " → ".join(steps)


def _day(slot: Slot) -> str:
    return f"{slot.local:%A %Y-%m-%d %H:%M} {slot.schedule.timezone}"

"""What a task waits for and who waits for it, up and down, and which slots its next slot waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.tasks.dependencies import upstream_slots
from orchestrator.tasks.task import Task

#: So many tasks are shown in each direction.
_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A task above or below, at so many steps: 1 is next to it."""

    task_id: str
    steps: int
    #: Of which slots it speaks, for one above: ``same``, ``previous``, …; empty below.
    slot: str = ""
    #: Of one directly above, the slots that the next slot waits for.
    slots: tuple[datetime, ...] = ()
    #: Whether the registry has such a task.
    known: bool = True


def linked(task: Task) -> bool:
    """Whether the task waits for others, or others for it."""
    return bool(task.after or task.downstream)


def above(task: Task, tasks: Mapping[str, Task], following: datetime | None) -> tuple[Neighbour, ...]:
    """What the task waits for, and what that waits for, the nearest first; ``following`` is its next slot."""
    found = []
    for edge in task.after:
        other = tasks.get(edge.task_id)
        slots = upstream_slots(edge, task, other, following) if other and following else ()
        found.append(Neighbour(task_id=edge.task_id, steps=1, slot=edge.slot, slots=slots, known=edge.task_id in tasks))
    direct = [one.task_id for one in found]
    return (*found, *_further(direct, tasks, lambda one: [edge.task_id for edge in one.after], task.id))


def below(task: Task, tasks: Mapping[str, Task]) -> tuple[Neighbour, ...]:
    """Who waits for the task, and who for those, the nearest first."""
    direct = [Neighbour(task_id=name, steps=1, known=name in tasks) for name in task.downstream]
    names = [one.task_id for one in direct]
    return (*direct, *_further(names, tasks, lambda one: one.downstream, task.id))


def _further(
    names: Sequence[str], tasks: Mapping[str, Task], following: Callable[[Task], Iterable[str]], own: str
) -> list[Neighbour]:
    seen, found, steps = {own, *names}, list[Neighbour](), 1
    while names and len(found) < _MOST:
        steps += 1
        reached = [far for name in names if name in tasks for far in following(tasks[name])]
        names = [name for name in dict.fromkeys(reached) if name not in seen]
        seen.update(names)
        found += [Neighbour(task_id=name, steps=steps, known=name in tasks) for name in names]
    return found[:_MOST]

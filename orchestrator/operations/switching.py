"""A switch that pauses many tasks at once: those with a tag, those of an owner, or all.

The switch is kept before the first task is paused, so that a task which is deployed meanwhile is paused by its
deployment; and forgotten before the first is resumed. Either can be cut off anywhere and done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from operator import itemgetter

from orchestrator.runs.pauses import added, each, of
from orchestrator.runs.task_state import Pause, Record
from orchestrator.stores.registry import Registry
from orchestrator.stores.switches import Switches
from orchestrator.tasks.scope import Scope
from orchestrator.tasks.task import CatchUp, Task


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a switch has made of one task."""

    task_id: str
    #: Slots that were started.
    started: tuple[str, ...] = ()
    #: The pauses that are on beside the switch, or still on without it.
    others: tuple[Pause, ...] = ()
    #: What went wrong, if something has; the switch can be used again.
    fault: str = ""


def covered(registry: Registry, scope: Scope) -> list[Record]:
    """The tasks of a scope, by id."""
    return sorted((one for one in registry.all() if scope.covers(one.task)), key=lambda one: one.task.id)


def turn_on(registry: Registry, switches: Switches, scope: Scope, pause: Pause, now: datetime) -> Iterator[Change]:
    """Pauses the tasks of the scope, and says of each what came of it."""
    made = replace(pause, switch=scope.key)
    switches.turn_on(made)
    for record in covered(registry, scope):
        yield _each(record.task.id, partial(_pause, registry, made, now))


def turn_off(
    registry: Registry,
    switches: Switches,
    scope: Scope,
    resume: Callable[[str, Pause], list[str]],
    *,
    on_resume: CatchUp | None = None,
) -> Iterator[Change]:
    """Ends what the switch has paused, whatever tags and owners its tasks have now. ``resume`` ends a task's pause, and
    gives the slots that it has started.
    """
    switches.turn_off(scope.key)
    paused = [(record.task.id, of(record.pause, scope.key)) for record in registry.all()]
    for task_id, pause in sorted(((task_id, pause) for task_id, pause in paused if pause), key=itemgetter(0)):
        ended = replace(pause, on_resume=on_resume) if on_resume else pause
        yield _each(task_id, partial(_resume, registry, resume, ended))


def pause_deployed(registry: Registry, on: Iterable[Pause], task: Task, now: datetime) -> None:
    """Pauses a task that has been registered before somebody looked which switches are ``on``, if one covers it."""
    for made in covering(on, task):
        registry.change_pause(task.id, partial(_with, made, now))


def covering(on: Iterable[Pause], task: Task) -> list[Pause]:
    """Those of the switches that are on which cover the task."""
    return [pause for pause in on if Scope.from_key(pause.switch).covers(task)]


def _with(pause: Pause, now: datetime, before: Pause | None) -> Pause | None:
    """The pause of a switch beside others, unless it is there already."""
    return before if of(before, pause.switch) else added(before, pause, now)


def _pause(registry: Registry, pause: Pause, now: datetime, task_id: str) -> Change:
    changed = registry.change_pause(task_id, lambda before: added(before, pause, now))
    others = each(changed[1]) if changed else ()
    return Change(task_id=task_id, others=tuple(one for one in others if one.switch != pause.switch))


def _resume(registry: Registry, resume: Callable[[str, Pause], list[str]], pause: Pause, task_id: str) -> Change:
    started = resume(task_id, pause)
    record = registry.get(task_id)
    return Change(task_id=task_id, started=tuple(started), others=each(record.pause if record else None))


def _each(task_id: str, do: Callable[[str], Change]) -> Change:
    """A fault with one task stops no other."""
    try:
        return do(task_id)
    except Exception as fault:
        return Change(task_id=task_id, fault=f"{type(fault).__name__}: {fault}")

"""Reconciles tasks and schedules with tasks.yaml: finds what there is, and plans the operations.

Every operation can be done twice, and they stand in an order in which it is safe to stop anywhere: task after task,
each registered before a schedule names it; then what goes, a task's schedules before it does. The next plan holds what
is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.operations import switching
from orchestrator.runs.task_state import Item, Pause
from orchestrator.stores.registry import Registry, registered_as
from orchestrator.stores.schedule_group import Schedules
from orchestrator.stores.switches import Switches
from orchestrator.tasks.records import item_of
from orchestrator.tasks.schedule_names import schedule_name, task_of
from orchestrator.tasks.scope import Scope
from orchestrator.tasks.slots import extra_schedules, times
from orchestrator.tasks.task import Task, TaskSchedule


@dataclass(frozen=True, kw_only=True)
class Register:
    """Write what a task declares."""

    task: Task
    is_new: bool
    #: Whether they are others than before.
    rescheduled: bool = False
    #: The switches that are on and cover it: it is paused with the others.
    switches: tuple[Pause, ...] = ()

    @property
    def task_id(self) -> str:
        return self.task.id

    def __str__(self) -> str:
        paused = "".join(f", paused with {Scope.from_key(one.switch)} by {one.who}" for one in self.switches)
        return f"{'register' if self.is_new else 'update'} task {self.task.id}{paused}"


@dataclass(frozen=True, kw_only=True)
class CreateSchedule:
    task_id: str
    schedule: TaskSchedule

    def __str__(self) -> str:
        return f"create schedule {_said(self.task_id, self.schedule)}"


@dataclass(frozen=True, kw_only=True)
class UpdateSchedule:
    """Write a schedule anew: the settings of all have changed, or somebody has edited or disabled it."""

    task_id: str
    schedule: TaskSchedule
    #: The parameters of CreateSchedule that somebody has changed.
    edited: tuple[str, ...] = ()

    def __str__(self) -> str:
        edited = f": somebody has changed its {', '.join(self.edited)}" if self.edited else ""
        return f"update schedule {_said(self.task_id, self.schedule)}{edited}"


@dataclass(frozen=True, kw_only=True)
class DeleteSchedule:
    name: str

    def __str__(self) -> str:
        return f"delete schedule {self.name}"


@dataclass(frozen=True, kw_only=True)
class Remove:
    """Remove a task's record; its rows in the ledger stay."""

    task_id: str

    def __str__(self) -> str:
        return f"remove task {self.task_id}"


@dataclass(frozen=True, kw_only=True)
class RecordFingerprint:
    """Say that every schedule has today's settings, and when a deployment last wrote one."""

    def __str__(self) -> str:
        return "record that all schedules are up to date"


Operation = Register | CreateSchedule | UpdateSchedule | DeleteSchedule | Remove | RecordFingerprint


@dataclass(frozen=True, kw_only=True)
class Found:
    """Tasks and schedules as AWS has them."""

    #: What each task was registered as, by id.
    registered: Mapping[str, Item]
    #: Each schedule of the group, and whether it is enabled.
    schedules: Mapping[str, bool]
    #: Whether all schedules were written with today's settings.
    up_to_date: bool
    #: Which schedules somebody has edited since, and in which parameters.
    edited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: The switches that are on.
    switches: tuple[Pause, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The operations of a reconciliation, in order."""

    operations: tuple[Operation, ...]
    #: Schedules, with their task's id, that are not created because no slot of theirs is left.
    over: tuple[tuple[str, TaskSchedule], ...] = ()
    #: Schedules of the group that belong to no task: somebody else's, which stay.
    foreign: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The plan for a reader."""
        yield from map(str, self.operations)
        for task_id, schedule in self.over:
            yield f"skip schedule {_said(task_id, schedule)}: it is in the past"
        for name in self.foreign:
            yield f"leave schedule {name}: it belongs to no task, yet is in the group; whoever made it should move it"


def find(registry: Registry, schedules: Schedules, switches: Switches, tasks: Sequence[Task], now: datetime) -> Found:
    """Reads only: a call for each page of records and of schedules, two more, and one for each schedule that was
    modified after a deployment last wrote one. Records are read beside the schedules, since AWS answers both at once.
    """
    with ThreadPoolExecutor(1) as beside:
        registered = beside.submit(registry.declared)
        listed, recorded = schedules.listed(), schedules.recorded()
    up_to_date = recorded.fingerprint == schedules.fingerprint and (recorded.written is not None or not listed)
    edited: dict[str, tuple[str, ...]] = {}
    if up_to_date and recorded.written:
        # The record is to the second, and the last write may have been at its end.
        since = recorded.written + timedelta(seconds=1)
        for name, (task_id, schedule) in _wanted(tasks, now).items():
            if (
                name in listed
                and listed[name].modified >= since
                and (changed := schedules.edits(name, task_id, schedule))
            ):
                edited[name] = changed
    return Found(
        registered=registered.result(),
        schedules={name: one.enabled for name, one in listed.items()},
        up_to_date=up_to_date,
        edited=edited,
        switches=tuple(switches.on(now)),
    )


def _wanted(tasks: Sequence[Task], now: datetime) -> dict[str, tuple[str, TaskSchedule]]:
    """The schedules that the tasks are to have, each with its task's id, by name."""
    return {
        schedule_name(task.id, schedule): (task.id, schedule)
        for task in tasks
        for one in (*task.schedules, *extra_schedules(task, now))
        for schedule in (one if one.express == task.express else replace(one, express=task.express),)
    }


def plan(tasks: Sequence[Task], current: Found, now: datetime) -> Plan:
    """Plans the operations that make ``current`` into ``tasks``.

    A schedule of the group that belongs to no task, neither of ``tasks`` nor registered, is somebody else's and stays.
    """
    wanted = _wanted(tasks, now)
    places = {task.id: place for place, task in enumerate(tasks)}
    removed = current.registered.keys() - places.keys()
    ids = places.keys() | removed

    registers = [
        Register(
            task=task,
            is_new=task.id not in current.registered,
            rescheduled=_rescheduled(current.registered.get(task.id), task),
            switches=tuple(switching.covering(current.switches, task)),
        )
        for task in tasks
        if task.id not in current.registered or not registered_as(current.registered[task.id], task)
    ]
    absent = [value for name, value in wanted.items() if name not in current.schedules]
    over = {value for value in absent if times(value[1]).next_after(now) is None}
    creates = [
        CreateSchedule(task_id=id_, schedule=schedule) for id_, schedule in absent if (id_, schedule) not in over
    ]
    updates = [
        UpdateSchedule(task_id=id_, schedule=schedule, edited=current.edited.get(name, ()))
        for name, (id_, schedule) in wanted.items()
        if name in current.schedules
        and (name in current.edited or not (current.up_to_date and current.schedules[name]))
    ]
    unwanted = [name for name in sorted(current.schedules) if name not in wanted]
    of_tasks = [name for name in unwanted if task_of(name) in ids]
    deletes = [DeleteSchedule(name=name) for name in of_tasks]
    removes = [Remove(task_id=id_) for id_ in sorted(removed)]
    fingerprint = [RecordFingerprint()] if creates or updates or not current.up_to_date else []
    # Of a task, what registers it stays the first.
    writes: list[Register | CreateSchedule | UpdateSchedule] = [*registers, *creates, *updates]
    writes.sort(key=lambda write: places[write.task_id])
    return Plan(
        operations=(*writes, *deletes, *removes, *fingerprint),
        over=tuple(value for value in absent if value in over),
        foreign=tuple(name for name in unwanted if task_of(name) not in ids),
    )


def _rescheduled(item: Item | None, task: Task) -> bool:
    """Whether a task that is registered already is due at other times from now on."""
    if item is None:
        return False
    declared = item_of(task)
    times = ["schedules", "nonexistent", "ambiguous", "onClosed"] + (["closures"] if not task.follows_scheduler else [])
    return any(item.get(name) != declared[name] for name in times)


def _said(task_id: str, schedule: TaskSchedule) -> str:
    return f"{schedule.expression} {schedule.timezone} of {task_id}"

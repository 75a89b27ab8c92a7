"""Carries out the operations of a reconciliation: writes to the registry and to EventBridge Scheduler.

Both are written at the same time, each as fast as AWS admits: a schedule follows as soon as its task is registered, and
paused, where a switch that is on covers it. What goes does so when all that comes is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from threading import Event, Lock

from orchestrator.deployment.quotas import REGISTRY_WRITES, SCHEDULE_WRITES, TokenBucket
from orchestrator.deployment.reconciliation import (
    CreateSchedule,
    DeleteSchedule,
    Operation,
    RecordFingerprint,
    Register,
    Remove,
    UpdateSchedule,
)
from orchestrator.operations import switching
from orchestrator.runs.missed_slots import SETTLING, first_checkpoint
from orchestrator.runs.task_state import Pause
from orchestrator.stores.registry import Registry
from orchestrator.stores.schedule_group import Schedules
from orchestrator.stores.switches import Switches
from orchestrator.tasks.schedule_names import schedule_name
from orchestrator.tasks.task import Task

#: Requests at a time to each service: as many as boto3 keeps connections.
WORKERS = 10

#: Tasks a second that are registered ahead of their schedules: a little faster than these can follow. Any faster takes
#: the processor from those who create schedules, which is what takes the time.
_REGISTERED_AHEAD = SCHEDULE_WRITES * 1.2


def carry_out(
    operations: Sequence[Operation],
    registry: Registry,
    schedules: Schedules,
    switches: Switches,
    progress: Callable[[str], object],
    *,
    now: datetime,
    workers: int = WORKERS,
) -> None:
    """Does them from ``now`` on, ``workers`` at a time with each service; ``progress`` is called with a line of text
    after each, in their order.

    Where one fails, no other is begun, and what it raised is raised.
    """
    writer = _Writer(operations, registry, schedules, switches, now)
    with _pool(workers) as to_registry, _pool(workers) as to_scheduler, writer.ending():
        registered: dict[str, Future[None]] = {}
        for _, stage in groupby(operations, key=_stage):
            begun = []
            for operation in stage:
                pool, after = to_scheduler, None
                if isinstance(operation, Register | Remove):
                    pool = to_registry
                elif isinstance(operation, CreateSchedule | UpdateSchedule):
                    after = registered.get(operation.task_id)
                future = pool.submit(writer.write, operation, after)
                if isinstance(operation, Register):
                    registered[operation.task.id] = future
                begun.append((operation, future))
            _report(begun, progress)


def settled(operations: Sequence[Operation], now: datetime) -> datetime:
    """When all schedules that are written from ``now`` on are in effect: from then on the watchdog looks at slots."""
    writes = sum(isinstance(one, CreateSchedule | UpdateSchedule) for one in operations)
    return now + SETTLING + timedelta(seconds=writes // SCHEDULE_WRITES)


class _Writer:
    """Does one operation after the other in each thread, until one has failed."""

    def __init__(
        self,
        operations: Sequence[Operation],
        registry: Registry,
        schedules: Schedules,
        switches: Switches,
        now: datetime,
    ) -> None:
        self._registry = registry
        self._schedules = schedules
        self._now = now
        self._watched_from = settled(operations, now)
        self._switches = _Looks(lambda: switches.on(now))
        #: The tasks that have been registered, each with the number of the look that it needs.
        self._registered: dict[str, tuple[Task, int]] = {}
        written = (CreateSchedule, UpdateSchedule, DeleteSchedule)
        self._of_schedules: dict[type, TokenBucket] = {kind: TokenBucket(SCHEDULE_WRITES) for kind in written}
        self._of_registry = TokenBucket(REGISTRY_WRITES)
        self._ahead = TokenBucket(_REGISTERED_AHEAD)
        #: Tasks whose schedules are created when they are registered.
        self._followed = {one.task_id for one in operations if isinstance(one, CreateSchedule)}
        self._stopped = Event()

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Nothing is begun any more when it is left."""
        try:
            yield
        finally:
            self._stopped.set()

    def write(self, operation: Operation, after: Future[None] | None) -> None:
        """Does it ``after`` another. Raises CancelledError where something has failed meanwhile."""
        if after:
            after.result()
        if self._stopped.is_set():
            raise CancelledError
        self._bucket(operation).take()
        try:
            self._do(operation)
        except BaseException:
            self._stopped.set()
            raise

    def _bucket(self, operation: Operation) -> TokenBucket:
        if isinstance(operation, Register) and operation.task.id in self._followed:
            return self._ahead
        return self._of_schedules.get(type(operation), self._of_registry)

    def _do(self, operation: Operation) -> None:
        match operation:
            case Register():
                self._register(operation)
            case CreateSchedule(task_id=task_id, schedule=schedule):
                self._pause(task_id)
                self._schedules.create(schedule_name(task_id, schedule), task_id, schedule)
            case UpdateSchedule(task_id=task_id, schedule=schedule):
                self._schedules.update(schedule_name(task_id, schedule), task_id, schedule)
            case DeleteSchedule(name=name):
                self._schedules.delete(name)
            case Remove(task_id=task_id):
                self._registry.remove(task_id)
            case RecordFingerprint():
                self._schedules.record()

    def _register(self, operation: Register) -> None:
        """Registers a task, and looks afterwards whether it is to be paused. A new one is not started before it gets a
        schedule, and until then a look can wait: one does for the many that are registered meanwhile.
        """
        task = operation.task
        checkpoint = first_checkpoint(task, self._watched_from)
        self._registry.register(task, checkpoint, anew=operation.rescheduled, is_new=operation.is_new)
        self._registered[task.id] = task, self._switches.next
        if not (operation.is_new and task.id in self._followed):
            self._pause(task.id)

    def _pause(self, task_id: str) -> None:
        """Pauses a task with the switches that are on; one that is turned on later finds the task's record.

        One that was registered by a deployment which got no further may have been left without its pause.
        """
        task, number = self._registered.get(task_id, (None, 1))
        on = self._switches.found(number)
        if on and task is None:
            record = self._registry.get(task_id)
            task = record.task if record else None
        if on and task:
            switching.pause_deployed(self._registry, on, task, self._now)


class _Looks:
    """Looks at what changes meanwhile, once at a time, and no more often than somebody needs a newer look."""

    def __init__(self, look: Callable[[], list[Pause]]) -> None:
        self._look = look
        self._turn = Lock()
        self._begun = self._ended = 0
        self._found: list[Pause] = []

    @property
    def next(self) -> int:
        """The number of the next look. Whatever is there by now is there for it."""
        return self._begun + 1

    def found(self, number: int) -> list[Pause]:
        """What the look of that number found, or a later one."""
        with self._turn:
            if self._ended < number:
                self._begun += 1
                self._found = self._look()
                self._ended = self._begun
            return self._found


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads; what they have not begun is cancelled when it is left."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="reconcile")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _stage(operation: Operation) -> int:
    """Returns the stage of an operation; all of a stage is done before the next begins."""
    match operation:
        case Register() | CreateSchedule() | UpdateSchedule():
            return 1
        case DeleteSchedule():
            return 2
        case Remove():
            return 3
        case RecordFingerprint():
            return 4


def _report(begun: Sequence[tuple[Operation, Future[None]]], progress: Callable[[str], object]) -> None:
    """Waits for the end of each, and tells of it. Raises what was raised by one that failed."""
    for operation, future in begun:
        try:
            future.result()
        except CancelledError:
            # One that stands behind it has failed before it was begun.
            raise next(filter(None, map(_fault, (one for _, one in begun)))) from None
        progress(str(operation))


def _fault(future: Future[None]) -> BaseException | None:
    """What an operation has raised that has ended, if it was begun."""
    fault = future.exception() if future.done() and not future.cancelled() else None
    return None if isinstance(fault, CancelledError) else fault

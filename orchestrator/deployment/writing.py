"""Carries out the operations of a reconciliation: writes to the registry and to EventBridge Scheduler.

Both are written at the same time, each as fast as AWS admits: a schedule follows as soon as its task is registered.
What goes does so when all that comes is there.
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

#: Requests at a time to each service: as many as boto3 keeps connections.
WORKERS = 10


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
        self._switches = _Look(lambda: switches.on(now))
        written = (CreateSchedule, UpdateSchedule, DeleteSchedule)
        self._of_schedules: dict[type, TokenBucket] = {kind: TokenBucket(SCHEDULE_WRITES) for kind in written}
        self._of_registry = TokenBucket(REGISTRY_WRITES)
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
        self._of_schedules.get(type(operation), self._of_registry).take()
        try:
            self._do(operation)
        except BaseException:
            self._stopped.set()
            raise

    def _do(self, operation: Operation) -> None:
        match operation:
            case Register():
                self._register(operation)
            case CreateSchedule(task_id=task_id, schedule=schedule):
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
        """Registers a task, and then looks which switches are on: one that is turned on meanwhile finds the record."""
        task = operation.task
        self._registry.register(task, first_checkpoint(task, self._watched_from), anew=operation.rescheduled)
        switching.pause_deployed(self._registry, self._switches(), task, self._now)


class _Look:
    """Looks at what changes meanwhile, once at a time. One look serves all who asked before it began."""

    def __init__(self, look: Callable[[], list[Pause]]) -> None:
        self._look = look
        self._turn = Lock()
        self._asking = Lock()
        self._next: Future[list[Pause]] | None = None

    def __call__(self) -> list[Pause]:
        with self._asking:
            is_first = self._next is None
            answer = self._next = self._next or Future()
        if is_first:
            with self._turn:
                with self._asking:
                    self._next = None
                try:
                    answer.set_result(self._look())
                except BaseException as fault:
                    answer.set_exception(fault)
        return answer.result()


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

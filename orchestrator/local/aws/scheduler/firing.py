"""EventBridge Scheduler that fires.

moto stores schedules and never fires them, and takes expressions that AWS refuses. Here one thread sleeps on the clock
until the next slot is due, and delivers it as Scheduler does: with context attributes, under the schedule's role, by
its retry policy, and to its dead-letter queue when that is exhausted.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count, islice
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.scheduler.exceptions import ScheduleGroupNotFound, ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.scheduler.responses import EventBridgeSchedulerResponse

from orchestrator.local.aws import threads
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.scheduler.delivery import Attempt, Delivery
from orchestrator.local.aws.scheduler.parameters import check, complete, moment
from orchestrator.schedules import At, Schedule, parse

#: The longest pause between two attempts, in seconds.
_LONGEST_PAUSE = 60

#: ListSchedules returns as many at most.
_PAGE_SIZE = 100

#: How many requests are known by their token.
_TOKENS = 1000

_FAR = timedelta(days=3650)


class GroupExists(JsonRESTError):
    """A schedule group of this name is there."""

    def __init__(self, name: str) -> None:
        super().__init__("ConflictException", f"Schedule group {name} already exists.")


@dataclass(kw_only=True)
class _Due:
    """A schedule, and when it fires next."""

    schedule: Any
    times: Schedule
    slot: datetime | None


class Scheduler:
    """Fires the schedules of the embedded AWS. ``listeners`` are called with each :class:`Delivery`."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._due: dict[str, _Due] = {}
        # By slot; what is another by now, or gone, is passed over when its turn comes.
        self._queue: list[tuple[datetime, int, _Due]] = []
        self._number = count()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopped = False
        self.listeners: list[Callable[[Delivery], None]] = []

    def start(self) -> None:
        threading.Thread(target=self._fire_for_ever, daemon=True, name="scheduler").start()

    def stop(self) -> None:
        self._stopped = True
        self._changed.set()

    def forget(self) -> None:
        """Removes all schedules."""
        with self._lock:
            self._due.clear()
            self._queue.clear()
        self._changed.set()

    def put(self, schedule: Any) -> None:
        """A schedule (moto's) was created or updated."""
        now = self._aws.clock.now()
        times = Schedule(
            expression=parse(schedule.schedule_expression),
            timezone=schedule.schedule_expression_timezone,
            start=moment(schedule.start_date),
            end=moment(schedule.end_date),
            anchor=now,
        )
        # A rate without a start begins at once; whatever else was due before now is past.
        slot = times.next_after(now - timedelta(microseconds=1)) if schedule.state == "ENABLED" else None
        with self._lock:
            before = self._first()
            self._due[schedule.arn] = due = _Due(schedule=schedule, times=times, slot=slot)
            self._enter(due)
            first = self._first()
            # What is due by now, too: on a machine that has slept, nobody has looked since.
            if first != before or (first and first <= now):
                self._changed.set()

    def upcoming(self) -> list[datetime]:
        """The next slot of each schedule that has one."""
        with self._lock:
            return sorted(due.slot for due in self._due.values() if due.slot)

    def remove(self, arn: str) -> None:
        with self._lock:
            before = self._first()
            self._due.pop(arn, None)
            if self._first() != before:
                self._changed.set()

    def _enter(self, due: _Due) -> None:
        if due.slot:
            heappush(self._queue, (due.slot, next(self._number), due))

    def _first(self) -> datetime | None:
        """The first slot of all; whoever asks has the lock."""
        while self._queue:
            slot, _, due = self._queue[0]
            if due.slot == slot and self._due.get(due.schedule.arn) is due:
                return slot
            heappop(self._queue)
        return None

    def _fire_for_ever(self) -> None:
        clock = self._aws.clock
        with clock.busy():
            while not self._stopped:
                with self._lock:
                    first = self._first()
                    self._changed.clear()
                clock.sleep_until(first or clock.now() + _FAR, wake=self._changed, resting=True)
                for due, slot in self._take_due(clock.now()):
                    self._deliver(due, slot)

    def _take_due(self, now: datetime) -> list[tuple[_Due, datetime]]:
        taken = []
        with self._lock:
            while (slot := self._first()) and slot <= now:
                taken.append((heappop(self._queue)[2], slot))
            for due, slot in taken:
                due.slot = due.times.next_after(slot)
                self._enter(due)
        return taken

    def _deliver(self, due: _Due, slot: datetime) -> None:
        schedule = due.schedule
        # "ActionAfterCompletion": also of a recurring schedule, after the last slot before its EndDate.
        last = isinstance(due.times.expression, At) or due.slot is None
        if last and schedule.action_after_completion == "DELETE":
            backend = self._aws.backend("scheduler")
            backend.delete_schedule(schedule.group_name, schedule.name)
        attempt = Attempt(self._aws, schedule, slot)
        if attempt.succeeds():
            self._tell(attempt)
        else:
            # Retries take their time; the next slot does not wait for them.
            threads.start_busy(self._aws.clock, partial(self._retry, attempt))

    def _retry(self, attempt: Attempt) -> None:
        policy = attempt.schedule.target["RetryPolicy"]
        limit, age = policy.get("MaximumRetryAttempts", 185), policy.get("MaximumEventAgeInSeconds", 86_400)
        while not attempt.permanent:
            pause = min(2 ** min(attempt.number, 10), _LONGEST_PAUSE)
            too_old = self._aws.clock.now() + timedelta(seconds=pause) > attempt.slot + timedelta(seconds=age)
            if attempt.number > limit or too_old:
                attempt.exhausted = "MaximumEventAgeInSeconds" if too_old else "MaximumRetryAttempts"
                break
            self._aws.clock.sleep(pause, resting=True)
            if attempt.succeeds():
                break
        if attempt.error:
            attempt.give_up()
        self._tell(attempt)

    def _tell(self, attempt: Attempt) -> None:
        delivery = Delivery(
            schedule=attempt.schedule.name,
            slot=attempt.slot,
            execution_arn=attempt.execution_arn,
            error=attempt.error and attempt.error[0],
        )
        for listener in list(self.listeners):
            listener(delivery)


def _names(backend: Any) -> list[str]:
    """The names of group and schedule, in order."""
    groups = list(backend.schedule_groups.values())
    return sorted(f"{group.name}/{name}" for group in groups for name in list(group.schedules))


def _after(backend: Any, names: Sequence[str], token: str | None) -> Iterator[Any]:
    """The schedules behind that of a token, in the order of ``names``."""
    for place in range(bisect_right(names, token) if token else 0, len(names)):
        group, _, name = names[place].partition("/")
        # One that has gone meanwhile is passed over.
        if group in backend.schedule_groups and (found := backend.schedule_groups[group].schedules.get(name)):
            yield found


def install(aws: Aws) -> None:
    """Lets moto's schedules be known to the scheduler."""
    backend = EventBridgeSchedulerBackend
    create, update, delete = backend.create_schedule, backend.update_schedule, backend.delete_schedule
    create_group, delete_group = backend.create_schedule_group, backend.delete_schedule_group

    @replaces(backend, "create_schedule", digest="86143c060987")
    def create_schedule(self: Any, **request: Any) -> Any:
        if (request["group_name"] or "default") not in self.schedule_groups:
            raise ScheduleGroupNotFound(request["group_name"])
        request["target"] = complete(request["target"])
        check(request, aws.clock.now())
        schedule = create(self, **request)
        self.names = None
        aws.scheduler.put(schedule)
        return schedule

    @replaces(backend, "update_schedule", digest="de45530d88a6")
    def update_schedule(self: Any, **request: Any) -> Any:
        request["target"] = complete(request["target"])
        check(request, aws.clock.now(), new=False)
        schedule = update(self, **request)
        schedule.state = schedule.state or "ENABLED"
        aws.scheduler.put(schedule)
        return schedule

    @replaces(backend, "delete_schedule", digest="fbafd94c06cc")
    def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        arn = self.get_schedule(group_name, name).arn
        delete(self, group_name, name)
        self.names = None
        aws.scheduler.remove(arn)

    # moto looks for the start of a page by comparing every schedule with the token: minutes for ten thousand.
    @replaces(backend, "list_schedules", digest="72103a8b9d67")
    def list_schedules(
        self: Any,
        group_names: str | None,
        state: str | None,
        name_prefix: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[Any], str | None]:
        for name in group_names or ():
            if name not in self.schedule_groups:
                raise ScheduleGroupNotFound(name)
        if max_results is not None and max_results > _PAGE_SIZE:
            raise ValidationException(
                f"1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint:"
                f" Member must have value less than or equal to {_PAGE_SIZE}"
            )
        size = max_results or _PAGE_SIZE
        # They are put in order once, and anew when another schedule has come or gone.
        names = self.__dict__.get("names")
        if names is None:
            names = self.names = _names(self)
        found = (
            schedule
            for schedule in _after(self, names, next_token)
            if (not group_names or schedule.group_name in group_names)
            and (not state or schedule.state == state)
            and schedule.name.startswith(name_prefix or "")
        )
        page = list(islice(found, size + 1))
        return page[:size], f"{page[size - 1].group_name}/{page[size - 1].name}" if len(page) > size else None

    @replaces(backend, "create_schedule_group", digest="d2cc1550eb62")
    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        if name in self.schedule_groups:
            raise GroupExists(name)
        return create_group(self, name, tags)

    @replaces(backend, "delete_schedule_group", digest="b942f78e949a")
    def delete_schedule_group(self: Any, name: str | None) -> None:
        if name in {None, "default"}:
            raise ValidationException("The default schedule group cannot be deleted.")
        if name not in self.schedule_groups:
            raise ScheduleGroupNotFound(str(name))
        # "Deleting a schedule group also deletes all the schedules associated with it."
        for schedule in list(self.schedule_groups[name].schedules.values()):
            aws.scheduler.remove(schedule.arn)
        delete_group(self, name)
        self.names = None

    response = EventBridgeSchedulerResponse
    answer_create, answer_update = response.create_schedule, response.update_schedule

    @replaces(response, "create_schedule", digest="ee99cc84b62a")
    def create_once(self: Any) -> Any:
        # An SDK sends a request again, with its token, when the answer is lost.
        known = self.scheduler_backend.__dict__.setdefault("tokens", OrderedDict())
        token, request = self._get_param("ClientToken"), (self.path, self.body)
        if token in known and known[token][:2] == request:
            return known[token][2]
        answer = answer_create(self)
        known[token] = (*request, answer)
        if len(known) > _TOKENS:
            known.popitem(last=False)
        return answer

    @replaces(response, "update_schedule", digest="f607981d8516")
    def update_completely(self: Any) -> Any:
        answer = answer_update(self)
        name = self.uri.split("?")[0].split("/")[-1]
        schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), name)
        # moto keeps the old one.
        schedule.action_after_completion = self._get_param("ActionAfterCompletion")
        return answer

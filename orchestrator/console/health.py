"""Whether the stack itself is well: the watchdog's last run, what lies in queues, and schedules that nobody fires."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.clients import Clients
from orchestrator.instants import of_slot
from orchestrator.pricing import ROUND_SECONDS
from orchestrator.runs.task_state import Record
from orchestrator.stack import Stack

#: Seconds for which an answer holds: six calls of AWS.
_FRESH = 30.0

#: After so many rounds without a sign the watchdog is silent.
_SILENT = timedelta(seconds=3 * ROUND_SECONDS)

#: So many disabled schedules are named.
_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue of the stack."""

    title: str
    #: Messages that wait, and those that a function has; None where ``fault`` says why nobody knows.
    waiting: int | None
    in_work: int | None
    #: Whether anything in it means that somebody has to look.
    is_last_stop: bool
    fault: str = ""

    @property
    def is_well(self) -> bool:
        return not self.fault and not (self.is_last_stop and self.waiting)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What AWS says of the stack."""

    queues: tuple[Queue, ...]
    #: Schedules that somebody has disabled, at most :data:`_NAMED`; None where ``fault`` says why nobody knows.
    disabled: tuple[str, ...] | None
    fault: str = ""

    @property
    def is_well(self) -> bool:
        return all(queue.is_well for queue in self.queues) and self.disabled == ()


def silent_since(watchdog: Record, now: datetime) -> datetime | None:
    """The last slot of a watchdog that has missed several rounds; None of one that is well, or was never due."""
    if watchdog.last_slot is None or not watchdog.task.schedules:
        return None
    last = of_slot(watchdog.last_slot)
    return last if now - last > _SILENT else None


class HealthReader:
    """Asks AWS through ``client`` at most every half minute; ``monotonic`` counts seconds."""

    def __init__(self, client: Clients, stack: Stack, monotonic: Callable[[], float]) -> None:
        self._client, self._stack, self._monotonic = client, stack, monotonic
        self._lock = threading.Lock()
        self._read = float("-inf")
        self._known: Health | None = None
        self._urls: dict[str, str] = {}

    def read(self) -> Health:
        """The health as it was some seconds ago or later. A permission that lacks is said in the place of an answer."""
        with self._lock:
            if self._known is None or self._monotonic() - self._read > _FRESH:
                self._known, self._read = self._ask(), self._monotonic()
            return self._known

    def _ask(self) -> Health:
        queues = (
            ("slots that Scheduler could not start", self._stack.scheduler_dlq, False),
            ("executions that died", self._stack.execution_failures, False),
            ("what the failure handler could not handle", self._stack.handler_failures, True),
            ("webhooks to be called", self._stack.courier_queue, False),
        )
        with ThreadPoolExecutor(max_workers=len(queues)) as several:
            found = tuple(several.map(lambda one: self._queue(*one), queues))
        try:
            listed = self._client("scheduler").list_schedules(
                GroupName=self._stack.schedule_group, State="DISABLED", MaxResults=_NAMED
            )
            disabled, fault = tuple(one["Name"] for one in listed["Schedules"]), ""
        except (BotoCoreError, ClientError) as refused:
            return Health(queues=found, disabled=None, fault=str(refused))
        return Health(queues=found, disabled=disabled, fault=fault)

    def _queue(self, title: str, name: str, is_last_stop: bool) -> Queue:
        sqs = self._client("sqs")
        wanted: Sequence[str] = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        try:
            if name not in self._urls:
                self._urls[name] = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            told = sqs.get_queue_attributes(QueueUrl=self._urls[name], AttributeNames=wanted)["Attributes"]  # type: ignore[arg-type] # two of its literals
        except (BotoCoreError, ClientError) as fault:
            return Queue(title=title, waiting=None, in_work=None, is_last_stop=is_last_stop, fault=str(fault))
        waiting, in_work = (int(told.get(one, 0)) for one in wanted)  # type: ignore[call-overload] # as above
        return Queue(title=title, waiting=waiting, in_work=in_work, is_last_stop=is_last_stop)

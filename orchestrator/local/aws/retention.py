"""How much the embedded AWS remembers.

AWS forgets: closed executions after 90 days, the changes of a stream after 24 hours, logs when their group says so.
moto forgets nothing, and keeps for a page of its own whatever it has ever made, a list for each class. Here what is
closed goes by its number: the newest of each kind stay, as many as anybody looks at, so that the server is as large
after a million runs as after some thousands. What is seldom asked for lies packed on the disk: histories, log events,
values of metrics, changes of tables. Rows of tables and objects of buckets are what users store, and stay.
"""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Mapping, MutableSequence
from contextlib import nullcontext, suppress
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.core.common_models import BaseModel
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.table import StreamShard
from moto.logs.models import LogStream
from moto.s3.models import FakeKey
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecordPoolManager,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.aws.dynamodb.turns import turn_of
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.pile import Drawer, Pile
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import executions

#: Closed executions, with their histories.
EXECUTIONS = 2_000

#: Those of them that are not packed: whoever has just started one, asks for it.
AT_HAND = 100

#: Of each table with a stream, its changes. A function that follows a stream has got them long before.
CHANGES = 2_000

#: Of each log stream.
LOG_EVENTS = 10_000

#: Values of metrics, all together.
METRIC_VALUES = 50_000

#: Of each topic.
NOTIFICATIONS = 2_000

_NO_CALLBACKS, _NO_MAP_RUNS = CallbackPoolManager(activity_store={}), MapRunRecordPoolManager()

#: Executions that end between two looks at all the rest.
_BETWEEN = 100


class TrimmedDataAccess(JsonRESTError):
    """A request reads a stream from before its oldest record."""

    def __init__(self) -> None:
        super().__init__("TrimmedDataAccessException", "The data you are trying to access has been trimmed.")


class _Ended:
    """What is left of an execution that ended long ago, and stands for moto's worker, environment and event manager."""

    _state_mutex = nullcontext()

    def __init__(self, environment: Any, histories: Drawer, arn: str) -> None:
        self._histories, self._arn = histories, arn
        # Whoever comes late with a token is told that the task is over.
        self.callback_pool_manager = environment.callback_pool_manager
        if not self.callback_pool_manager._pool:
            self.callback_pool_manager = _NO_CALLBACKS
        self.map_run_record_pool_manager = environment.map_run_record_pool_manager
        if not self.map_run_record_pool_manager._pool:
            self.map_run_record_pool_manager = _NO_MAP_RUNS

    @property
    def env(self) -> _Ended:
        return self

    @property
    def event_manager(self) -> _Ended:
        return self

    def is_running(self) -> bool:
        return False

    def get_event_history(self) -> Any:
        # It was packed here, and nowhere else.
        return pickle.loads(self._histories.get(self._arn) or pickle.dumps([]))  # noqa: S301


def trim(values: MutableSequence[Any] | Pile, newest: int) -> int:
    """Keeps the newest of a list, in place; how many went."""
    gone = max(0, len(values) - newest)
    del values[:gone]
    return gone


class Retention:
    """Forgets, while executions end, what is beyond the limits."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._closed: deque[str] = deque()
        self._histories = Drawer()
        #: Of each machine, what the newest execution that is packed has kept of it.
        self._machines: dict[str, Any] = {}
        self._forgetting = threading.Lock()
        self._ended = 0

    def ended(self, described: Mapping[str, Any]) -> None:
        """An execution has changed its status."""
        if described["status"] == "RUNNING":
            return
        with self._forgetting:
            self._closed.append(described["executionArn"])
            if len(self._closed) > AT_HAND:
                self._pack(self._closed[-AT_HAND - 1])
            while len(self._closed) > EXECUTIONS:
                self._forget(self._closed.popleft())
            self._ended += 1
            if self._ended % _BETWEEN == 0:
                self._trim()

    def _closed_one(self, arn: str) -> Any:
        """None where it is gone. One of this name that still runs is another, from after a reset."""
        execution = self._executions.get(arn)
        return None if execution is None or execution.status == "RUNNING" else execution

    @property
    def _executions(self) -> dict[str, Any]:
        backend = stepfunctions_parser_backends[self._aws.account][self._aws.region]
        found: dict[str, Any] = backend.__dict__.get("executions_by_arn", {})
        return found

    def _pack(self, arn: str) -> None:
        execution = self._closed_one(arn)
        if execution is None or isinstance(execution.exec_worker, _Ended):
            return
        environment = execution.exec_worker.env
        # Not a copy: it has ended, and nothing is added.
        events = environment.event_manager._history_event_list
        self._histories.put(arn, pickle.dumps(events, pickle.HIGHEST_PROTOCOL))
        execution.exec_worker = _Ended(environment, self._histories, arn)
        # Nobody asks for it but as a text.
        execution.input_data = None
        machine = execution.state_machine
        alike = self._machines.setdefault(machine.arn, machine)
        if vars(alike) == vars(machine):
            execution.state_machine = alike
        else:
            self._machines[machine.arn] = machine

    def _forget(self, arn: str) -> None:
        self._histories.remove(arn)
        if execution := self._closed_one(arn):
            del self._executions[arn]
            with suppress(ValueError):
                execution.state_machine.executions.remove(execution)

    def _trim(self) -> None:
        tables = self._aws.backend("dynamodb")
        with turn_of(tables):
            for table in tables.tables.values():
                if shard := table.stream_shard:
                    # A change's number is its place in the list, counted from the number that the list begins with.
                    shard.starting_sequence_number += trim(shard.items, CHANGES)
        for group in list(self._aws.backend("logs").groups.values()):
            for stream in list(group.streams.values()):
                trim(stream.events, LOG_EVENTS)
        trim(self._aws.backend("cloudwatch").metric_data, METRIC_VALUES)
        for topic in list(self._aws.backend("sns").topics.values()):
            trim(topic.sent_notifications, NOTIFICATIONS)


def _with_pile(make: Callable[..., None], name: str) -> Callable[..., None]:
    """What a class is made with, and a pile for the list that it has under a name."""

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        setattr(self, name, Pile())

    return init


def install(aws: Aws) -> None:
    """Forgets from now on."""
    executions.on_status_change(Retention(aws).ended)
    get = StreamShard.get
    for owner, digest, name in (
        (LogStream, "c7d78681b683", "events"),
        (CloudWatchBackend, "3e16f8826d2a", "metric_data"),
        (StreamShard, "6cbc665ce480", "items"),
    ):
        replaces(owner, "__init__", digest=digest)(_with_pile(owner.__init__, name))

    @replaces(BaseModel, "__new__", digest="3a1e1e31aa92")
    def new(cls: Any, *arguments: Any, **named: Any) -> Any:
        return object.__new__(cls)

    @replaces(FakeKey, "__del__", digest="7d019837dbdd")
    def dispose(self: Any) -> None:
        """Frees an object's file when it is deleted. moto's list of instances kept it until a reset."""
        self.dispose()

    @replaces(StreamShard, "get", digest="17affa3865c1")
    def get_unless_trimmed(self: Any, start: int, quantity: int) -> Any:
        if start < self.starting_sequence_number:
            raise TrimmedDataAccess
        return get(self, start, quantity)

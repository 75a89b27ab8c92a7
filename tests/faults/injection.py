"""Faults of AWS itself, put into the embedded AWS at the place where it answers requests."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService

from orchestrator.local.aws import clients
from orchestrator.local.aws.clock import FOREVER
from orchestrator.local.aws.iam import requests, roles
from orchestrator.local.aws.iam.statements import applies
from orchestrator.local.aws.lambda_ import invocations
from orchestrator.local.aws.server import EmbeddedAws

#: What AWS's services call it; the others say ThrottlingException.
_THROTTLED = {"awslambda": "TooManyRequestsException", "dynamodb": "ProvisionedThroughputExceededException"}

#: The states that call what a task is to do.
_TARGETS = ("InvokeLambda", "StartWorkflow")

#: The same of a fault of the service's own.
_BROKEN = {"awslambda": "ServiceException"}


class Fault(StrEnum):
    THROTTLED = "throttled"
    #: 500 or 503.
    BROKEN = "5xx"
    #: No answer, and nothing was done.
    TIMED_OUT = "timed out"
    DENIED = "access denied"
    #: Done, but there is no answer.
    REPLY_LOST = "reply lost"


@dataclass(frozen=True, kw_only=True)
class State:
    """A request of this state, of the run of this slot of the task, or of all its runs."""

    name: str
    task_id: str
    slot: str | None = None

    def is_meant(self, request: Any, at_work: _AtWork | None) -> bool:
        return (
            at_work is not None
            and (at_work.state, at_work.task_id) == (self.name, self.task_id)
            and self.slot in (None, at_work.slot)
        )


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request of this role for this action on this resource, a pattern, if one of ``marks`` is in it."""

    role: str
    action: str
    resource: str
    marks: tuple[str, ...] = ("",)

    def is_meant(self, request: Any, at_work: _AtWork | None) -> bool:
        return (
            roles.role_of(request) == self.role
            and any(mark in f"{request.body}{request.querystring}" for mark in self.marks)
            and any(
                applies({"Action": self.action, "Resource": self.resource}, one)
                for one in requests.permissions(request)
            )
        )


@dataclass(kw_only=True)
class Injected:
    """A fault of the first ``times`` requests that are meant."""

    where: State | Call
    fault: Fault
    times: float = float("inf")
    #: So many were meant.
    hits: int = 0
    #: So many wait for an answer that does not come.
    lost: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, request: Any, at_work: _AtWork | None) -> bool:
        if not self.where.is_meant(request, at_work):
            return False
        with self._guard:
            self.hits += 1
            return self.hits <= self.times


@dataclass(frozen=True, kw_only=True)
class _AtWork:
    """A state of the interpreter, in the thread that makes its requests."""

    state: str
    task_id: str
    slot: str
    environment: Any


class Refused(ServiceException):
    """The service's answer. moto tells an exception of its own by its module."""


class Faults:
    """Of the requests that the embedded AWS answers."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._injected: tuple[Injected, ...] = ()
        self._thread = threading.local()
        #: How often the target of a task was called for a slot.
        self.effects: Counter[tuple[str, str]] = Counter()
        #: The same, each with its moment.
        self.calls: list[tuple[str, str, datetime]] = []

    @contextmanager
    def injected(self, *injected: Injected) -> Iterator[None]:
        """While the block runs."""
        self._injected = injected
        try:
            yield
        finally:
            self._injected = ()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        # Before anything of the service is locked.
        patch.setattr(BaseResponse, "_dispatch", self._dispatching())
        for kind in _kinds(StateTaskService):
            patch.setattr(kind, "_eval_execution", self._working(vars(kind)["_eval_execution"]))
        # What the interpreter asks of Lambda comes by here, too: nothing is found for the short way.
        patch.setattr(invocations, "_found", lambda asked, role_arn: None)
        server = self._aws._server
        assert server is not None
        patch.setattr(server, "app", self._hanging_up(server.app))

    def _dispatching(self) -> Callable[..., Any]:
        def dispatch(request: Any, *given: Any) -> Any:
            request.setup_class(*given)
            at_work: _AtWork | None = getattr(self._thread, "at_work", None)
            struck = next((one for one in self._injected if one.strikes(request, at_work)), None)
            if struck is None:
                return self._answer(request, at_work)
            if struck.fault is Fault.REPLY_LOST:
                answered = self._answer(request, at_work)
                self._lose(struck, at_work)
                return answered
            if struck.fault is Fault.TIMED_OUT:
                self._lose(struck, at_work)
                return 500, {}, ""
            return _refused(request, struck.fault)

        return dispatch

    def _answer(self, request: Any, at_work: _AtWork | None) -> Any:
        began = self._aws.clock.now()
        answered = request.call_action()
        if at_work and at_work.state in _TARGETS and request._get_action() in ("Invoke", "StartExecution"):
            self.effects[at_work.task_id, at_work.slot] += 1
            self.calls.append((at_work.task_id, at_work.slot, began))
        return answered

    def _lose(self, struck: Injected, at_work: _AtWork | None) -> None:
        """No answer: a state waits until its time is up, a process notices that the connection was closed, a service
        that asks another one gives up.
        """
        struck.lost += 1
        if at_work is None and clients.inside():
            raise ReadTimeoutError(endpoint_url="of the service")
        if at_work is None:
            self._thread.hangs_up = True
            return
        self._aws.clock.sleep_until(FOREVER, wake=at_work.environment.over, resting=True)
        raise ReadTimeoutError(endpoint_url="of the service")

    def _working(self, evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        def evaluate_known(state: Any, environment: Any) -> None:
            given = environment.states.context_object.context_object_data["Execution"]["Input"]
            before = getattr(self._thread, "at_work", None)
            self._thread.at_work = _AtWork(
                state=state.name,
                task_id=given.get("taskId", ""),
                slot=given.get("scheduledTime", ""),
                environment=environment,
            )
            try:
                evaluate(state, environment)
            finally:
                self._thread.at_work = before

        return evaluate_known

    def _hanging_up(self, application: Callable[..., Any]) -> Callable[..., Any]:
        def respond(environ: Any, start_response: Any) -> Any:
            self._thread.hangs_up = False
            answer = application(environ, start_response)
            if self._thread.hangs_up:
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionResetError
            return answer

        return respond


def _kinds(kind: Any) -> Iterator[Any]:
    """Of task states, those that have an evaluation of their own."""
    if "_eval_execution" in vars(kind):
        yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _refused(request: Any, fault: Fault) -> Any:
    service = request.service_name
    codes = {
        Fault.THROTTLED: _THROTTLED.get(service, "ThrottlingException"),
        Fault.BROKEN: _BROKEN.get(service, "InternalServerError"),
        Fault.DENIED: "AccessDeniedException",
    }
    status, headers, body = request.serialized(ActionResult(Refused(codes[fault], f"it is {fault}")))
    headers["status"] = "500" if fault is Fault.BROKEN else str(status)
    return int(headers["status"]), headers, body

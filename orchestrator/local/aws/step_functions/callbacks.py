"""Tasks that wait for whoever has their token.

moto waits in the machine's time, and works while it does; gives each attempt of a task the token, and the answer, of
the one before; and does not know the token of a task that has ended, or of one that has no HeartbeatSeconds.

Sources: "SendTaskSuccess", "SendTaskFailure" and "SendTaskHeartbeat" in Step Functions' API reference; LocalStack's
recording test_sync_with_task_token for a task '.sync' that is answered by its token. The sentence of TaskTimedOut is
what people report ("Task Timed Out: 'Provided task does not exist anymore'").
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    HeartbeatTimedOut,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from orchestrator.local.aws.clock import FOREVER, Wake
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions.interpreter import Stopped
from orchestrator.local.aws.step_functions.json_texts import unread_json


class TaskTimedOut(AWSError):
    """The task of a token has ended, by its answer or without one."""

    TYPE = "TaskTimedOut"
    STATUS = 400

    def __init__(self) -> None:
        super().__init__("Task Timed Out: 'Provided task does not exist anymore'")


class InvalidOutput(AWSError):
    """The output for a task is no JSON."""

    TYPE = "InvalidOutput"
    STATUS = 400

    def __init__(self, why: str) -> None:
        super().__init__(f"Invalid Output: '{why}'")


def rest(aws: Aws, env: Any, endpoint: Any, beat: float | None, *others: Wake) -> Any:
    """Rests until the task of a token is answered, one of ``others`` is set or the state's time is up.

    Returns the answer, or None where there is none; HeartbeatTimedOut if nobody gave a sign of life for ``beat``
    seconds.
    """
    while True:
        # A sign of life, or the answer: each wakes once, so each is waited for anew.
        endpoint.notice = notice = Wake()
        for other in (env.over, *others):
            other.then(notice.set)
        if (answer := endpoint.get_outcome()) is not None:
            return answer
        until = FOREVER if beat is None else aws.clock.now() + timedelta(seconds=beat)
        aws.clock.sleep_until(until, wake=notice, resting=True)
        if (answer := endpoint.get_outcome()) is not None or not env.is_running():
            return answer
        if any(other.is_set() for other in others):
            return None
        if not notice.is_set():
            return HeartbeatTimedOut()


def _endpoints() -> None:
    """Keeps the task of each token, by region, for as long as the embedded AWS runs."""
    make, notify, interrupt = CallbackEndpoint.__init__, CallbackEndpoint.notify, CallbackEndpoint.interrupt_all

    @replaces(CallbackEndpoint, "__init__", digest="f7ca2bf195d5")
    def init(self: Any, callback_id: str) -> None:
        make(self, callback_id)
        self.notice, self.over = Wake(), False

    @replaces(CallbackEndpoint, "notify", digest="050172bbded9")
    def answered(self: Any, outcome: Any) -> None:
        self.over = True
        notify(self, outcome)
        self.notice.set()

    @replaces(CallbackEndpoint, "notify_heartbeat", digest="2decf105f9f5")
    def alive(self: Any) -> bool:
        self.notice.set()
        return True

    @replaces(CallbackEndpoint, "interrupt_all", digest="b44f0891b261")
    def interrupt_all(self: Any) -> None:
        self.over = True
        interrupt(self)


def _task(backend: Any, token: str) -> Any:
    """Returns the task that waits under a token. Raises InvalidToken, TaskTimedOut."""
    for execution in list(backend.__dict__.get("executions_by_arn", {}).values()):
        if endpoint := execution.exec_worker.env.callback_pool_manager.get(token):
            if endpoint.over or not execution.exec_worker.env.is_running():
                raise TaskTimedOut
            return endpoint
    raise InvalidToken


def _sent() -> None:
    backend = StepFunctionsParserBackend

    @replaces(backend, "send_task_success", digest="da27e6439ea3")
    def succeeded(self: Any, task_token: str, outcome: str) -> None:
        task = _task(self, task_token)
        try:
            json.loads(outcome)
        except json.JSONDecodeError as fault:
            raise InvalidOutput(unread_json(outcome, fault)) from fault
        task.notify(CallbackOutcomeSuccess(callback_id=task_token, output=outcome))

    @replaces(backend, "send_task_failure", digest="fbeaa6fba94d")
    def failed(self: Any, task_token: str, error: str | None = None, cause: str | None = None) -> None:
        _task(self, task_token).notify(CallbackOutcomeFailure(callback_id=task_token, error=error, cause=cause))

    @replaces(backend, "send_task_heartbeat", digest="16fa68ce5d12")
    def beat(self: Any, task_token: str) -> None:
        _task(self, task_token).notify_heartbeat()


def install(aws: Aws) -> None:
    """Waits in the time of the embedded AWS, and answers for each token as AWS does."""
    _endpoints()
    _sent()
    service = StateTaskServiceCallback

    @replaces(service, "_eval_wait_for_task_token", digest="91766e126474")
    def wait_for_task_token(
        self: Any, env: Any, timeout_seconds: int, callback_endpoint: Any, heartbeat_endpoint: Any
    ) -> Any:
        beat = None if heartbeat_endpoint is None else heartbeat_endpoint._heartbeat_seconds
        answer = rest(aws, env, callback_endpoint, beat)
        if answer is None:
            raise Stopped
        return answer

    @replaces(service, "_eval_execution", digest="43f53857b007")
    def eval_execution(self: Any, env: Any) -> None:
        """Another attempt is another task, with a token of its own."""
        context = env.states.context_object
        task = context.context_object_data.get("Task")
        endpoint = task and env.callback_pool_manager.get(task["Token"])
        if endpoint and endpoint.over:
            env.callback_pool_manager.add(context.update_task_token())
        # What the class inherits now, and not what it did when this was installed.
        super(service, self)._eval_execution(env)

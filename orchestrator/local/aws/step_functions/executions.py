"""Executions of state machines as AWS has them, where moto does otherwise.

moto names an execution without a name "None"; takes names and inputs that AWS refuses; does not know an alias when it
starts; forgets why an execution was stopped; and leaves an execution RUNNING when the interpreter fails, or when it was
stopped while a state was at work.
"""

from __future__ import annotations

import copy
import json
import logging
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidExecutionInput,
    InvalidName,
)
from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionStatus,
    ExecutionTimedOutEventDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramRunning, ProgramStopped
from moto.stepfunctions.parser.asl.eval.program_state import ProgramTimedOut as Late
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws import threads
from orchestrator.local.aws.clock import Wake
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import execution_logs
from orchestrator.local.aws.step_functions.descriptions import outline, output, redrive
from orchestrator.local.aws.step_functions.interpreter import end, timestamp
from orchestrator.local.aws.step_functions.json_texts import is_text, unread_json

#: "Step Functions service quotas": input or output of an execution, state or task, in bytes of UTF-8.
INPUT_LIMIT_BYTES = 262_144

#: "Choosing workflow type in Step Functions": the longest an Express execution may take.
EXPRESS_SECONDS = 300

#: StartExecution, in Step Functions' API reference: what a name must not hold.
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")

#: Of all executions that have ended.
_OVER = Wake()
_OVER.set()

#: What :func:`on_status_change` was given.
_listeners: list[Callable[[Mapping[str, Any]], None]] = []


def on_status_change(listener: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
    """Calls ``listener`` at the start and the end of each execution, with what DescribeExecution says of it then.

    Returns what ends that.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def _notify(execution: Any) -> None:
    if execution.sm_type == "EXPRESS":
        # "Step Functions doesn't emit events for Express Workflows" ("Automating Step Functions event delivery").
        return
    described = {
        **outline(execution),
        "input": execution.execution_input,
        "output": output(execution),
        "error": execution.error,
        "cause": execution.cause,
        "redriveDate": None,
        "redriveStatusReason": None,
        **dict(redrive(execution)),
    }
    for listener in list(_listeners):
        _tell(execution, partial(listener, described))


def _tell(execution: Any, tell: Callable[[], None]) -> None:
    """Tells others of an execution: what they make of it must not change what becomes of it."""
    try:
        tell()
    except Exception:
        logging.getLogger(__name__).exception("nobody was told that %s is %s", execution.name, execution.status)


def given(name: str | None, execution_input: str | None) -> tuple[str, str]:
    """Checks name and input as AWS does, and makes a name. Raises InvalidName, InvalidExecutionInput."""
    name = name or str(uuid.uuid4())
    if len(name) > 80 or _FORBIDDEN.search(name):
        raise InvalidName(f"Invalid Name: '{name}'")
    text = "{}" if execution_input is None else execution_input
    if len(text.encode()) > INPUT_LIMIT_BYTES:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: longer than {INPUT_LIMIT_BYTES} bytes")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as fault:
        why = unread_json(text, fault)
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{why}'") from fault
    except RecursionError as fault:
        raise InvalidExecutionInput("Invalid State Machine Execution Input: 'nested too deeply'") from fault
    if not is_text(value):
        raise InvalidExecutionInput("Invalid State Machine Execution Input: 'not valid Unicode'")
    return name, text


def begin(aws: Aws, backend: Any, machine: Any, arn: str, name: str, text: str, trace_header: Any) -> Any:
    """Starts an execution under an ARN, and returns at once."""
    # From before it has a start, and not from when its thread comes to run: virtual time must not slip by in between.
    working = ExitStack()
    working.enter_context(aws.clock.busy())
    # An update replaces the attributes of the machine, so a shallow copy keeps today's.
    snapshot = copy.copy(machine)
    snapshot.sm_type = machine.type
    execution = Execution(
        name=name,
        sm_type=machine.type,
        role_arn=machine.roleArn,
        exec_arn=arn,
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=snapshot,
        start_date=aws.clock.now(),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=text,
        trace_header=trace_header,
    )
    execution.over, execution.ending, execution.working = Wake(), threading.Lock(), working
    execution.start()
    return execution


def starts(aws: Aws) -> Callable[..., Any]:
    """Starts executions of Standard machines."""
    starting = threading.Lock()

    def start(backend: Any, machine: Any, name: str | None, execution_input: str | None, trace_header: Any) -> Any:
        """Raises InvalidName, InvalidExecutionInput, ExecutionAlreadyExists."""
        name, text = given(name, execution_input)
        arn = f"arn:aws:states:{backend.region_name}:{backend.account_id}:execution:{machine.name}:{name}"
        with starting:
            executions = backend.__dict__.setdefault("executions_by_arn", {})
            if known := executions.get(arn):
                if known.status == "RUNNING" and known.execution_input == text:
                    return known
                raise ExecutionAlreadyExists(f"Execution Already Exists: '{arn}'")
            execution = begin(aws, backend, machine, arn, name, text, trace_header)
            executions[arn] = execution
            machine.executions.append(execution)
        return execution

    return start


def _describe_execution(self: Any, execution_arn: str) -> Any:
    self._validate_execution_arn(execution_arn)
    try:
        return self.__dict__["executions_by_arn"][execution_arn]
    except KeyError:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'") from None


def _close(aws: Aws, execution: Any) -> None:
    """Says how an execution ended, once: moto's interpreter comes to its end even after a stop."""
    with execution.ending:
        if execution.over.is_set():
            return
        env = execution.exec_worker.env
        state = env._program_state
        execution.stop_date = aws.clock.now()
        if isinstance(state, ProgramEnded):
            execution.output = env.states.get_input()
            execution.exec_status = ExecutionStatus.SUCCEEDED
        elif isinstance(state, ProgramStopped):
            execution.error, execution.cause = state.error, state.cause
            execution.exec_status = ExecutionStatus.ABORTED
        elif isinstance(state, Late):
            execution.exec_status = ExecutionStatus.TIMED_OUT
        else:
            # A Fail state without an error and a cause has neither.
            told = state.error if isinstance(state, ProgramError) else None
            details = {"error": "States.Runtime"} if told is None else told
            execution.error, execution.cause = details.get("error"), details.get("cause")
            execution.exec_status = ExecutionStatus.FAILED
        _tell(execution, partial(execution_logs.write, aws, execution))
        _notify(execution)
        execution.over.set()
        execution.working.close()
        # Those who wait have the one that was set; whoever asks later needs none of its own.
        execution.over, execution.working = _OVER, None


def _limit(execution: Any, declared: Any) -> float | None:
    """Returns the seconds that an execution may take; None without a limit."""
    limits = [declared.timeout_seconds] if declared else []
    return min([*limits, *([EXPRESS_SECONDS] if execution.sm_type == "EXPRESS" else [])], default=None)


def _run(aws: Aws) -> Callable[[Any], None]:
    run = ExecutionWorker._execution_logic

    def watch(execution: Any, seconds: float) -> None:
        env = execution.exec_worker.env
        limit = execution.start_date + timedelta(seconds=seconds)
        aws.clock.sleep_until(limit, wake=execution.over, resting=True)
        details = {"executionTimedOutEventDetails": ExecutionTimedOutEventDetails()}
        if end(env, HistoryEventType.ExecutionTimedOut, details, env.set_timed_out):
            _close(aws, execution)

    def execution_logic(self: Any) -> None:
        execution = self._execution_communication.execution
        _notify(execution)
        try:
            if (limit := _limit(execution, self._get_evaluation_entrypoint().timeout_seconds)) is not None:
                threads.start_busy(aws.clock, partial(watch, execution, limit))
            run(self)
        except Exception as fault:
            # Whatever goes wrong in the interpreter, no execution stays RUNNING.
            why = f"The embedded AWS could not go on: {fault}"
            self.env.set_error({"error": "States.Runtime", "cause": why})
        _close(aws, execution)

    return execution_logic


def _start_worker(self: Any) -> None:
    self.env = self._get_evaluation_environment()
    threads.start(self._execution_logic)


def _environment(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Made when the execution starts, so that it can be stopped from then on."""

    def get_evaluation_environment(self: Any) -> Any:
        if self.env is None:
            env = make(self)
            context = env.states.context_object.context_object_data
            context["Execution"]["StartTime"] = timestamp(context["Execution"]["StartTime"])
            execution = self._execution_communication.execution
            if execution.sm_type != "EXPRESS":
                context["Execution"]["RedriveCount"] = 0
            env.event_manager.given = execution.execution_input
            env.event_manager.definition = execution.state_machine.definition
            env._program_state = ProgramRunning()
            self.env = env
        return self.env

    return get_evaluation_environment


def stop(aws: Aws, execution: Any, error: str | None = None, cause: str | None = None) -> None:
    """Ends an execution now, unless it has ended; returns when it has."""
    env = execution.exec_worker.env
    details = {"executionAbortedEventDetails": ExecutionAbortedEventDetails(error=error, cause=cause)}
    # One that ended long ago has nothing left to be stopped by.
    if end(env, HistoryEventType.ExecutionAborted, details, lambda: env.set_stop(aws.clock.now(), cause, error)):
        _close(aws, execution)
    # One that has just ended by itself says so at once.
    execution.over.wait()


def stop_all(aws: Aws) -> None:
    """Before everything is emptied: nothing must go on in what comes after."""
    backend = stepfunctions_parser_backends[aws.account][aws.region]
    for execution in list(backend.__dict__.get("executions_by_arn", {}).values()):
        stop(aws, execution)


def _stop_execution(aws: Aws) -> Callable[[Any], Any]:
    def stop_execution(self: Any) -> Any:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        stop(aws, execution, self._get_param("error"), self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    return stop_execution


def _send_task_failure(self: Any) -> Any:
    """Keeps the cause of a failure, which moto loses."""
    error, cause = self._get_param("error"), self._get_param("cause")
    self.stepfunction_backend.send_task_failure(self._get_param("taskToken"), error=error, cause=cause)
    return ActionResult({})


def install(aws: Aws) -> None:
    """Replaces how moto runs, ends and describes executions; :mod:`.express` starts them, of either type."""
    replaces(StepFunctionResponse, "send_task_failure", digest="70ede33e602e")(_send_task_failure)
    backend, worker = StepFunctionsParserBackend, ExecutionWorker
    replaces(backend, "describe_execution", digest="3fd6c86ebe8e")(_describe_execution)
    replaces(StepFunctionResponse, "stop_execution", digest="35b84037935b")(_stop_execution(aws))
    replaces(worker, "_get_evaluation_environment", digest="e1c972603760")(
        _environment(worker._get_evaluation_environment)
    )
    replaces(worker, "_execution_logic", digest="e99707c4b5d7")(_run(aws))
    replaces(worker, "start", digest="01e18e4bc794")(_start_worker)
    # Said in _close, for moto says it only of executions that come to their end by themselves.
    replaces(BaseExecutionWorkerCommunication, "terminated", digest="801ff7e6d75c")(lambda self: None)

"""Executions of state machines as AWS runs them, where moto's interpreter does otherwise.

moto parses a definition anew for every execution, with a parser that keeps state in its classes (a concurrent parse has
left an execution RUNNING for ever); names an execution without a name "None"; takes names and inputs that AWS refuses;
does not know an alias when it starts; catches States.Runtime and States.DataLimitExceeded with States.ALL; and knows no
time but the machine's.
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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidExecutionInput,
    InvalidName,
)
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb import (
    StateTaskServiceDynamoDB,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

#: "Step Functions service quotas": input or output of an execution, state or task, in bytes of UTF-8.
INPUT_LIMIT_BYTES = 262_144

#: StartExecution, in Step Functions' API reference: what a name must not hold.
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")

#: "Handling errors in Step Functions workflows": States.ALL does not match these.
_PAST_ALL = frozenset({"States.DataLimitExceeded", "States.Runtime"})

#: What :func:`on_status_change` was given.
_listeners: list[Callable[[Mapping[str, Any]], None]] = []


def on_status_change(listener: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
    """Calls ``listener`` at the start and the end of each execution, with what DescribeExecution says of it then.

    Returns what ends that.
    """
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def timestamp(moment: datetime) -> str:
    """As the context object has it: ``2026-12-01T08:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Programs:
    """Parsed definitions. One is used by one execution at a time, for moto keeps counters in them, and then again."""

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse
        self._idle: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def parse(self, definition: str) -> Any:
        """Moto's parser, one at a time: it keeps state in its classes."""
        with self._lock:
            return self._parse(definition)

    def take(self, definition: str) -> Any:
        with self._lock:
            if idle := self._idle.get(definition):
                return idle.pop()
            return self._parse(definition)[0]

    def give_back(self, definition: str, program: Any) -> None:
        with self._lock:
            self._idle.setdefault(definition, []).append(program)


def resolve_alias(arn: str) -> str:
    """The ARN of the machine that ``…:stateMachine:NAME:ALIAS`` qualifies; a version's ARN is moto's to resolve."""
    parts = arn.split(":")
    return ":".join(parts[:7]) if len(parts) == 8 and parts[5] == "stateMachine" and not parts[7].isdecimal() else arn


def _notify(execution: Any) -> None:
    described = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "input": execution.execution_input,
        "output": json.dumps(execution.output) if execution.status == "SUCCEEDED" else None,
        "error": execution.error,
        "cause": execution.cause,
    }
    for listener in list(_listeners):
        listener(described)


def _start_execution(aws: EmbeddedAws) -> Callable[..., Any]:
    starting = threading.Lock()

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: Any = None,
    ) -> Any:
        machine = self.describe_state_machine(resolve_alias(state_machine_arn))
        name = name or str(uuid.uuid4())
        if len(name) > 80 or _FORBIDDEN.search(name):
            raise InvalidName(f"Invalid Name: '{name}'")
        given = execution_input or "{}"
        if len(given.encode()) > INPUT_LIMIT_BYTES:
            raise InvalidExecutionInput(f"Invalid State Machine Execution Input: longer than {INPUT_LIMIT_BYTES} bytes")
        try:
            json.loads(given)
        except ValueError as fault:
            raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{fault}'") from fault
        arn = f"arn:aws:states:{self.region_name}:{self.account_id}:execution:{machine.name}:{name}"
        with starting:
            executions = self.__dict__.setdefault("executions_by_arn", {})
            if known := executions.get(arn):
                if known.status == "RUNNING" and known.execution_input == given:
                    return known
                raise ExecutionAlreadyExists(f"Execution Already Exists: '{arn}'")
            execution = Execution(
                name=name,
                sm_type=machine.sm_type,
                role_arn=machine.roleArn,
                exec_arn=arn,
                account_id=self.account_id,
                region_name=self.region_name,
                # An update replaces the attributes of the machine, so a shallow copy keeps today's.
                state_machine=copy.copy(machine),
                start_date=aws.clock.now(),
                cloud_watch_logging_session=None,
                activity_store={},
                input_data=given,
                trace_header=trace_header,
            )
            execution.over = threading.Event()
            execution.exec_status = ExecutionStatus.RUNNING
            executions[arn] = execution
            machine.executions.append(execution)
        # From now on, and not from when its thread comes to run: virtual time must not slip by between the two.
        execution.working = ExitStack()
        execution.working.enter_context(aws.clock.busy())
        execution.start()
        return execution

    return start_execution


def _describe_execution(self: Any, execution_arn: str) -> Any:
    self._validate_execution_arn(execution_arn)
    try:
        return self.__dict__["executions_by_arn"][execution_arn]
    except KeyError:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'") from None


def _run(aws: EmbeddedAws, programs: Programs) -> Callable[[Any], None]:
    start = ExecutionWorker._execution_logic

    def execution_logic(self: Any) -> None:
        execution = self._execution_communication.execution
        definition = self._evaluation_details.state_machine_details.definition
        program = programs.take(definition)
        self._get_evaluation_entrypoint = lambda: program
        with execution.working:
            _notify(execution)
            try:
                start(self)
            except Exception as fault:
                # Whatever goes wrong in the interpreter, no execution stays RUNNING.
                execution.exec_status = ExecutionStatus.FAILED
                execution.error, execution.cause = "States.Runtime", repr(fault)
                execution.stop_date = aws.clock.now()
            if execution.status in {"SUCCEEDED", "FAILED"}:
                programs.give_back(definition, program)
            _notify(execution)
            execution.over.set()

    return execution_logic


def _environment(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def get_evaluation_environment(self: Any) -> Any:
        env = make(self)
        context = env.states.context_object.context_object_data
        context["Execution"]["StartTime"] = timestamp(context["Execution"]["StartTime"])
        env.over = threading.Event()
        return env

    return get_evaluation_environment


def _ends(method: Callable[..., None]) -> Callable[..., None]:
    """Wakes whatever sleeps in an environment that ends."""

    def end(self: Any, *arguments: Any, **named: Any) -> None:
        method(self, *arguments, **named)
        if over := getattr(self, "over", None):
            over.set()

    return end


def _stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    while self.env is None:
        threading.Event().wait(0.001)
    self.env.set_stop(stop_date=stop_date, cause=cause, error=error)


def _matches(self: Any, env: Any) -> None:
    error = getattr(env.stack.pop(), "error_name", None)
    names = {name.error_name for name in self.error_names}
    env.stack.append(
        error in names
        or ("States.ALL" in names and error not in _PAST_ALL)
        or ("States.TaskFailed" in names and not str(error).startswith("States."))
    )


def _known_first(method: Callable[..., Any]) -> Callable[..., Any]:
    """Moto's DynamoDB integration takes an expression that failed, or a timeout, for an error of DynamoDB."""

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, FailureEventException):
            return ex.failure_event
        return self._get_timed_out_failure_event(env) if isinstance(ex, TimeoutError) else method(self, env=env, ex=ex)

    return from_error


def _retrier(aws: EmbeddedAws) -> Callable[[Any, Any], None]:
    def eval_body(self: Any, env: Any) -> None:
        self.error_equals.eval(env)
        if not env.stack.pop():
            env.stack.append(RetrierOutcome.Skipped)
            return
        self.max_attempts.eval(env=env)
        if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
            env.stack.append(RetrierOutcome.Failed)
            return
        for part in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
            part.eval(env=env)
        aws.clock.sleep(env.stack.pop(), wake=getattr(env, "over", None), resting=True)
        env.stack.append(RetrierOutcome.Executed)

    return eval_body


def install(aws: EmbeddedAws) -> None:
    """Replaces the parts of moto's interpreter that differ from AWS."""
    # moto writes a line for every error that a definition handles.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    programs = Programs(AmazonStateLanguageParser.parse)
    AmazonStateLanguageParser.parse = staticmethod(programs.parse)

    StepFunctionsParserBackend.start_execution = _start_execution(aws)
    StepFunctionsParserBackend.describe_execution = _describe_execution

    ExecutionWorker._get_evaluation_environment = _environment(ExecutionWorker._get_evaluation_environment)
    ExecutionWorker._execution_logic = _run(aws, programs)
    ExecutionWorker.stop = _stop
    Environment.set_stop = _ends(Environment.set_stop)
    Environment.set_timed_out = _ends(Environment.set_timed_out)

    ErrorEqualsDecl._eval_body = _matches
    RetrierDecl._eval_body = _retrier(aws)
    StateTaskServiceDynamoDB._from_error = _known_first(StateTaskServiceDynamoDB._from_error)

    def wait_interval(_self: Any, env: Any, wait_seconds: float) -> None:
        aws.clock.sleep(wait_seconds, wake=getattr(env, "over", None), resting=True)

    WaitFunction._wait_interval = wait_interval

    EventManager._get_current_timestamp = staticmethod(aws.clock_now)

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return aws.clock.now()

    state_module.datetime = type("datetime", (), {"datetime": Datetime, "timezone": state_module.datetime.timezone})

    reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    def reflect_execution_status(self: Any) -> None:
        reflect(self)
        self.execution.stop_date = aws.clock.now()

    BaseExecutionWorkerCommunication._reflect_execution_status = reflect_execution_status

    describe = StepFunctionResponse.describe_execution

    def describe_execution(self: Any) -> Any:
        answer = describe(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.stop_date:
            answer.result["stopDate"] = execution.stop_date
        return answer

    StepFunctionResponse.describe_execution = describe_execution

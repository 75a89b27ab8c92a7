"""How states run, where moto's interpreter does otherwise than AWS.

moto parses a definition anew for every execution, with a parser that keeps state in its classes (a concurrent parse has
left an execution RUNNING for ever); catches States.Runtime and States.DataLimitExceeded with States.ALL; knows no time
but the machine's; and lets a stopped or timed out execution finish what it was doing.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguageMode
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb import (
    StateTaskServiceDynamoDB,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from orchestrator.local.aws import threads
from orchestrator.local.aws.clock import Wake
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures, programs, steps

#: As a recording of AWS shows: 24,855 days are waited, 24,856 are not.
_LONGEST_WAIT_SECONDS = 2**31 - 1


class Stopped(Exception):
    """The execution ended while a state was at work: nobody waits for what comes of it."""


def timestamp(moment: datetime) -> str:
    """Writes a moment as the context object does: ``2026-12-01T08:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def end(env: Any, event_type: Any, details: Mapping[str, Any], change: Callable[[], None]) -> bool:
    """Ends a running execution from outside, with ``event_type`` as the last event; False if it has just ended."""
    with env._state_mutex:
        if not env.is_running():
            return False
        env.event_history_context.source_event_id = 0
        env.event_manager.add_event(
            context=env.event_history_context, event_type=event_type, event_details=dict(details)
        )
        env.event_manager.closed = True
        change()
        return True


def _parse_once(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Parses each definition once, one at a time: evaluation does not change what moto's parser returns."""
    lock = threading.Lock()
    read = programs.kept(parse, programs.of_user)

    @functools.lru_cache(256)
    def cached(definition: str) -> Any:
        # The tree of the text is as large as twenty texts, and nobody looks at it.
        return read(definition)[0], None

    def locked(definition: str) -> Any:
        with lock:
            return cached(definition)

    return locked


def _languages() -> None:
    """States within a Map or a Parallel speak what the machine speaks, and not what that state speaks.

    What a definition that was refused has spoken stays with it: for moto the next one would speak that.
    """
    scopes_of_one = property(lambda self: vars(self).setdefault("_scopes", []))
    replaces(Preprocessor, "_query_language_per_scope", digest="a330395cc0a5")(scopes_of_one)
    open_scope = Preprocessor._open_query_language_scope

    @replaces(Preprocessor, "_open_query_language_scope", digest="819bffb42181")
    def open_query_language_scope(self: Any, parse_tree: Any) -> None:
        scopes = self._query_language_per_scope
        outer, scopes[:] = scopes[:], []
        open_scope(self, parse_tree)
        of_all = outer[0] if outer and outer[0].query_language_mode == QueryLanguageMode.JSONata else scopes[0]
        scopes[:] = [*outer, of_all]


def _environments() -> None:
    """Gives each environment ``over``, set when it no longer runs, and lets a stopped one stay stopped."""
    make, set_error = Environment.__init__, Environment.set_error

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.over = Wake()

    def guarded_error(self: Any, error: Any) -> None:
        with self._state_mutex:
            if not isinstance(self._program_state, ProgramStopped | ProgramTimedOut):
                set_error(self, error)

    def waking(method: Callable[..., None]) -> Callable[..., None]:
        def change(self: Any, *arguments: Any, **named: Any) -> None:
            method(self, *arguments, **named)
            if not self.is_running():
                self.over.set()

        return change

    replaces(Environment, "__init__", digest="2f3ca394509f")(init)
    replaces(Environment, "set_error", digest="e09d9eedea3f")(waking(guarded_error))
    replaces(Environment, "set_ended", digest="772428fc3ea1")(waking(Environment.set_ended))
    replaces(Environment, "set_timed_out", digest="4323a44c73b0")(waking(Environment.set_timed_out))
    replaces(Environment, "set_stop", digest="858f05b7b023")(waking(Environment.set_stop))

    add_event = EventManager.add_event

    @replaces(EventManager, "add_event", digest="b5a39f126fc0")
    def add_event_of_aws(self: Any, context: Any, event_type: Any, event_details: Any = None, **named: Any) -> Any:
        if getattr(self, "closed", False) or failures.is_untold(event_type, event_details):
            return None
        newest = self._history_event_list[-1]["type"] if self._history_event_list else None
        if event_type == newest == HistoryEventType.ExecutionFailed:
            # Some states of moto's tell of the execution's end, which is told of again.
            return None
        if (earlier := failures.precedes(context, event_type, event_details)) is not None:
            context.source_event_id = earlier
        if event_type == HistoryEventType.ExecutionStarted:
            # In the words of whoever started it; states have it compact.
            event_details["executionStartedEventDetails"]["input"] = self.given
        before = context.source_event_id
        number = add_event(self, context, event_type, event_details, **named)
        if event_type.endswith("StateEntered"):
            context.entered = failures.Entered(event=number, before=before)
        return number


def _matches(self: Any, env: Any) -> None:
    """Whether a retrier or a catcher takes an error.

    "A States.Runtime error isn't retriable, and will always cause the execution to fail" ("Handling errors in Step
    Functions workflows"). That page says of States.DataLimitExceeded that States.ALL does not catch it, but a recording
    of AWS (a result of Lambda that is too large, of 2024-03-21) shows that it does.
    """
    error = getattr(env.stack.pop(), "error_name", None)
    names = {name.error_name for name in self.error_names}
    env.stack.append(
        error != "States.Runtime"
        and (error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout"))
    )


def _known_first(method: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps failed expressions and timeouts from being named DynamoDB's errors, as moto does."""

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, FailureEventException):
            return ex.failure_event
        return self._get_timed_out_failure_event(env) if isinstance(ex, TimeoutError) else method(self, env=env, ex=ex)

    return from_error


def _retrier(aws: Aws) -> Callable[[Any, Any], None]:
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
        aws.clock.sleep(env.stack.pop(), wake=env.over, resting=True)
        env.stack.append(RetrierOutcome.Executed)

    return eval_body


def _work(aws: Aws) -> Callable[[Any, Any], None]:
    """Runs a Task, Parallel or Map until its work is done, its time is up, or the execution is stopped."""

    def evaluate_with_timeout(self: Any, env: Any) -> None:
        self.timeout.eval(env=env)
        seconds = env.stack.pop()
        frame = env.open_frame()
        frame.states.reset(input_value=env.states.get_input())
        frame.stack = steps.copied(env.stack)
        outcomes: list[tuple[Any, Exception | None]] = []

        def work() -> None:
            try:
                self._eval_execution(frame)
                outcomes.append((frame.stack[-1], None))
            except Exception as fault:
                outcomes.append((None, fault))
            frame.set_ended()

        # Busy until it rests, and again when the time is up, until whoever rests in the frame has woken: virtual time
        # must not slip by.
        with aws.clock.busy():
            threads.start(work)
            aws.clock.sleep(seconds, wake=frame.over, resting=True)
            outcome = outcomes[0] if outcomes else None
            frame.set_ended()
        env.close_frame(frame)
        if outcome is None:
            raise EvalTimeoutError if env.is_running() else Stopped
        result, fault = outcome
        if fault is not None:
            raise fault
        env.stack.append(result)
        if not self._is_language_query_jsonpath():
            env.states.set_result(result)
        if self.assign_decl:
            self.assign_decl.eval(env=env)
        if self.result_selector:
            self.result_selector.eval(env=env)
        if self.result_path:
            self.result_path.eval(env)
        else:
            env.states.reset(input_value=env.stack.pop())

    return evaluate_with_timeout


def install(aws: Aws) -> None:
    """Replaces the parts of moto's interpreter that differ from AWS."""
    # moto writes a line, and the whole definition with it, for every error that a definition handles.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    replaces(EvalComponent, "_log_failure_event_exception", digest="2c75d8a9b698")(lambda *_, **__: None)
    replaces(EvalComponent, "_log_exception", digest="e495897e8133")(lambda *_, **__: None)
    # What moto names at random when it is first asked for, which two executions may do at once.
    replaces(EvalComponent, "heap_key", digest="654367c0634c")(property(lambda self: str(id(self))))
    parser = AmazonStateLanguageParser
    replaces(parser, "parse", digest="e6fd7e062fd0")(staticmethod(_parse_once(parser.parse)))
    _languages()
    _environments()

    # The time limit of a whole execution is kept where executions are.
    @replaces(Program, "eval", digest="c181f632bc69")
    def eval_program(self: Any, env: Any) -> None:
        with env._state_mutex:
            # Stopped before it began.
            if env._program_state is not None and not env.is_running():
                return
            env.next_state_name = self.start_at.start_at_name
        EvalComponent.eval(self, env)

    @replaces(WaitFunction, "_wait_interval", digest="4ddf692596c3")
    def wait_interval(_self: Any, env: Any, wait_seconds: float) -> None:
        if wait_seconds > _LONGEST_WAIT_SECONDS:
            raise failures.runtime_error(env, "Wait state delay is too long.")
        aws.clock.sleep(wait_seconds, wake=env.over, resting=True)

    @replaces(Timestamp, "_get_wait_seconds", digest="b1b6ac417eb3")
    def seconds_until(self: Any, env: Any) -> float:
        self.string.eval(env=env)
        text = env.stack.pop()
        if self._from_timestamp_string(timestamp=text) is None:
            if isinstance(self.string, StringJSONata):
                wrong = "cannot be parsed as an ISO-8601 extended offset date-time format string"
                raise failures.evaluation_failed(env, f"The Timestamp field {wrong}: {text}", "Timestamp")
            raise FailureEventException(self._create_failure_event(env, text))
        return (datetime.fromisoformat(text) - aws.clock.now()).total_seconds()

    replaces(ErrorEqualsDecl, "_eval_body", digest="3dc18f0dc961")(_matches)
    replaces(ExecutionState, "_evaluate_with_timeout", digest="81d0a00cfee9")(_work(aws))
    replaces(RetrierDecl, "_eval_body", digest="5ef92c56dcc6")(_retrier(aws))
    service = StateTaskServiceDynamoDB
    replaces(service, "_from_error", digest="26511b8e25c6")(_known_first(service._from_error))
    # moto refuses the name of an error, States.Timeout say, that a branch hands on to its Parallel or Map.
    replaces(CustomErrorName, "__init__", digest="2e6634bd8a7a")(ErrorName.__init__)
    replaces(EventManager, "_get_current_timestamp", digest="48a2a8e207bc")(staticmethod(lambda: aws.clock.now()))

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return aws.clock.now()

    module = type("datetime", (), {"datetime": Datetime, "timezone": state_module.datetime.timezone})
    replaces(state_module, "datetime", digest="2763d133c5e5")(module)

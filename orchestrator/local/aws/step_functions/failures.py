"""How a failure is told: its events, and the cause that names the state and the field.

moto tells of an expression that failed in a Task alone, and does not say in which field; says that a state failed where
on AWS the execution does, at once; and counts the state's event from where the state has come to by then.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_RUNTIME = StatesErrorNameType.StatesRuntime.to_name()
_UNTOLD = (
    _RUNTIME,
    StatesErrorNameType.StatesIntrinsicFailure.to_name(),
    StatesErrorNameType.StatesNoChoiceMatched.to_name(),
)
_EVALUATION = StatesErrorNameType.StatesQueryEvaluationError.to_name()

#: "Step Functions service quotas": "25,000 events in a single state machine execution history".
HISTORY_EVENTS = 25_000

_TOO_LONG = f"The execution reached the maximum number of history events ({HISTORY_EVENTS})."

#: Fields with states of their own.
_NESTED = frozenset({"Branches", "ItemProcessor", "Iterator"})

#: What is evaluated before the rest of a state.
_FIRST = ("Items", "Arguments")


@dataclass(frozen=True, kw_only=True)
class Entered:
    """The event with which a state began."""

    #: The number of its StateEntered event.
    event: int
    #: The number of the event before.
    before: int


@functools.lru_cache(256)
def _states(definition: str) -> Mapping[str, Any]:
    """All states of a definition, nested ones too: their names are unique."""
    collected: dict[str, Any] = {}

    def collect(value: Any) -> None:
        if isinstance(value, list):
            for inner in value:
                collect(inner)
        elif isinstance(value, Mapping):
            if isinstance(states := value.get("States"), Mapping):
                collected.update(states)
            for inner in value.values():
                collect(inner)

    collect(json.loads(definition))
    return collected


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each text in a value, and where it stands: ``Output/result``, ``Choices[0]/Condition``."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}/{name}" if path else name)


def field_of(definition: str, state: str, expression: str) -> str | None:
    """The field of a state that holds an expression, as AWS writes it; None where none does."""
    known = _states(definition).get(state, {})
    names = sorted((name for name in known if name not in _NESTED), key=lambda name: name not in _FIRST)
    for path, text in _texts({name: known[name] for name in names}, ""):
        if text.startswith("{%") and text.endswith("%}") and text[2:-2].strip() == expression.strip():
            return path
    return None


def evaluation_failed(env: Any, cause: str, location: str | None) -> FailureEventException:
    """States.QueryEvaluationError, with its event."""
    details = EvaluationFailedEventDetails(error=_EVALUATION, cause=cause)
    if location:
        details["location"] = location
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )


def work_failed(state: Any, env: Any, described: Any) -> FailureEventException:
    """States.TaskFailed of an execution or a job that a state has waited for: its cause is what is said of that one."""
    details = TaskFailedEventDetails(
        resource=state._get_sfn_resource(),
        resourceType=state._get_sfn_resource_type(),
        error=StatesErrorNameType.StatesTaskFailed.to_name(),
        cause=json.dumps(described, separators=(",", ":")),
    )
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesTaskFailed),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )
    )


def runtime_error(
    env: Any, cause: str, kind: StatesErrorNameType = StatesErrorNameType.StatesRuntime, *, of_map: bool = False
) -> FailureEventException:
    """States.Runtime, which nobody catches, or another of _UNTOLD: only the execution's own event tells of it.

    ``of_map``: a Map's own event does not tell of it, either.
    """
    told = {"error": kind.to_name(), "cause": cause}
    details = EventDetails(executionFailedEventDetails=told) if of_map else EventDetails(taskFailedEventDetails=told)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=kind),
            event_type=HistoryEventType.ExecutionFailed if of_map else HistoryEventType.TaskFailed,
            event_details=details,
        )
    )


def is_untold(event_type: str, details: Any) -> bool:
    """Whether AWS has no event for what moto tells of: a state does not fail by States.Runtime, the execution does."""
    told: Mapping[str, Any] = next(iter(details.values()), {}) if details else {}
    return event_type not in ("ExecutionFailed", "MapRunFailed") and told.get("error") in _UNTOLD


def precedes(context: Any, event_type: str, details: Any) -> int | None:
    """The number of the event that comes before an EvaluationFailed, where it is not the newest.

    An expression that fails before anything else in its state has happened follows what came before the state.
    """
    entered: Entered | None = getattr(context, "entered", None)
    if event_type != "EvaluationFailed" or entered is None or context.source_event_id != entered.event:
        return None
    parsed = "field cannot be parsed" in details["evaluationFailedEventDetails"]["cause"]
    return None if parsed else entered.before


_NO_PATH = re.compile(r"Invalid path '(?P<path>\$[^']*)' : No results for path: .*")


def _in_paths_words(cause: str, data: Any) -> str:
    """The cause of a path that leads nowhere: AWS names the property at which it does."""
    path = _NO_PATH.fullmatch(cause)
    if path is None:
        return cause
    names = [name for name in re.split(r"[.\[\]'\"]+", path["path"][1:]) if name]
    way = "$"
    for at, name in enumerate(names):
        way += f"['{name}']"
        data = data.get(name) if isinstance(data, Mapping) else None
        if data is None and at < len(names) - 1:
            return f"Invalid path '{path['path']}' : Missing property in path {way}"
    return f"Invalid path '{path['path']}' : No results for path: {way}"


def _told_again(cause: str, env: Any) -> str:
    """A cause of moto's in AWS's words."""
    no_array = "Map state input must be an array but was: "
    if cause.startswith(no_array):
        return no_array + json.dumps(env.states.get_input(), separators=(",", ":"))
    return _in_paths_words(cause, env.states.get_input())


def _where(failure: Any) -> str:
    entered = f"entered at the event id #{failure.source_event_id}"
    return f"An error occurred while executing the state '{failure.state_name}' ({entered}). "


def _tells(env: Any, failure: Any) -> bool:
    """Whether the history has a failure's event already."""
    told = next(iter(failure.event_details.values()))
    newest = env.event_manager._history_event_list[-8:]
    return any(event.get("evaluationFailedEventDetails") is told for event in newest)


def install(aws: Aws) -> None:
    """Names state, event and field in what is told of a failure, and tells it where AWS does."""
    make = FailureEvent.__init__
    error_output = ExecutionState._construct_error_output_value

    def construct_error_output_value(failure_event: Any) -> Any:
        told = next(iter(failure_event.event_details.values()))
        return error_output(failure_event) if told.get("error") else {"Error": None, "Cause": None}

    replaces(ExecutionState, "_construct_error_output_value", digest="676c0a9e8db3")(
        staticmethod(construct_error_output_value)
    )
    inner_frame = Environment.__dict__["as_inner_frame_of"].__func__
    evaluate_state = CommonStateField._eval_body

    @replaces(FailureEvent, "__init__", digest="4a61f131ef9d")
    def init(self: Any, env: Any, *arguments: Any, **named: Any) -> None:
        make(self, env, *arguments, **named)
        if entered := getattr(env.event_history_context, "entered", None):
            self.source_event_id = entered.event
        told: dict[str, Any] = next(iter(self.event_details.values()), {}) if self.event_details else {}
        if isinstance(told.get("cause"), dict):
            # An answer of EventBridge's that some entries have failed in.
            told["cause"] = json.dumps(told["cause"], separators=(",", ":"))
        if told.get("error") in (*_UNTOLD, _EVALUATION) and told.get("cause"):
            if not told["cause"].startswith(("An error occurred while executing the state", _TOO_LONG)):
                told["cause"] = _where(self) + _told_again(told["cause"], env)
            if self.event_type == HistoryEventType.EvaluationFailed:
                told["state"] = self.state_name

    @replaces(FailureEventException, "get_execution_failed_event_details", digest="4d188bdde262")
    def execution_failed(self: Any) -> dict[str, Any] | None:
        pair = self.extract_error_cause_pair()
        if pair is None:
            return None
        return {name: value for name, value in zip(("error", "cause"), pair, strict=True) if value}

    @replaces(FailureEventException, "get_evaluation_failed_event_details", digest="9223b59ad29d")
    def evaluation_failed_details(self: Any) -> Any:
        return self.failure_event.event_details["evaluationFailedEventDetails"]

    def as_inner_frame_of(cls: Any, env: Any, *arguments: Any, **named: Any) -> Any:
        frame = inner_frame(cls, env, *arguments, **named)
        if entered := getattr(env.event_history_context, "entered", None):
            frame.event_history_context.entered = entered
        return frame

    replaces(Environment, "as_inner_frame_of", digest="f2924a9c984e")(classmethod(as_inner_frame_of))

    @replaces(CommonStateField, "_eval_body", digest="74cba076a22c")
    def eval_body(self: Any, env: Any) -> None:
        try:
            if len(env.event_manager._history_event_list) >= HISTORY_EVENTS - 1:
                raise runtime_error(env, _TOO_LONG)
            evaluate_state(self, env)
        except FailureEventException as fault:
            failure = fault.failure_event
            if failure.event_type == HistoryEventType.EvaluationFailed and not _tells(env, failure):
                env.event_manager.add_event(
                    context=env.event_history_context,
                    event_type=HistoryEventType.EvaluationFailed,
                    event_details=failure.event_details,
                )
            raise

"""TestState: one state on its own.

moto has no TestState. Here the state runs in the same interpreter as an execution's, under the role that is named, as
the first of a machine whose other states end it; nothing of it is stored, told or listed ("Using TestState API to test
a state in Step Functions"). What AWS answers to a state that fails was recorded from AWS by LocalStack
(tests/aws/services/stepfunctions/v2/test_state).
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidExecutionInput, ValidationException
from moto.stepfunctions.parser.api import ExecutionTimedOutEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.mocking.mock_config import (
    MockedResponseReturn,
    MockedResponseThrow,
    MockTestCase,
    StateMockedResponses,
)
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds
from orchestrator.local.aws.step_functions import mocks
from orchestrator.local.aws.step_functions.interpreter import end
from orchestrator.local.aws.step_functions.validation import InvalidDefinition, refuse
from orchestrator.local.aws.step_functions.values import JSONATA

State = Mapping[str, Any]

#: "TestState": "The TestState API can run for up to five minutes."
_LIMIT = timedelta(minutes=5)

#: What the state is called where the request does not say.
_NAME = "StateName"

#: States that have a result of their own, which alone can be mocked.
_MOCKABLE = frozenset({"Task", "Map", "Parallel"})

#: Stands for the work of a Map or a Parallel that is mocked.
_ANY_TASK = "arn:aws:states:::lambda:invoke"

#: Errors that States.ALL and States.TaskFailed do not match ("Handling errors in Step Functions workflows").
_NEVER_BY_ALL = frozenset({"States.DataLimitExceeded", "States.Runtime"})

#: A Retrier's MaxAttempts, IntervalSeconds and BackoffRate where it does not say.
_ATTEMPTS, _INTERVAL, _BACKOFF = 3, 1, 2.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The state that is to be run, with its input and mock."""

    state: State
    query_language: str
    role_arn: str | None
    given: Any
    name: str = _NAME
    variables: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] | None = None
    mock: Any = None
    retries: int = 0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of a machine of one state."""

    output: Any = None
    error: str | None = None
    cause: str | None = None
    next_state: str | None = None
    failed: bool = False
    events: tuple[Mapping[str, Any], ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)

    def detail(self, event_type: str, name: str) -> str | None:
        """A field of the first event of a type."""
        key = f"{event_type[0].lower()}{event_type[1:]}EventDetails"
        return next((event[key].get(name) for event in self.events if event["type"] == event_type), None)


def _json(text: str | None, otherwise: Any, refuse: Callable[[], Exception]) -> Any:
    if text is None:
        return otherwise
    try:
        return json.loads(text)
    except ValueError:
        raise refuse() from None


def _trial(request: Mapping[str, Any]) -> Trial:
    """The request, checked as AWS checks it."""
    definition = _json(
        request["definition"],
        None,
        lambda: InvalidDefinition(
            "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: Definition must be a valid JSON object'"
        ),
    )
    if not isinstance(definition, dict):
        raise InvalidDefinition("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Not a JSON object'")
    name, language = request.get("stateName"), str(definition.get("QueryLanguage", "JSONPath"))
    state = definition
    if "States" in definition:
        if name is None:
            raise ValidationException("StateName is required when the definition is a state machine")
        if name not in definition["States"]:
            raise ValidationException(f"State not found in definition: {name}")
        state = definition["States"][name]
    given = _json(request.get("input"), {}, lambda: InvalidExecutionInput("Invalid State Input: not valid JSON"))
    trial = Trial(
        state={key: value for key, value in state.items() if key != "QueryLanguage"},
        query_language=str(state.get("QueryLanguage", language)),
        role_arn=request.get("roleArn"),
        given=given,
        name=name or _NAME,
        variables=_json(request.get("variables"), {}, lambda: ValidationException("Variables must be valid JSON")),
        context=_json(request.get("context"), None, lambda: ValidationException("Context must be valid JSON")),
        mock=request.get("mock"),
        retries=(request.get("stateConfiguration") or {}).get("retrierRetryCount", 0),
    )
    _check(trial, request)
    return trial


def _check(trial: Trial, request: Mapping[str, Any]) -> None:
    kind, resource = trial.state.get("Type"), str(trial.state.get("Resource", ""))
    if trial.mock is None:
        if kind in {"Map", "Parallel"}:
            raise InvalidDefinition(
                "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait,"
                " Pass, Succeed, Fail, Choice]"
            )
        if kind == "Task" and (".sync" in resource or ".waitForTaskToken" in resource or ":activity:" in resource):
            raise InvalidDefinition(
                "TestState API does not support Activity Task states, and '.sync' or '.waitForTaskToken' service"
                " integration patterns"
            )
        if kind == "Task" and not trial.role_arn:
            raise ValidationException("RoleArn must be specified when testing a Task state")
        return
    if kind not in _MOCKABLE:
        raise ValidationException(f"State type '{kind}' is not supported when a mock is specified")
    if request.get("revealSecrets"):
        raise ValidationException("TestState does not support RevealSecrets when a mock is specified.")
    if "result" in trial.mock and "errorOutput" in trial.mock:
        raise ValidationException("A test mock should have only one of the following fields: [result, errorOutput].")
    if "result" in trial.mock:
        result = _json(trial.mock["result"], None, lambda: ValidationException("Mocked result must be valid JSON"))
        if problem := mocks.problem(trial.state, result, trial.mock.get("fieldValidationMode", "STRICT")):
            raise ValidationException(problem)


def _machine(trial: Trial, state: State) -> str:
    """A machine that runs the state, and ends with its output wherever that goes next."""
    targets = {state.get("Next"), state.get("Default"), *(rule.get("Next") for rule in state.get("Choices", []))}
    targets |= {catcher.get("Next") for catcher in state.get("Catch", [])}
    ends = {target: {"Type": "Succeed"} for target in targets if isinstance(target, str) and target != trial.name}
    return json.dumps(
        {"QueryLanguage": trial.query_language, "StartAt": trial.name, "States": {trial.name: state, **ends}}
    )


def _mocked(trial: Trial, error: tuple[str, str] | None) -> MockTestCase | None:
    response: Any
    if error is not None:
        response = MockedResponseThrow(0, 0, *error)
    elif trial.mock is None:
        return None
    elif "errorOutput" in trial.mock:
        output = trial.mock["errorOutput"]
        response = MockedResponseThrow(0, 0, output.get("error", ""), output.get("cause", ""))
    else:
        response = MockedResponseReturn(0, 0, json.loads(trial.mock.get("result") or "{}"))
    return MockTestCase("TestState", "mock", [StateMockedResponses(trial.name, "mock", [response])])


def _as_task(state: State, language: str) -> State:
    """A Map or Parallel whose work is mocked, as a task with the same way out."""
    if state["Type"] == "Task":
        return state
    out = {
        "Assign",
        "Catch",
        "End",
        "Next",
        "InputPath",
        "Output",
        "OutputPath",
        "ResultPath",
        "ResultSelector",
        "Retry",
    }
    kept = {name: value for name, value in state.items() if name in out}
    asked = "Arguments" if language == JSONATA else "Parameters"
    return {"Type": "Task", "Resource": _ANY_TASK, asked: {"FunctionName": "mocked"}} | kept


def _run(aws: Aws, trial: Trial, state: State, error: tuple[str, str] | None = None) -> Ended:
    """Runs the state without a trace of it."""
    mock = _mocked(trial, error)
    definition = _machine(trial, _as_task(state, trial.query_language) if mock else state)
    refuse(definition)
    machine, name = str(uuid.uuid4()), str(uuid.uuid4())
    here = f"arn:aws:states:{aws.region}:{aws.account}"
    execution = Execution(
        name=name,
        sm_type="STANDARD",
        role_arn=trial.role_arn,
        exec_arn=f"{here}:express:{machine}:{name}",
        account_id=aws.account,
        region_name=aws.region,
        state_machine=SimpleNamespace(
            arn=f"{here}:stateMachine:{machine}", name=machine, sm_type="STANDARD", definition=definition
        ),
        start_date=aws.clock.now(),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=json.dumps(trial.given),
    )
    worker = execution.exec_worker = execution._get_start_execution_worker()
    worker._mock_test_case = mock
    env = worker._get_evaluation_environment()
    if trial.context is not None:
        env.states.context_object.context_object_data.update(trial.context)
    for variable, value in trial.variables.items():
        env.variable_store.set(variable, value)
    with aws.clock.busy():
        threading.Thread(target=_limit, args=(aws, env), daemon=True).start()
        worker._get_evaluation_entrypoint().eval(env)
    return _ended(env)


def _limit(aws: Aws, env: Any) -> None:
    aws.clock.sleep_until(aws.clock.now() + _LIMIT, wake=env.over)
    details = {"executionTimedOutEventDetails": ExecutionTimedOutEventDetails()}
    end(env, HistoryEventType.ExecutionTimedOut, details, env.set_timed_out)


def _ended(env: Any) -> Ended:
    events = tuple(env.event_manager.get_event_history())
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    state = env.program_state()
    variables = dict(env.variable_store._inner_scope)
    if isinstance(state, ProgramError):
        details = state.error or {}
        return Ended(
            failed=True, error=details.get("error"), cause=details.get("cause"), events=events, variables=variables
        )
    if isinstance(state, ProgramTimedOut):
        return Ended(failed=True, error="States.Timeout", events=events, variables=variables)
    return Ended(
        output=env.states.get_input(),
        next_state=entered[1] if len(entered) > 1 else None,
        events=events,
        variables=variables,
    )


def matches(error: str | None, names: list[str]) -> bool:
    """Whether ErrorEquals says an error ("Handling errors in Step Functions workflows")."""
    if error in names:
        return True
    by_all = error not in _NEVER_BY_ALL
    return by_all and ("States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout"))


def _tested(aws: Aws, trial: Trial) -> tuple[dict[str, Any], Ended]:
    """TestState's answer without what it saw on the way."""
    bare = {name: value for name, value in trial.state.items() if name not in {"Retry", "Catch"}}
    first = _run(aws, trial, bare)
    if not first.failed:
        said = {"status": "SUCCEEDED", "output": _text(first.output), "nextState": first.next_state}
        return {name: value for name, value in said.items() if value is not None}, first
    said = {name: value for name, value in (("error", first.error), ("cause", first.cause)) if value is not None}
    for index, retrier in enumerate(trial.state.get("Retry", [])):
        if matches(first.error, retrier["ErrorEquals"]):
            if trial.retries < retrier.get("MaxAttempts", _ATTEMPTS):
                seconds = retrier.get("IntervalSeconds", _INTERVAL)
                seconds *= retrier.get("BackoffRate", _BACKOFF) ** trial.retries
                pause = int(min(seconds, retrier.get("MaxDelaySeconds", seconds)))
                details = {"retryIndex": index, "retryBackoffIntervalSeconds": pause}
                return {"status": "RETRIABLE", **said, "inspectionData": {"errorDetails": details}}, first
            break
    for index, catcher in enumerate(trial.state.get("Catch", [])):
        if matches(first.error, catcher["ErrorEquals"]):
            # What has failed does not run again: its error is handed to the catcher.
            caught = _run(aws, trial, {**bare, "Catch": [catcher]}, (first.error or "", first.cause or ""))
            if caught.failed:
                said = {"error": caught.error, "cause": caught.cause}
                break
            answer = {"status": "CAUGHT_ERROR", **said, "nextState": catcher["Next"], "output": _text(caught.output)}
            return {**answer, "inspectionData": {"errorDetails": {"catchIndex": index}}}, first
    return {"status": "FAILED", **said}, first


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _seen(aws: Aws, trial: Trial, ended: Ended) -> dict[str, Any]:
    """inspectionData: the data after each of the state's fields that is for data."""
    seen: dict[str, Any] = {"input": _text(trial.given)}
    asked = ended.detail("TaskScheduled", "parameters")
    result = ended.detail("TaskSucceeded", "output")
    if ended.variables:
        seen["variables"] = _text(dict(ended.variables))
    if trial.query_language == "JSONata":
        return (
            seen
            | ({"afterArguments": asked} if asked else {})
            | ({"result": result} if result and not trial.mock else {})
        )
    state, kind = trial.state, trial.state["Type"]

    def after(given: Any, **fields: Any) -> Any:
        part = Trial(
            state={"Type": "Pass", "End": True, **fields},
            query_language="JSONPath",
            role_arn=trial.role_arn,
            given=given,
            name=trial.name,
            variables=trial.variables,
            context=trial.context,
        )
        return _run(aws, part, part.state).output

    path = {"InputPath": state["InputPath"]} if "InputPath" in state else {}
    if kind == "Pass" and "Result" in state:
        chosen = state["Result"]
        seen["result"] = _text(chosen)
    else:
        seen["afterInputPath"] = _text(after(trial.given, **path))
        if kind not in {"Pass", "Task"}:
            return seen
        parameters = {"Parameters": state["Parameters"]} if "Parameters" in state else {}
        seen["afterParameters"] = asked or _text(after(trial.given, **path, **parameters))
        if ended.failed:
            return seen
        chosen = json.loads(seen["afterParameters"] if kind == "Pass" else result or "null")
        if kind == "Task":
            seen["result"] = _text(chosen)
            if "ResultSelector" in state:
                chosen = after(chosen, Parameters=state["ResultSelector"])
    placed = {"ResultPath": state["ResultPath"]} if "ResultPath" in state else {}
    return seen | {
        "afterResultSelector": _text(chosen),
        "afterResultPath": _text(after(trial.given, Result=chosen, **placed)),
    }


def install(aws: Aws) -> None:
    """Answers TestState."""

    @adds(StepFunctionResponse, "test_state")
    def test_state(self: Any) -> ActionResult:
        trial = _trial(json.loads(self.body))
        answer, ended = _tested(aws, trial)
        inspected = answer.pop("inspectionData", {})
        if (self._get_param("inspectionLevel") or "INFO") != "INFO":
            answer["inspectionData"] = {**_seen(aws, trial, ended), **inspected}
        return ActionResult(answer)

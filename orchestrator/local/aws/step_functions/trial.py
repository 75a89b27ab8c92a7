"""A trial of one state: it runs in the same interpreter as an execution's, and leaves no trace."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.api import ExecutionTimedOutEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.mocking.mock_config import (
    MockedResponseReturn,
    MockedResponseThrow,
    MockTestCase,
    StateMockedResponses,
)

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.step_functions.interpreter import end
from orchestrator.local.aws.step_functions.validation import refuse
from orchestrator.local.aws.step_functions.values import JSONATA

State = Mapping[str, Any]

#: "TestState": "The TestState API can run for up to five minutes."
_LIMIT = timedelta(minutes=5)

#: Stands for the work of a Map or a Parallel that is mocked.
_ANY_TASK = "arn:aws:states:::lambda:invoke"

#: What the state is called where the request does not say.
NAME = "StateName"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The state that is to be run, with its input and mock."""

    state: State
    query_language: str
    role_arn: str | None
    given: Any
    name: str = NAME
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


def run(aws: Aws, trial: Trial, state: State, error: tuple[str, str] | None = None) -> Ended:
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

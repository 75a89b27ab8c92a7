"""TestState: one state on its own.

moto has no TestState. Here the state runs in the same interpreter as an execution's, under the role that is named, as
the first of a machine whose other states end it; nothing of it is stored, told or listed ("Using TestState API to test
a state in Step Functions"). What AWS answers to a state that fails was recorded from AWS by LocalStack
(tests/aws/services/stepfunctions/v2/test_state).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidExecutionInput, ValidationException
from moto.stepfunctions.responses import StepFunctionResponse

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds
from orchestrator.local.aws.step_functions import mocks
from orchestrator.local.aws.step_functions.trial import NAME, Ended, Trial, run
from orchestrator.local.aws.step_functions.validation import InvalidDefinition

#: States that have a result of their own, which alone can be mocked.
_MOCKABLE = frozenset({"Task", "Map", "Parallel"})

#: Errors that States.ALL and States.TaskFailed do not match ("Handling errors in Step Functions workflows").
_NEVER_BY_ALL = frozenset({"States.DataLimitExceeded", "States.Runtime"})

#: A Retrier's MaxAttempts, IntervalSeconds and BackoffRate where it does not say.
_ATTEMPTS, _INTERVAL, _BACKOFF = 3, 1, 2.0


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
        name=name or NAME,
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


def matches(error: str | None, names: list[str]) -> bool:
    """Whether ErrorEquals says an error ("Handling errors in Step Functions workflows")."""
    if error in names:
        return True
    by_all = error not in _NEVER_BY_ALL
    return by_all and ("States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout"))


def _tested(aws: Aws, trial: Trial) -> tuple[dict[str, Any], Ended]:
    """TestState's answer without what it saw on the way."""
    bare = {name: value for name, value in trial.state.items() if name not in {"Retry", "Catch"}}
    first = run(aws, trial, bare)
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
            caught = run(aws, trial, {**bare, "Catch": [catcher]}, (first.error or "", first.cause or ""))
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
        return run(aws, part, part.state).output

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

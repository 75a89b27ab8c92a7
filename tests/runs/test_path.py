"""The path of an execution, from events as GetExecutionHistory gives them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.runs.path import Invocation, Visit, path

BEGIN = datetime(2026, 12, 1, 8, tzinfo=UTC)
REQUEST = "540591b2-3cfb-4070-8227-86fc5f02ff82"
CHILD = "arn:aws:states:us-east-1:123456789012:execution:billing:x"


def events(*told: tuple[str, int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Each by its type, the event before it, and its details; a second lies between two."""
    found = []
    for number, (kind, before, details) in enumerate(told, start=1):
        if kind.endswith(("StateEntered", "StateExited")):
            name = f"state{kind[-7:]}EventDetails"
        else:
            name = f"{kind[0].lower()}{kind[1:]}EventDetails"
        at = BEGIN + timedelta(seconds=number)
        found.append({"id": number, "previousEventId": before, "type": kind, "timestamp": at, name: details})
    return found


def states(visits: list[Visit]) -> list[tuple[str, int]]:
    return [(visit.state, visit.depth) for visit in visits]


def test_a_state_has_its_times_its_data_and_its_calls() -> None:
    answer = json.dumps({"Payload": {"sent": 1}, "SdkResponseMetadata": {"RequestId": REQUEST}})
    asked = json.dumps({"FunctionName": "stack-task-work", "Payload": {"n": 1}})
    (visit,) = path(
        events(
            ("ExecutionStarted", 0, {"input": "{}"}),
            ("TaskStateEntered", 0, {"name": "Invoke", "input": '{"n":1}'}),
            ("TaskScheduled", 2, {"resourceType": "lambda", "resource": "invoke", "parameters": asked}),
            ("TaskStarted", 3, {"resourceType": "lambda"}),
            ("TaskSucceeded", 4, {"output": answer}),
            ("TaskStateExited", 5, {"name": "Invoke", "output": "{}"}),
            ("ExecutionSucceeded", 6, {"output": "{}"}),
        )
    )
    assert (visit.entered, visit.left) == (BEGIN + timedelta(seconds=2), BEGIN + timedelta(seconds=6))
    assert (visit.input, visit.asked, visit.answer, visit.output) == ('{"n":1}', asked, answer, "{}")
    assert visit.invocations == [Invocation(function="stack-task-work", request_id=REQUEST)]
    assert (visit.attempts, visit.error) == (1, "")


def test_a_call_that_failed_says_why_and_what_lambda_calls_it() -> None:
    call = {"resourceType": "lambda", "parameters": json.dumps({"FunctionName": "work"})}
    cause = json.dumps({"errorMessage": "no", "requestId": REQUEST})
    (visit,) = path(
        events(
            ("TaskStateEntered", 0, {"name": "Invoke"}),
            ("TaskScheduled", 1, call),
            ("TaskFailed", 2, {"error": "Lambda.TooManyRequestsException", "cause": "Rate Exceeded"}),
            ("TaskScheduled", 3, call),
            ("TaskFailed", 4, {"error": "OutOfPaper", "cause": cause}),
        )
    )
    assert (visit.attempts, visit.error, visit.left) == (2, "OutOfPaper", None)
    assert [call.request_id for call in visit.invocations] == [None, REQUEST]


def test_a_nested_execution_is_known_while_it_goes_on_and_when_it_has_failed() -> None:
    begun = [
        ("TaskStateEntered", 0, {"name": "StartWorkflow"}),
        ("TaskScheduled", 1, {"resourceType": "states", "parameters": "{}"}),
        ("TaskSubmitted", 2, {"output": json.dumps({"ExecutionArn": CHILD})}),
    ]
    assert path(events(*begun))[0].children == [CHILD]
    cause = json.dumps({"ExecutionArn": CHILD, "Error": "X"})
    failed = ("TaskFailed", 2, {"error": "States.TaskFailed", "cause": cause})
    assert path(events(*begun[:2], failed))[0].children == [CHILD]


def test_what_runs_within_a_map_is_below_it_however_its_events_are_mixed() -> None:
    found = path(
        events(
            ("MapStateEntered", 0, {"name": "Each"}),
            ("MapStateStarted", 1, {"length": 2}),
            ("MapIterationStarted", 2, {"name": "Each", "index": 0}),
            ("MapIterationStarted", 2, {"name": "Each", "index": 1}),
            ("PassStateEntered", 3, {"name": "A"}),
            ("PassStateEntered", 4, {"name": "A"}),
            ("PassStateExited", 5, {"name": "A", "output": "1"}),
            ("PassStateEntered", 7, {"name": "B"}),
            ("PassStateExited", 6, {"name": "A", "output": "2"}),
            ("PassStateExited", 8, {"name": "B", "output": "3"}),
            ("MapIterationSucceeded", 10, {"name": "Each", "index": 0}),
            ("MapIterationSucceeded", 9, {"name": "Each", "index": 1}),
            ("MapStateSucceeded", 11, {}),
            ("MapStateExited", 13, {"name": "Each", "output": "[]"}),
            ("SucceedStateEntered", 14, {"name": "Done"}),
        )
    )
    assert states(found) == [("Each", 0), ("A", 1), ("A", 1), ("B", 1), ("Done", 0)]
    assert [visit.output for visit in found] == ["[]", "1", "2", "3", ""]


def test_an_expression_that_failed_is_of_the_state_that_it_stands_in() -> None:
    # As AWS tells it: the event before is that before the state was entered.
    error = {"error": "States.QueryEvaluationError", "cause": "…", "state": "Invoke", "location": "Arguments"}
    claimed, invoked, routed = path(
        events(
            ("TaskStateEntered", 0, {"name": "Claim"}),
            ("TaskStateExited", 1, {"name": "Claim"}),
            ("TaskStateEntered", 2, {"name": "Invoke"}),
            ("EvaluationFailed", 2, error),
            ("TaskStateExited", 4, {"name": "Invoke"}),
            ("ChoiceStateEntered", 5, {"name": "Route"}),
        )
    )
    assert (claimed.error, invoked.error, routed.error) == ("", "States.QueryEvaluationError", "")
    assert (claimed.left, invoked.left) == (BEGIN + timedelta(seconds=2), BEGIN + timedelta(seconds=5))
    assert [visit.depth for visit in (claimed, invoked, routed)] == [0, 0, 0]

"""Why a run is as it is, in a line that a person reads first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.runs.explanation import why
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.gates import HoldKind

SINCE = "2026-11-30T08:00:00.000Z"

#: What Step Functions puts into the cause of States.TaskFailed when a nested execution has failed.
NESTED = {
    "ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-workflow-billing:x",
    "Input": '{"Error":"not this"}'.replace('"Error"', '"error"'),
    "Name": "x",
    "Error": "OutOfPaper",
    "Cause": 'the printer "hp" said no',
    "Status": "FAILED",
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"reason": "paused", "error": "Late"}, "paused"),
        ({"hold": Hold(kind=HoldKind.UPSTREAM, since=SINCE, why="waits for a"), "error": "Late"}, "waits for a"),
        ({"hold": Hold(kind=HoldKind.POOL, since=SINCE)}, "waits: pool"),
        ({"hold": Hold(kind=HoldKind.TIME, since=SINCE, wake_at=1_796_083_200)}, "waits until 2026-12-01T00:00:00Z"),
        ({"error": "Late"}, "Late"),
        ({"error": "OutOfPaper", "cause": "tray 2"}, "OutOfPaper: tray 2"),
        ({"error": "OutOfPaper", "cause": "two\nlines"}, "OutOfPaper: two lines"),
        ({"error": "States.TaskFailed", "cause": json.dumps(NESTED)}, 'OutOfPaper: the printer "hp" said no'),
        # A row keeps a thousand characters of a cause.
        ({"error": "States.TaskFailed", "cause": json.dumps(NESTED)[:-40]}, "OutOfPaper: the prin"),
        (
            {
                "error": "States.TaskFailed",
                "cause": json.dumps(
                    NESTED | {"Cause": json.dumps({"errorMessage": "no plan\nfor Ann", "errorType": "NoPlan"})}
                ),
            },
            "OutOfPaper: no plan for Ann",
        ),
        ({"error": "States.TaskFailed", "cause": '{"ExecutionArn":"arn"}'}, "States.TaskFailed"),
        # JSON of a handler's own is its message.
        ({"error": "Odd", "cause": '{"Error":"mine"}'}, 'Odd: {"Error":"mine"}'),
    ],
)
def test_a_run_says_why(fields: dict[str, Any], expected: str) -> None:
    assert why(Run(task_id="t", slot="s", status=RunStatus.FAILED, **fields)).startswith(expected)
    assert expected or why(Run(task_id="t", slot="s", status=RunStatus.SUCCEEDED)) == ""

"""moto's branches know no time, run without a limit, and go on when their Map has failed."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

from orchestrator.local.aws import threads
from tests.local.aws.conftest import Machines

FOR_EVER = {"Type": "Wait", "Seconds": 86_400, "End": True}


def test_branches_and_iterations_wait_together_and_not_one_after_another(fast: Machines) -> None:
    one, other, each = (
        {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": 3600, "End": True}}} for name in "123"
    )
    states: dict[str, Any] = {
        "Both": {"Type": "Parallel", "Branches": [one, other], "Output": [1, 2, 3], "Next": "Each"},
        "Each": {"Type": "Map", "Items": "{% $states.input %}", "ItemProcessor": each, "End": True},
    }
    ended = fast.run(states)
    assert ended.status == "SUCCEEDED"
    assert timedelta(hours=2) <= ended.lasted < timedelta(hours=2, minutes=5)


def test_an_iteration_that_fails_stops_the_others(machines: Machines) -> None:
    processor = {
        "StartAt": "Which",
        "States": {
            "Which": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input = 1 %}", "Next": "Raise"}],
                "Default": "Rest",
            },
            "Raise": {"Type": "Fail", "Error": "OutOfPaper", "Cause": "test"},
            "Rest": FOR_EVER,
        },
    }
    each = {"Type": "Map", "Items": [1, 2, 3], "ItemProcessor": processor, "End": True}
    before = _at_work()
    ended = machines.run({"Each": each})
    assert (ended.status, ended.error) == ("FAILED", "OutOfPaper")
    deadline = time.monotonic() + 5
    while _at_work() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _at_work() <= before


def _at_work() -> int:
    """Threads but those that wait to be used again."""
    return threading.active_count() - len(threads._idle)


def test_an_inline_map_runs_forty_iterations_at_once(fast: Machines) -> None:
    hour = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    ended = fast.run({"Each": {"Type": "Map", "Items": "{% [1..41] %}", "ItemProcessor": hour, "End": True}})
    assert timedelta(hours=2) <= ended.lasted < timedelta(hours=2, minutes=10)


def test_the_results_of_a_map_are_in_the_order_of_its_items(machines: Machines) -> None:
    double = {
        "StartAt": "Double",
        "States": {"Double": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}},
    }
    each = {"Type": "Map", "Items": "{% [1..50] %}", "MaxConcurrency": 7, "ItemProcessor": double, "End": True}
    assert machines.run({"Each": each}).output == [2 * n for n in range(1, 51)]


def test_the_error_of_a_branch_is_the_error_of_its_parallel(machines: Machines) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:describeTable",
        "Arguments": {"TableName": "{% $states.input.nothing %}"},
        "End": True,
    }
    branch = {"StartAt": "Ask", "States": {"Ask": task}}
    ended = machines.run({"Both": {"Type": "Parallel", "Branches": [branch], "End": True}}, {})
    assert (ended.status, ended.error) == ("FAILED", "States.QueryEvaluationError")

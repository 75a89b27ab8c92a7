"""What a change of a row counts for, and that a change which is read twice makes no alarm that was not due."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.dynamodb import to_item
from orchestrator.local.aws.embedded_metrics import metrics
from orchestrator.runs.measures import PATTERNS, measures
from orchestrator.runs.run import TERMINAL, RunStatus
from orchestrator.stack import Stack

STACK = Stack()
AT = 1_795_600_406_000
RUNNING: dict[str, Any] = {
    "taskId": "report",
    "slot": "2026-12-01T08:00:00Z",
    "status": "RUNNING",
    "startedAt": "2026-12-01T08:00:12.345Z",
    "duplicates": 0,
}


def row(**attributes: Any) -> dict[str, Any]:
    item = to_item(RUNNING)
    for name, value in attributes.items():
        item[name] = {"N": value} if name.endswith("Seconds") or name == "duplicates" else {"S": value}
    return item


def counted(former: dict[str, Any], image: dict[str, Any]) -> dict[str, list[float]]:
    """What CloudWatch makes of the change: values by metric and what it is of, after the stack."""
    found: dict[str, list[float]] = {}
    for line in measures(STACK, former, image, AT):
        for namespace, data in metrics(json.dumps(line)):
            assert namespace == "ScheduledTasks"
            for datum in data:
                assert datum["Timestamp"].isoformat() == "2026-11-25T09:53:26"
                stack, *of = [one["Value"] for one in datum["Dimensions"]]
                assert stack == STACK.name
                found.setdefault(".".join([datum["MetricName"], *of]), []).extend(datum["Values"])
    return found


def test_a_run_that_succeeds_is_counted_with_its_duration_and_its_delay() -> None:
    ended = row(status="SUCCEEDED", durationSeconds="1.5", startDelaySeconds="12.345")
    assert counted(row(), ended) == {
        "TaskExecution.report.SUCCEEDED": [1],
        "TaskDuration.report": [1.5],
        "StartDelay.report": [12.345],
    }


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_what_has_failed_by_itself_is_counted_for_the_stack(status: RunStatus) -> None:
    found = counted(row(), row(status=status))
    assert found[f"TaskExecution.report.{status}"] == [1]
    assert ("RunsFailed" in found) == (status in (RunStatus.FAILED, RunStatus.TIMED_OUT))


def test_a_row_that_is_there_at_once_is_counted() -> None:
    assert counted({}, row(status="MISSED")) == {"TaskExecution.report.MISSED": [1]}


def test_duplicates_are_counted_and_their_run_once_only() -> None:
    assert counted(row(), row(duplicates="2")) == {"TaskExecution.report.DUPLICATE": [2]}
    ended = row(status="SUCCEEDED", duplicates="2")
    assert counted(ended, row(status="SUCCEEDED", duplicates="3")) == {"TaskExecution.report.DUPLICATE": [1]}


def test_what_changes_nothing_about_the_end_counts_for_nothing() -> None:
    ended = row(status="SUCCEEDED")
    assert counted(row(), row(attention="too long")) == counted(ended, ended | {"owner": {"S": "x"}}) == {}


def test_a_rerun_that_fails_is_counted_anew() -> None:
    again = row(status="FAILED", startedAt="2026-12-01T09:00:00.000Z")
    assert counted(row(status="FAILED"), again)["RunsFailed"] == [1]


def test_a_row_that_cannot_be_read_counts_for_nothing() -> None:
    assert counted({}, row(status="NONSENSE")) == {}


def test_a_row_that_could_not_be_read_before_is_counted_when_it_can_be() -> None:
    assert counted(row(status="NONSENSE"), row(status="FAILED"))["RunsFailed"] == [1]


def test_a_change_that_is_read_twice_says_the_same_of_the_same_moment() -> None:
    once, twice = (list(measures(STACK, row(), row(status="SUCCEEDED"), AT)) for _ in range(2))
    assert once == twice
    # An alarm at one or more is as it was, and one that nothing was counted for stays without data.
    assert not any("RunsFailed" in line for line in once)


def test_the_patterns_let_every_end_through() -> None:
    assert set(PATTERNS[0]["dynamodb"]["NewImage"]["status"]["S"]) == set(TERMINAL)

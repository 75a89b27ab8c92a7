"""A task waits for its token as on AWS, and its token is worth what it is worth there."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts.asking import OPTIMIZED, task
from tests.local.aws.step_functions.facts.executions import details
from tests.local.aws.step_functions.facts.waiting import MACHINE, waits

_TOKEN = "{% $states.context.Task.Token %}"

#: What answers for a token, and what it says beside the token.
ANSWERS: list[tuple[str, dict[str, str]]] = [
    ("send_task_success", {"output": "{}"}),
    ("send_task_failure", {}),
    ("send_task_heartbeat", {}),
]


@pytest.fixture(scope="module", autouse=True)
def services(world: Machines) -> None:
    world.aws.client("sqs").create_queue(QueueName="facts-heard")
    world.make({"A": {"Type": "Wait", "Seconds": 3600, "End": True}}, name="facts-slow")


def tokens(world: Machines, arn: str, many: int = 1) -> list[str]:
    """The tokens that an execution's attempts have handed on, once there are so many."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        events = world.states.get_execution_history(executionArn=arn)["events"]
        if sum(event["type"] == "TaskSubmitted" for event in events) >= many:
            asked = [json.loads(details(event)["parameters"]) for event in events if event["type"] == "TaskScheduled"]
            return [next(part["token"] for part in one.values() if isinstance(part, dict)) for one in asked]
        time.sleep(0.01)
    raise AssertionError(f"no {many} tasks were submitted")


def refusal(world: Machines, request: str, **asked: str) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        getattr(world.states, request)(**asked)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_sign_of_life_is_welcome_where_nobody_waits_for_it(world: Machines) -> None:
    """Source: "SendTaskHeartbeat": its errors are InvalidToken, TaskDoesNotExist, TaskTimedOut."""
    arn = world.start(world.make(waits(), name="alive"), {})
    (token,) = tokens(world, arn)
    world.states.send_task_heartbeat(taskToken=token)
    world.states.send_task_success(taskToken=token, output="1")
    assert world.end(arn).output == 1


@pytest.mark.parametrize(("request_", "more"), ANSWERS)
def test_a_token_is_worth_one_answer(world: Machines, request_: str, more: dict[str, str]) -> None:
    """Source: "SendTaskSuccess", Errors, of a task that has been closed; the sentence is the one that people report."""
    arn = world.start(world.make(waits(), name=f"once-{request_}"), {})
    (token,) = tokens(world, arn)
    world.states.send_task_success(taskToken=token, output="1")
    gone = ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
    assert refusal(world, request_, taskToken=token, **more) == gone
    assert world.end(arn).output == 1
    assert refusal(world, request_, taskToken=token, **more) == gone


@pytest.mark.parametrize("limits", [{"TimeoutSeconds": 3600}, {"HeartbeatSeconds": 1800, "TimeoutSeconds": 7200}])
def test_a_token_is_worth_nothing_when_the_time_of_its_task_is_up(world: Machines, limits: dict[str, int]) -> None:
    """Source: "SendTaskSuccess", Errors; and nobody works while a task waits, so that the hour takes no hour."""
    with world.aws.on(VirtualClock(datetime(2026, 12, 1, tzinfo=UTC), speed=60_000)):
        found = world.end(world.start(world.make(waits(**limits), name=f"late-{len(limits)}"), {}))
        assert (found.status, found.error) == ("FAILED", "States.Timeout")
        assert found.lasted.total_seconds() == pytest.approx(min(limits.values()), abs=2)
        (token,) = tokens(world, found.arn)
        assert refusal(world, "send_task_success", taskToken=token, output="1")[0] == "TaskTimedOut"


def test_a_token_dies_with_its_execution(world: Machines) -> None:
    arn = world.start(world.make(waits(), name="stopped"), {})
    (token,) = tokens(world, arn)
    world.states.stop_execution(executionArn=arn)
    assert refusal(world, "send_task_heartbeat", taskToken=token)[0] == "TaskTimedOut"


def test_what_is_no_json_is_no_answer(world: Machines) -> None:
    """Source: "SendTaskSuccess", Errors: InvalidOutput, "The provided JSON output data is not valid"."""
    arn = world.start(world.make(waits(), name="no-json"), {})
    (token,) = tokens(world, arn)
    code, message = refusal(world, "send_task_success", taskToken=token, output="nothing")
    assert code == "InvalidOutput"
    assert message.startswith("Invalid Output: 'Unrecognized token 'nothing': was expecting (JSON String")
    world.states.send_task_success(taskToken=token, output='"something"')
    assert world.end(arn).output == "something"


def test_each_attempt_of_a_task_has_a_token_of_its_own(world: Machines) -> None:
    """Source: not confirmed; "Handling errors in Step Functions workflows" has a retry run the task anew."""
    again = [{"ErrorEquals": ["OutOfPaper"], "IntervalSeconds": 1}]
    arn = world.start(world.make(waits(Retry=again), name="again"), {})
    (first,) = tokens(world, arn)
    world.states.send_task_failure(taskToken=first, error="OutOfPaper")
    before, second = tokens(world, arn, 2)
    assert before == first != second
    assert refusal(world, "send_task_success", taskToken=first, output="1")[0] == "TaskTimedOut"
    world.states.send_task_success(taskToken=second, output="2")
    assert world.end(arn).output == 2


@pytest.mark.parametrize("pattern", ["sync", "sync:2"])
def test_a_task_that_waits_for_an_execution_may_be_answered_by_its_token(world: Machines, pattern: str) -> None:
    """Recorded: test_sync_with_task_token, 2024-07-12."""
    given: dict[str, Any] = {"StateMachineArn": f"{MACHINE}facts-slow", "Input": {"token": _TOKEN}}
    states = task(f"{OPTIMIZED}states:startExecution.{pattern}", given)
    arn = world.start(world.make(states, name=f"sync-{len(pattern)}"), {})
    (token,) = tokens(world, arn)
    world.states.send_task_success(taskToken=token, output='"done"')
    found = world.end(arn)
    assert (found.status, found.output) == ("SUCCEEDED", "done")
    assert found.types[2:] == [
        *("TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"),
    ]

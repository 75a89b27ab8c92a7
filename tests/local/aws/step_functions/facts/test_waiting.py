"""Each task takes its time, is answered by others, and ends as on AWS."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts import waiting
from tests.local.aws.step_functions.facts.asking import OPTIMIZED, task
from tests.local.aws.step_functions.facts.executions import (
    assert_as_on_aws,
    assert_ended_as_on_aws,
    details,
    started,
)
from tests.local.aws.step_functions.facts.fact import Fact
from tests.testbed.sources import create

_TOKEN = "{% $states.context.Task.Token %}"


@pytest.fixture(scope="module", autouse=True)
def services(world: Machines) -> None:
    """What the facts ask for."""
    lambda_ = world.aws.client("lambda")
    for name, does in waiting.HANDLERS.items():
        create(lambda_, name, f"def handler(event, context):\n    {does}\n", world.role, Timeout=10)
    world.aws.client("sqs").create_queue(QueueName="facts-heard")
    world.make({"A": {"Type": "Succeed"}}, name="facts-child")
    world.make({"A": {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none left"}}, name="facts-failing")
    world.make({"A": {"Type": "Wait", "Seconds": 600, "End": True}}, name="facts-late", TimeoutSeconds=1)


@pytest.mark.parametrize("fact", waiting.FACTS, ids=lambda fact: fact.name)
def test_a_task_is_as_on_aws(world: Machines, fact: Fact) -> None:
    assert_as_on_aws(world, fact)


def token(world: Machines, arn: str) -> str:
    """The token that an execution's first task has handed on, once it has."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        events = world.states.get_execution_history(executionArn=arn)["events"]
        if any(event["type"] == "TaskSubmitted" for event in events):
            parameters = json.loads(details(events[2])["parameters"])
            for field in ("MessageBody", "Payload", "Input"):
                if field in parameters:
                    return str(parameters[field]["token"])
        time.sleep(0.01)
    raise AssertionError("no task was submitted")


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("sqs:sendMessage", {"QueueUrl": waiting.QUEUE, "MessageBody": {"token": _TOKEN}}),
    ("lambda:invoke", {"FunctionName": "facts-answer", "Payload": {"token": _TOKEN}}),
    ("states:startExecution", {"StateMachineArn": f"{waiting.MACHINE}facts-child", "Input": {"token": _TOKEN}}),
]


@pytest.mark.parametrize(("resource", "arguments"), ASKED, ids=[resource for resource, _ in ASKED])
def test_whoever_has_the_token_gives_the_result(world: Machines, resource: str, arguments: Any) -> None:
    """Recorded: test_sqs_wait_for_task_token, 2024-04-18."""
    states = task(f"{OPTIMIZED}{resource}.waitForTaskToken", arguments, HeartbeatSeconds=60)
    arn = world.start(world.make(states, name=f"callback-{resource.replace(':', '-')}"), {})
    held = token(world, arn)
    world.states.send_task_heartbeat(taskToken=held)
    world.states.send_task_success(taskToken=held, output='{"n": [1, 2]}')
    found = world.end(arn)
    assert (found.status, found.output) == ("SUCCEEDED", {"n": [1, 2]})
    assert found.types == [
        *("ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"),
        *("TaskStateExited", "ExecutionSucceeded"),
    ]
    assert details(found.events[5])["resource"] == f"{resource.partition(':')[2]}.waitForTaskToken"


@pytest.mark.parametrize("given", [{"error": "OutOfPaper", "cause": "none left"}, {"error": "OutOfPaper"}, {}])
def test_whoever_has_the_token_says_why_it_failed(world: Machines, given: dict[str, str]) -> None:
    """Recorded: test_sqs_failure_in_wait_for_task_token, 2024-04-18; "SendTaskFailure"."""
    arn = world.start(world.make(waiting.waits(), name=f"failing-{len(given)}"), {})
    world.states.send_task_failure(taskToken=token(world, arn), **given)
    found = world.end(arn)
    assert (found.status, found.error, found.cause) == ("FAILED", given.get("error"), given.get("cause"))
    assert found.types[5:] == ["TaskFailed", "ExecutionFailed"]
    told = details(found.events[5])
    assert {name: told[name] for name in told if name in ("error", "cause")} == given


SENT: list[tuple[str, dict[str, str]]] = [
    ("send_task_success", {"output": "{}"}),
    ("send_task_failure", {}),
    ("send_task_heartbeat", {}),
]


@pytest.mark.parametrize(("request_", "more"), SENT, ids=[name for name, _ in SENT])
def test_a_token_of_nobody_is_invalid(world: Machines, request_: str, more: dict[str, str]) -> None:
    """Source: "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat", Errors."""
    with pytest.raises(ClientError) as refused:
        getattr(world.states, request_)(taskToken="nobodys", **more)
    assert refused.value.response["Error"]["Code"] == "InvalidToken"


@pytest.fixture(scope="module")
def late(world: Machines, services: None) -> dict[str, str]:
    """An execution of each fact, all of which wait at the same time."""
    return {fact.name: started(world, fact) for fact in waiting.LATE}


@pytest.mark.parametrize("fact", waiting.LATE, ids=lambda fact: fact.name)
def test_a_task_that_takes_too_long_is_as_on_aws(world: Machines, late: dict[str, str], fact: Fact) -> None:
    assert_ended_as_on_aws(world.end(late[fact.name]), fact)

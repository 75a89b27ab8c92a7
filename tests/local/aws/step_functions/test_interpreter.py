"""moto's interpreter catches what AWS does not, knows no time but the machine's, and lets the stopped work on."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.local.aws import threads
from tests.local.aws.conftest import Machines

LIST_TABLES = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables", "Arguments": {}}
FOR_EVER = {"Type": "Wait", "Seconds": 86_400, "End": True}
DONE = {"Type": "Succeed"}


def raises(error: str) -> dict[str, Any]:
    """A machine that fails with ``error``, in a branch that a Parallel state catches."""
    return {"StartAt": "Raise", "States": {"Raise": {"Type": "Fail", "Error": error, "Cause": "test"}}}


# --- what is caught


@pytest.mark.parametrize(
    ("error", "catcher", "caught"),
    [
        ("OutOfPaper", "States.ALL", True),
        ("OutOfPaper", "States.TaskFailed", True),
        ("OutOfPaper", "OutOfPaper", True),
        ("OutOfPaper", "OutOfInk", False),
        ("States.Timeout", "States.ALL", True),
        ("States.Timeout", "States.TaskFailed", False),
        ("States.QueryEvaluationError", "States.TaskFailed", True),
        ("States.Runtime", "States.ALL", False),
        ("States.Runtime", "States.TaskFailed", False),
        ("States.Runtime", "States.Runtime", False),
        ("States.DataLimitExceeded", "States.ALL", True),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
    ],
)
def test_a_catcher_catches_what_aws_lets_it(machines: Machines, error: str, catcher: str, caught: bool) -> None:
    parallel = {
        "Type": "Parallel",
        "Branches": [raises(error)],
        "Catch": [{"ErrorEquals": [catcher], "Next": "Caught"}],
        "End": True,
    }
    ended = machines.run({"Try": parallel, "Caught": DONE})
    assert ended.status == ("SUCCEEDED" if caught else "FAILED")
    assert ended.error == (None if caught else error)


@pytest.mark.parametrize(
    ("catcher", "status"),
    [("States.ALL", "SUCCEEDED"), ("States.DataLimitExceeded", "SUCCEEDED"), ("States.Timeout", "FAILED")],
)
def test_a_result_that_is_too_large_is_caught_as_aws_was_seen_to(machines: Machines, catcher: str, status: str) -> None:
    dynamodb = machines.aws.client("dynamodb")
    dynamodb.create_table(
        TableName="large",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="large", Item={"id": {"S": "a"}, "text": {"S": "x" * 300_000}})
    get = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Arguments": {"TableName": "large", "Key": {"id": {"S": "a"}}},
        "Catch": [{"ErrorEquals": [catcher], "Next": "Caught", "Output": {}}],
        "Output": {},
        "End": True,
    }
    ended = machines.run({"Get": get, "Caught": DONE})
    assert ended.status == status
    assert ended.error == ("States.DataLimitExceeded" if status == "FAILED" else None)


# --- time


def test_a_wait_lasts_in_the_time_of_the_clock(fast: Machines) -> None:
    began = time.monotonic()
    ended = fast.run({"Rest": FOR_EVER})
    assert ended.status == "SUCCEEDED"
    assert time.monotonic() - began < 10
    assert timedelta(days=1) <= ended.lasted < timedelta(days=1, minutes=1)


def test_a_wait_until_a_moment_ends_at_that_moment(fast: Machines) -> None:
    wait = {"Type": "Wait", "Timestamp": "{% $states.input %}", "End": True}
    ended = fast.run({"Rest": wait}, "2026-12-01T12:00:00Z")
    exited = next(event for event in ended.events if event["type"] == "WaitStateExited")
    assert exited["timestamp"].isoformat()[:16] == "2026-12-01T12:00"


def test_retries_wait_in_the_time_of_the_clock_and_back_off(fast: Machines) -> None:
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "MaxAttempts": 2, "BackoffRate": 3}
    parallel = {"Type": "Parallel", "Branches": [raises("OutOfPaper")], "Retry": [retrier], "End": True}
    ended = fast.run({"Try": parallel})
    assert (ended.status, ended.error) == ("FAILED", "OutOfPaper")
    assert ended.types.count("FailStateEntered") == 3
    # 100 and 300; had it backed off once more, 900 would have followed.
    assert timedelta(seconds=400) <= ended.lasted < timedelta(seconds=1000)


def test_a_machine_ends_when_its_time_is_up(fast: Machines) -> None:
    ended = fast.run({"Rest": FOR_EVER}, TimeoutSeconds=600)
    assert ended.status == "TIMED_OUT"
    assert ended.types[-1] == "ExecutionTimedOut"
    assert timedelta(minutes=10) <= ended.lasted < timedelta(minutes=11)


# --- being stopped


def test_an_execution_is_stopped_while_a_task_is_at_work(machines: Machines) -> None:
    released = threading.Event()
    client = machines.aws.clients.get("dynamodb", machines.aws.region, machines.role)
    client.meta.events.register_first("before-send.dynamodb.ListTables", lambda **_: released.wait(30) and None)
    arn = machines.start(machines.make({"Ask": {**LIST_TABLES, "Next": "Later"}, "Later": DONE}))
    while not machines.entered(arn, "Ask"):
        time.sleep(0.01)
    machines.states.stop_execution(executionArn=arn, error="Enough", cause="it was late")
    ended = machines.end(arn, seconds=0)
    released.set()
    assert (ended.status, ended.error, ended.cause) == ("ABORTED", "Enough", "it was late")
    assert ended.types[-1] == "ExecutionAborted"
    assert ended.events[-1]["executionAbortedEventDetails"] == {"error": "Enough", "cause": "it was late"}
    time.sleep(0.05)
    assert machines.end(arn).events == ended.events


WAITING = [
    FOR_EVER,
    {"Type": "Parallel", "Branches": [{"StartAt": "R", "States": {"R": FOR_EVER}}], "End": True},
    {
        "Type": "Map",
        "Items": [1, 2],
        "ItemProcessor": {"StartAt": "R", "States": {"R": FOR_EVER}},
        "End": True,
    },
    {
        "Type": "Parallel",
        "Branches": [raises("OutOfPaper")],
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600}],
        "End": True,
    },
]


def at_work() -> int:
    return threading.active_count() - threads.idle()


@pytest.mark.parametrize("state", WAITING, ids=["wait", "parallel", "map", "retry"])
def test_whatever_waits_is_stopped_at_once(machines: Machines, state: dict[str, Any]) -> None:
    before = at_work()
    arn = machines.start(machines.make({"Hold": state}))
    while not machines.entered(arn, "Hold"):
        time.sleep(0.01)
    machines.states.stop_execution(executionArn=arn)
    assert machines.end(arn, seconds=0).status == "ABORTED"
    deadline = time.monotonic() + 5
    while at_work() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert at_work() <= before


@pytest.mark.parametrize("state", WAITING, ids=["wait", "parallel", "map", "retry"])
def test_time_keeps_its_pace_after_a_stop(fast: Machines, state: dict[str, Any]) -> None:
    with fast.aws.clock.busy():
        arn = fast.start(fast.make({"Hold": state}))
        while not fast.entered(arn, "Hold"):
            time.sleep(0.01)
        fast.states.stop_execution(executionArn=arn)
        assert fast.end(arn).status == "ABORTED"
        time.sleep(0.05)
        before = fast.aws.clock.now()
        time.sleep(0.05)
        assert fast.aws.clock.now() - before < timedelta(seconds=5)
    # Nobody is busy now: an hour passes at once.
    rest = {"Type": "Wait", "Seconds": 3600, "End": True}
    assert fast.end(fast.start(fast.make({"Rest": rest}, name="after"))).lasted >= timedelta(hours=1)


# --- definitions


def test_many_definitions_can_be_parsed_and_run_at_once(machines: Machines) -> None:
    ended: dict[int, Any] = {}

    def work(number: int) -> None:
        states = {f"S{n}": {"Type": "Pass", "Output": number, "Next": f"S{n + 1}"} for n in range(5)}
        arn = machines.make({**states, "S5": DONE}, name=f"machine-{number}")
        ended[number] = machines.end(machines.start(arn), seconds=30).output

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == {number: number for number in range(12)}


def test_executions_of_one_definition_count_their_retries_for_themselves(fast: Machines) -> None:
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}
    parallel = {"Type": "Parallel", "Branches": [raises("OutOfPaper")], "Retry": [retrier], "End": True}
    machine = fast.make({"Try": parallel})
    ended = [fast.end(arn) for arn in [fast.start(machine) for _ in range(10)]]
    assert [one.types.count("FailStateEntered") for one in ended] == [4] * 10


def test_an_update_changes_no_execution_that_runs(machines: Machines) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.input %}", "Next": "End"}
    machine = machines.make({"Rest": wait, "End": {"Type": "Succeed", "Output": "old"}})
    arn = machines.start(machine, 0.2)
    definition = {"QueryLanguage": "JSONata", "StartAt": "End", "States": {"End": {"Type": "Succeed", "Output": "new"}}}
    machines.states.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    assert machines.end(arn).output == "old"
    assert machines.end(machines.start(machine, 0)).output == "new"

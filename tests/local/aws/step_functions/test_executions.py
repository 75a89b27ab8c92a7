"""moto names what has no name "None", takes what AWS refuses, and can leave an execution RUNNING for ever."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.step_functions import executions
from orchestrator.local.aws.step_functions.executions import INPUT_LIMIT_BYTES
from tests.local.aws.conftest import Machines

DONE: dict[str, dict[str, Any]] = {"End": {"Type": "Succeed"}}
FOR_EVER = {"Type": "Wait", "Seconds": 86_400, "End": True}


def refused(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


# --- starting


def test_an_execution_without_a_name_gets_a_name_of_its_own(machines: Machines) -> None:
    machine = machines.make(DONE)
    names = [machines.start(machine).rsplit(":", 1)[1] for _ in range(2)]
    assert names[0] != names[1]
    assert {uuid.UUID(name).version for name in names} == {4}


@pytest.mark.parametrize("name", ["2026-12-01T08:00:00Z", "a b", "a/b", "a*", 'a"', "a\x7f", "x" * 81])
def test_a_name_that_aws_refuses_is_refused(machines: Machines, name: str) -> None:
    machine = machines.make(DONE)
    with pytest.raises(ClientError) as caught:
        machines.start(machine, name=name)
    assert refused(caught) == "InvalidName"


@pytest.mark.parametrize("name", ["daily-sales-report_2026-12-01T08.00.00Z", "x" * 80, "größe"])
def test_a_name_that_aws_takes_is_taken(machines: Machines, name: str) -> None:
    assert machines.end(machines.start(machines.make(DONE), name=name)).status == "SUCCEEDED"


def test_the_size_of_an_input_is_counted_in_bytes(machines: Machines) -> None:
    machine = machines.make({"End": {"Type": "Succeed", "Output": 1}})
    largest = '"' + "é" * ((INPUT_LIMIT_BYTES - 2) // 2) + '"'
    states = machines.states
    assert machines.end(states.start_execution(stateMachineArn=machine, input=largest)["executionArn"]).output == 1
    with pytest.raises(ClientError) as caught:
        states.start_execution(stateMachineArn=machine, input=largest[:-1] + 'a"')
    assert refused(caught) == "InvalidExecutionInput"


def test_an_input_that_is_no_json_is_refused(machines: Machines) -> None:
    with pytest.raises(ClientError) as caught:
        machines.states.start_execution(stateMachineArn=machines.make(DONE), input="{taskId}")
    assert refused(caught) == "InvalidExecutionInput"


def test_the_same_start_is_one_execution_while_it_runs_and_refused_afterwards(machines: Machines) -> None:
    machine = machines.make({"Rest": FOR_EVER})
    first = machines.start(machine, {"n": 1}, name="same")
    assert machines.start(machine, {"n": 1}, name="same") == first
    with pytest.raises(ClientError) as caught:
        machines.start(machine, {"n": 2}, name="same")
    assert refused(caught) == "ExecutionAlreadyExists"
    machines.states.stop_execution(executionArn=first)
    with pytest.raises(ClientError) as caught:
        machines.start(machine, {"n": 1}, name="same")
    assert refused(caught) == "ExecutionAlreadyExists"


# --- ending


def test_an_error_of_the_interpreter_itself_fails_the_execution(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machines.make({"Rest": {"Type": "Wait", "Seconds": 0, "End": True}})

    def broken(_self: Any, _env: Any) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr("moto.stepfunctions.parser.asl.component.state.wait.state_wait.StateWait._eval_state", broken)
    monkeypatch.setattr("moto.stepfunctions.parser.asl.component.program.program.Program._eval_body", broken)
    ended = machines.end(machines.start(machine))
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert "no more" in str(ended.cause)


def test_an_execution_that_was_stopped_stays_so_however_often(machines: Machines) -> None:
    arn = machines.start(machines.make({"Rest": FOR_EVER}))
    stops = [machines.states.stop_execution(executionArn=arn, error=error)["stopDate"] for error in ("First", "Second")]
    ended = machines.end(arn)
    assert stops[0] == stops[1]
    assert (ended.status, ended.error) == ("ABORTED", "First")
    assert ended.types.count("ExecutionAborted") == 1


def test_stopping_an_execution_that_has_ended_changes_nothing(machines: Machines) -> None:
    ended = machines.run(DONE, {"n": 1})
    machines.states.stop_execution(executionArn=ended.arn, error="Late")
    assert machines.end(ended.arn) == ended


def test_many_executions_end_each_once_and_with_what_is_theirs(machines: Machines) -> None:
    machine = machines.make({"Add": {"Type": "Pass", "Output": "{% $states.input + 1 %}", "Next": "End"}, **DONE})
    started = [machines.start(machine, number) for number in range(40)]
    ended = [machines.end(arn, seconds=30) for arn in started]
    assert [one.output for one in ended] == [number + 1 for number in range(40)]
    assert all(one.types[-1] == "ExecutionSucceeded" for one in ended)


# --- what is said of them


@pytest.fixture
def heard() -> Iterator[list[Mapping[str, Any]]]:
    """Every change of status, as listeners are told."""
    told: list[Mapping[str, Any]] = []
    stop = executions.on_status_change(told.append)
    yield told
    stop()


def test_a_listener_hears_of_the_start_and_of_the_end(machines: Machines, heard: list[Mapping[str, Any]]) -> None:
    ended = machines.run({"End": {"Type": "Succeed", "Output": {"n": 1}}}, {"n": 0})
    assert [(one["executionArn"], one["status"], one["output"]) for one in heard] == [
        (ended.arn, "RUNNING", None),
        (ended.arn, "SUCCEEDED", '{"n":1}'),
    ]


def test_a_listener_that_fails_changes_nothing(machines: Machines) -> None:
    def fail(_described: Mapping[str, Any]) -> None:
        raise ValueError("not today")

    stop = executions.on_status_change(fail)
    ended = machines.run(DONE)
    stop()
    assert ended.status == "SUCCEEDED"


def test_the_history_is_that_of_aws(machines: Machines) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables", "Arguments": {}, "Next": "End"}
    ended = machines.run({"Ask": task, **DONE}, {"n": 1})
    assert ended.types == [
        "ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [event["id"] for event in ended.events] == list(range(1, 10))
    moments = [event["timestamp"] for event in ended.events]
    assert moments == sorted(moments)


def test_lists_and_descriptions_know_when_an_execution_timed_out(fast: Machines) -> None:
    ended = fast.run({"Rest": FOR_EVER}, TimeoutSeconds=60)
    (listed,) = fast.states.list_executions(
        stateMachineArn=ended.arn.replace(":execution:", ":stateMachine:").rsplit(":", 1)[0], statusFilter="TIMED_OUT"
    )["executions"]
    assert listed["stopDate"] - listed["startDate"] == ended.lasted


def test_a_reset_ends_what_runs(machines: Machines, heard: list[Mapping[str, Any]]) -> None:
    arn = machines.start(machines.make({"Rest": FOR_EVER}))
    while not machines.entered(arn, "Rest"):
        time.sleep(0.01)
    machines.aws.reset()
    assert [one["status"] for one in heard] == ["RUNNING", "ABORTED"]

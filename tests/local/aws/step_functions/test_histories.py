"""moto tells a whole history at once, oldest first; its lists break while executions end; its logs are empty."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions import failures, jsonata
from tests.local.aws.conftest import Machines, State

DONE: Any = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
FOR_EVER = {"A": {"Type": "Wait", "Seconds": 86_400, "End": True}}


def history(machines: Machines, arn: str, **asked: Any) -> list[dict[str, Any]]:
    pages = machines.states.get_paginator("get_execution_history").paginate(executionArn=arn, **asked)
    return [event for page in pages for event in page["events"]]


def test_a_history_comes_in_pages_and_from_either_end(machines: Machines) -> None:
    ended = machines.run(DONE, {"n": 1})
    numbers = [event["id"] for event in history(machines, ended.arn, PaginationConfig={"PageSize": 2})]
    assert numbers == [1, 2, 3, 4, 5, 6]
    newest = machines.states.get_execution_history(executionArn=ended.arn, reverseOrder=True, maxResults=1)
    assert [event["type"] for event in newest["events"]] == ["ExecutionSucceeded"]
    assert "nextToken" in newest


def test_a_history_is_told_without_data(machines: Machines) -> None:
    ended = machines.run(DONE, {"secret": "s3cr3t"})
    assert "s3cr3t" in json.dumps(history(machines, ended.arn), default=str)
    assert "s3cr3t" not in json.dumps(history(machines, ended.arn, includeExecutionData=False), default=str)


def test_a_history_has_a_last_event(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "HISTORY_EVENTS", 100)
    leave: State = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "C"}], "Default": "A"}
    again: dict[str, State] = {"A": {"Type": "Pass", "Next": "B"}, "B": leave, "C": {"Type": "Succeed"}}
    ended = machines.run(again)
    assert (ended.status, ended.error) == ("FAILED", "States.Runtime")
    assert ended.cause == "The execution reached the maximum number of history events (25000)."


def test_a_list_is_whole_while_executions_end(machines: Machines) -> None:
    machine = machines.make(FOR_EVER)
    arns = {machines.start(machine) for _ in range(6)}
    page = machines.states.list_executions(stateMachineArn=machine, maxResults=2)
    found = [one["executionArn"] for one in page["executions"]]
    while "nextToken" in page:
        machines.states.stop_execution(executionArn=found[0])
        machines.states.stop_execution(executionArn=found[-1])
        token = page["nextToken"]
        page = machines.states.list_executions(stateMachineArn=machine, maxResults=2, nextToken=token)
        found += [one["executionArn"] for one in page["executions"]]
    assert len(found) == 6
    assert set(found) == arns


def test_a_page_has_a_thousand_executions_at_most(machines: Machines) -> None:
    machine = machines.make(FOR_EVER)
    with pytest.raises(ClientError) as caught:
        machines.states.list_executions(stateMachineArn=machine, maxResults=1001)
    assert caught.value.response["Error"]["Message"] == (
        "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have "
        "value less than or equal to 1000"
    )


@pytest.mark.parametrize(("with_data", "level", "count"), [(True, "ALL", 6), (False, "ALL", 6), (True, "ERROR", 0)])
def test_the_log_of_a_machine_has_its_events(machines: Machines, with_data: bool, level: str, count: int) -> None:
    logs = machines.aws.client("logs")
    logs.create_log_group(logGroupName="/machine")
    arn = logs.describe_log_groups(logGroupNamePrefix="/machine")["logGroups"][0]["arn"]
    configuration: Any = {
        "level": level,
        "includeExecutionData": with_data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
    }
    made = machines.states.create_state_machine(
        name="logged",
        definition=json.dumps({"StartAt": "A", "States": DONE}),
        roleArn=machines.role,
        loggingConfiguration=configuration,
    )
    ended = machines.end(machines.start(made["stateMachineArn"], {"secret": "s3cr3t"}))
    logged = [json.loads(one["message"]) for one in logs.filter_log_events(logGroupName="/machine")["events"]]
    assert [event["type"] for event in logged] == (ended.types if count else [])
    assert ("s3cr3t" in json.dumps(logged)) == (with_data and count > 0)
    assert all(event["execution_arn"] == ended.arn and event["redrive_count"] == "0" for event in logged)


def test_an_execution_that_is_stopped_while_a_task_is_prepared_asks_nothing(
    machines: Machines, aws: EmbeddedAws
) -> None:
    """With half of its arguments evaluated, a function would get half an event."""
    queue = aws.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": queue, "MessageBody": {"a": "{% 'first' %}", "b": "{% 'second' %}"}},
        "End": True,
    }
    machine = machines.make({"Send": send})
    named = "arn:aws:states:us-east-1:123456789012:execution:machine:one"

    def stop(evaluation: jsonata.Evaluation) -> None:
        if evaluation.expression.strip() == "'first'":
            machines.states.stop_execution(executionArn=named)

    unwatch = jsonata.watch(stop)
    try:
        ended = machines.end(machines.start(machine, name="one"))
    finally:
        unwatch()
    assert ended.status == "ABORTED"
    # What goes on in the state has a moment to do what it must not.
    time.sleep(0.2)
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=queue)


def test_a_token_that_no_answer_has_given_is_refused(machines: Machines) -> None:
    machine = machines.make(DONE)
    with pytest.raises(ClientError) as caught:
        machines.states.list_executions(stateMachineArn=machine, nextToken="of nothing")
    assert caught.value.response["Error"]["Code"] == "InvalidToken"

"""Express executions. AWS's answers were recorded by LocalStack (test_sfn_api_express, express/test_express_sync)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions import executions
from tests.local.aws.conftest import Machines

PASS = {"State_1": {"Type": "Pass", "Output": {"Arg1": "argument1"}, "End": True}}
RUNNING = "arn:aws:states:us-east-1:123456789012:express:machine:n:1"


def express(machines: Machines, states: Any, name: str = "machine") -> str:
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    made = machines.states.create_state_machine(
        name=name, type="EXPRESS", definition=json.dumps(definition), roleArn=machines.role
    )
    return str(made["stateMachineArn"])


def test_a_synchronous_start_answers_with_the_end(machines: Machines) -> None:
    arn = express(machines, PASS)
    answer: Any = machines.states.start_sync_execution(stateMachineArn=arn, input='{"n": 1}')
    assert answer["executionArn"].startswith(f"{arn.replace('stateMachine', 'express')}:{answer['name']}:")
    told = {name: answer[name] for name in answer.keys() - {"executionArn", "name", "ResponseMetadata"}}
    assert told.pop("startDate") <= told.pop("stopDate")
    assert told == {
        "stateMachineArn": arn,
        "status": "SUCCEEDED",
        "input": '{"n": 1}',
        "inputDetails": {"included": True},
        "output": '{"Arg1":"argument1"}',
        "outputDetails": {"included": True},
        "billingDetails": {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100},
    }


def test_a_synchronous_start_of_what_fails(machines: Machines) -> None:
    arn = express(machines, {"F": {"Type": "Fail", "Error": "SomeFailure", "Cause": "on purpose"}})
    answer = machines.states.start_sync_execution(stateMachineArn=arn)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "SomeFailure", "on purpose")
    assert "output" not in answer


def test_data_can_be_left_out(machines: Machines) -> None:
    answer = machines.states.start_sync_execution(stateMachineArn=express(machines, PASS), includedData="METADATA_ONLY")
    assert answer["status"] == "SUCCEEDED"
    assert not answer.keys() & {"input", "output"}


def test_a_name_can_be_had_by_several(machines: Machines) -> None:
    arn = express(machines, PASS)
    started = {machines.states.start_execution(stateMachineArn=arn, name="n")["executionArn"] for _ in range(3)}
    assert len(started) == 3


def test_an_execution_longer_than_five_minutes_is_timed_out(fast: Machines) -> None:
    arn = express(
        fast, {"W": {"Type": "Wait", "Seconds": 299, "Next": "X"}, "X": {"Type": "Wait", "Seconds": 2, "End": True}}
    )
    answer = fast.states.start_sync_execution(stateMachineArn=arn)
    assert answer["status"] == "TIMED_OUT"
    assert 300 <= (answer["stopDate"] - answer["startDate"]).total_seconds() < 301


def test_a_state_can_start_one_and_wait_for_it_while_time_passes(fast: Machines) -> None:
    inner = express(fast, {"W": {"Type": "Wait", "Seconds": 200, "Output": 7, "End": True}}, "inner")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sfn:startSyncExecution",
        "Arguments": {"StateMachineArn": inner},
        "Output": "{% $parse($states.result.Output) %}",
        "End": True,
    }
    assert fast.run({"T": task}).output == 7


REFUSED: Any = [
    (
        "list_executions",
        {},
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    ),
    *(
        (
            name,
            {"executionArn": RUNNING},
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: express'",
        )
        for name in ("describe_execution", "stop_execution", "get_execution_history")
    ),
]


@pytest.mark.parametrize(("request_", "given", "code", "message"), REFUSED)
def test_what_is_not_for_express_machines(
    machines: Machines, request_: str, given: dict[str, str], code: str, message: str
) -> None:
    arn = express(machines, PASS)
    with pytest.raises(ClientError) as refused:
        getattr(machines.states, request_)(**(given or {"stateMachineArn": arn}))
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)


def test_a_standard_machine_cannot_be_started_synchronously(machines: Machines) -> None:
    with pytest.raises(ClientError, match="This operation is not supported by this type of state machine"):
        machines.states.start_sync_execution(stateMachineArn=machines.make({"S": {"Type": "Succeed"}}))


def test_no_status_event_and_nothing_kept(aws: EmbeddedAws, machines: Machines) -> None:
    told: list[Any] = []
    stop = executions.on_status_change(told.append)
    try:
        machines.states.start_sync_execution(stateMachineArn=express(machines, PASS))
    finally:
        stop()
    assert told == []
    assert stepfunctions_parser_backends[aws.account][aws.region].__dict__["executions_by_arn"] == {}


def test_its_machine_says_so(machines: Machines) -> None:
    described = machines.states.describe_state_machine(stateMachineArn=express(machines, PASS))
    assert described["type"] == "EXPRESS"


def test_its_log_has_its_events(machines: Machines) -> None:
    """Source: "Using CloudWatch Logs to log execution history in Step Functions"."""
    logs = machines.aws.client("logs")
    logs.create_log_group(logGroupName="/express")
    arn = logs.describe_log_groups(logGroupNamePrefix="/express")["logGroups"][0]["arn"]
    made = machines.states.create_state_machine(
        name="logged",
        type="EXPRESS",
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "State_1", "States": PASS}),
        roleArn=machines.role,
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
        },
    )
    answer = machines.states.start_sync_execution(stateMachineArn=made["stateMachineArn"], input="{}")
    told = [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName="/express")["events"]]
    assert [event["type"] for event in told] == [
        *("ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"),
    ]
    assert {event["execution_arn"] for event in told} == {answer["executionArn"]}
    assert told[-1]["details"]["output"] == '{"Arg1":"argument1"}'

"""moto's executions emit no events: here EventBridge hears of each change of status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import hearing

QUEUE = "arn:aws:sqs:us-east-1:123456789012:heard"


def machine(aws: EmbeddedAws, name: str, state: dict[str, Any]) -> str:
    role = "arn:aws:iam::123456789012:role/r"
    definition = json.dumps({"StartAt": "Only", "States": {"Only": state}})
    made = aws.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    return str(made["stateMachineArn"])


@pytest.fixture
def heard(aws: EmbeddedAws) -> Any:
    """What a queue has heard of executions that failed."""
    url = aws.client("sqs").create_queue(QueueName="heard", Attributes=hearing("heard"))["QueueUrl"]
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }
    aws.client("events").put_rule(Name="failed", EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule="failed", Targets=[{"Id": "queue", "Arn": QUEUE}])

    def messages() -> list[dict[str, Any]]:
        answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return messages


def test_a_rule_hears_of_the_executions_that_its_pattern_matches(aws: EmbeddedAws, heard: Any) -> None:
    client = aws.client("stepfunctions")
    good = machine(aws, "good", {"Type": "Succeed"})
    bad = machine(aws, "bad", {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none left"})
    started = [
        client.start_execution(stateMachineArn=arn, name=name, input='{"n": 1}')["executionArn"]
        for arn, name in ((good, "first"), (bad, "second"))
    ]
    assert all(aws.execution(arn).over.wait(10) for arn in started)
    (event,) = heard()
    assert event["source"] == "aws.states"
    assert (event["account"], event["region"], event["version"]) == ("123456789012", "us-east-1", "0")
    assert event.keys() == {
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"
    }  # fmt: skip
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [started[1]]
    detail = event["detail"]
    assert {name: detail[name] for name in ("executionArn", "stateMachineArn", "name", "status", "input", "error")} == {
        "executionArn": started[1],
        "stateMachineArn": bad,
        "name": "second",
        "status": "FAILED",
        "input": '{"n": 1}',
        "error": "OutOfPaper",
    }
    assert (detail["redriveCount"], detail["redriveStatus"]) == (0, "REDRIVABLE")
    assert 0 <= detail["stopDate"] - detail["startDate"] < 10_000


def test_a_rule_that_is_disabled_hears_nothing(aws: EmbeddedAws, heard: Any) -> None:
    bad = machine(aws, "bad", {"Type": "Fail", "Error": "OutOfPaper"})
    aws.client("events").disable_rule(Name="failed")
    for _ in range(2):
        arn = aws.client("stepfunctions").start_execution(stateMachineArn=bad, input="{}")["executionArn"]
        assert aws.execution(arn).over.wait(10)
        aws.client("events").enable_rule(Name="failed")
    (event,) = heard()
    assert event["resources"] == [arn]

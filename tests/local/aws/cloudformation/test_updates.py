"""What moto leaves as it was when a template of a stack says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:machine:*"


def template(action: str, level: str, kind: str = "STANDARD") -> str:
    allow = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allow]}
    machine = {
        "StateMachineName": "m",
        "StateMachineType": kind,
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DefinitionString": json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}),
        "TracingConfiguration": {"Enabled": True},
        "LoggingConfiguration": {
            "Level": level,
            "IncludeExecutionData": True,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": GROUP}}],
        },
    }
    role = {
        "RoleName": "r",
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": f"may-{action[4:]}", "PolicyDocument": document}],
    }
    return json.dumps(
        {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
                "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
            }
        }
    )


@pytest.fixture
def stack(aws: EmbeddedAws) -> Any:
    aws.client("sqs").create_queue(QueueName="q")
    client = aws.client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=template("sqs:ListQueues", "ALL"))
    return lambda *given: client.update_stack(StackName="s", TemplateBody=template(*given))


def test_a_changed_policy_of_a_role_is_what_counts_from_then_on(aws: EmbeddedAws, stack: Any) -> None:
    client = aws.clients.get("sqs", "us-east-1", "arn:aws:iam::123456789012:role/r")
    assert client.list_queues()["QueueUrls"]
    stack("sqs:CreateQueue", "ALL")
    with pytest.raises(ClientError, match="not authorized to perform: sqs:ListQueues"):
        client.list_queues()
    assert client.create_queue(QueueName="other")["QueueUrl"]
    assert aws.client("iam").list_role_policies(RoleName="r")["PolicyNames"] == ["may-CreateQueue"]


def test_a_machine_has_the_log_and_the_traces_of_its_template(aws: EmbeddedAws, stack: Any) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m"

    def described() -> Any:
        return aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)

    assert described()["loggingConfiguration"] == {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}],
    }
    assert described()["tracingConfiguration"] == {"enabled": True}
    stack("sqs:ListQueues", "ERROR")
    assert described()["loggingConfiguration"]["level"] == "ERROR"


def test_a_machine_has_the_type_of_its_template(aws: EmbeddedAws) -> None:
    client = aws.client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=template("sqs:ListQueues", "ALL", "EXPRESS"))
    (machine,) = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    assert machine["type"] == "EXPRESS"


def test_a_machine_may_have_its_definition_as_an_object(aws: EmbeddedAws) -> None:
    """Source: recorded test_cloudformation_definition_create_describe; "AWS::StepFunctions::StateMachine"."""
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    definition = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    machine = {"StateMachineName": "m", "Definition": definition, "RoleArn": role}
    template = {"Resources": {"M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}}
    client = aws.client("cloudformation")
    client.create_stack(StackName="s", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    (found,) = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    described = aws.client("stepfunctions").describe_state_machine(stateMachineArn=found["stateMachineArn"])
    assert json.loads(described["definition"]) == definition

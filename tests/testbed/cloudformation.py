"""Templates, and how one is deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_cloudformation.literals import ChangeSetTypeType

DEFINITION = {"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}


def template(**resources: Any) -> dict[str, Any]:
    return {
        "Parameters": {"Colour": {"Type": "String", "Default": "blue"}},
        "Resources": {
            "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "group"}},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "machine",
                    "DefinitionString": json.dumps(DEFINITION),
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                },
            },
            **resources,
        },
        "Outputs": {
            "Group": {"Value": {"Ref": "Group"}},
            "GroupArn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}},
            "Machine": {"Value": {"Ref": "Machine"}},
            "Colour": {"Value": {"Ref": "Colour"}},
        },
    }


def deploy(aws: EmbeddedAws, kind: ChangeSetTypeType, body: dict[str, Any], colour: str) -> dict[str, str]:
    """The outputs after a change set has been executed."""
    client = aws.client("cloudformation")
    client.create_change_set(
        StackName="stack",
        ChangeSetName=kind.lower(),
        ChangeSetType=kind,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": "Colour", "ParameterValue": colour}],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.execute_change_set(StackName="stack", ChangeSetName=kind.lower())
    (stack,) = client.describe_stacks(StackName="stack")["Stacks"]
    assert stack["StackStatus"] == f"{kind}_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

"""What a company's stack stands in: tags, a boundary of permissions, a key of its own, functions of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.expressions import jsonata
from orchestrator.asl.written import WrittenDefinition
from orchestrator.functions import Permission
from orchestrator.tasks.task import LONGEST_RUN_SECONDS

#: Types whose property ``Tags`` is a list of keys and values.
_TAGGED = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SES::ConfigurationSet",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::StepFunctions::StateMachine",
    }
)

_OWN_KEY = ("Key", "KeyAlias")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The parts of a company's account that the stack uses and does not make."""

    tags: Mapping[str, str] = field(default_factory=dict)
    #: The ARN of a policy that bounds every role.
    permissions_boundary: str | None = None
    #: The ARN of a KMS key that takes the place of the stack's own. Whoever has it has to let the stack's services use
    #: it, as the policy of the stack's own key does in the template.
    key: str | None = None

    def around(self, template: Mapping[str, Any]) -> dict[str, Any]:
        """The template, standing in them."""
        resources = dict(template["Resources"])
        if self.key:
            resources = {name: _replaced(one, self.key) for name, one in resources.items() if name not in _OWN_KEY}
        return {**template, "Resources": {name: self._of(one) for name, one in resources.items()}}

    def _of(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        properties = dict(resource.get("Properties", {}))
        if self.tags and resource["Type"] in _TAGGED:
            properties["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(self.tags.items())]
        if self.permissions_boundary and resource["Type"] == "AWS::IAM::Role":
            properties["PermissionsBoundary"] = self.permissions_boundary
        return {**resource, "Properties": properties}


def _replaced(value: Any, key: str) -> Any:
    if value in ({"Fn::GetAtt": ["Key", "Arn"]}, {"Ref": "Key"}):
        return key
    if isinstance(value, Mapping):
        return {name: _replaced(inner, key) for name, inner in value.items()}
    return [_replaced(inner, key) for inner in value] if isinstance(value, list) else value


def existing(name: str, arn: str) -> Definition:
    """A workflow of one step that runs a function or a state machine of somebody else's.

    The registry holds no ARN, so that nobody who can write a row of it can have TaskRunner run anything: whoever
    deploys says what may be run, and its role may run nothing else. Raises ValueError for any other ARN.
    """
    service = arn.split(":")[2]
    state: dict[str, Any]
    if service == "lambda":
        state = {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": arn, "Payload": jsonata("$states.input")},
            "Output": jsonata("$states.result.Payload"),
        }
        permissions = [Permission(actions=("lambda:InvokeFunction",), resource=one) for one in (arn, f"{arn}:*")]
    elif service == "states" and ":stateMachine:" in arn:
        state = {
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {"StateMachineArn": arn, "Input": jsonata("$states.input")},
            "Output": jsonata("$states.result.Output"),
        }
        executions = arn.replace(":stateMachine:", ":execution:")
        rule = ":".join([*arn.split(":")[:2], "events", *arn.split(":")[3:5]])
        permissions = [
            Permission(actions=("states:StartExecution",), resource=arn),
            Permission(actions=("states:DescribeExecution", "states:StopExecution"), resource=f"{executions}:*"),
            Permission(
                actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"),
                resource=f"{rule}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
            ),
        ]
    else:
        raise ValueError(f"expected the ARN of a function or a state machine, found {arn!r}")
    comment = f"Runs {name}, which is not of this stack."
    machine = {
        "Comment": comment,
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": LONGEST_RUN_SECONDS,
        "StartAt": "Run",
        "States": {"Run": {"Type": "Task", "TimeoutSeconds": LONGEST_RUN_SECONDS, **state, "End": True}},
    }
    return WrittenDefinition(
        machine=machine, comment=comment, timeout_seconds=LONGEST_RUN_SECONDS, permissions=tuple(permissions)
    )

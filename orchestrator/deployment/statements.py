"""IAM statements and policy documents as CloudFormation writes them.

No action has a wildcard. ``Resource: "*"`` stands only where IAM knows no finer resource ("Service Authorization
Reference"), with a condition where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Statement = dict[str, Any]

#: X-Ray has no resources.
TRACE_ACTIONS = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
SAMPLING_ACTIONS = ("xray:GetSamplingRules", "xray:GetSamplingTargets")


def allow(actions: str | Sequence[str], resources: Any, **conditions: Mapping[str, Any]) -> Statement:
    """A statement; ``conditions`` map an operator to its keys: ``StringEquals={"aws:SourceAccount": …}``."""
    listed = [actions] if isinstance(actions, str) else list(actions)
    statement: Statement = {"Effect": "Allow", "Action": listed, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})


def arn(service: str, resource: str) -> dict[str, str]:
    """The ARN of something of this account in this region, where no resource of the template has it; of IAM, whose ARNs
    have no region, of this account.
    """
    region = "" if service == "iam" else "${AWS::Region}"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{region}:${{AWS::AccountId}}:{resource}"}


def logical_id(name: str, kind: str) -> str:
    """Returns the logical id of something of the project's own: of the bucket ``old-reports``, ``OldReportsBucket``."""
    return "".join(part.capitalize() for part in name.split("-")) + kind


def attribute(logical_id: str, name: str = "Arn") -> dict[str, list[str]]:
    """An attribute of a resource of the template."""
    return {"Fn::GetAtt": [logical_id, name]}


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Returns a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def nested_execution(*patterns: str) -> list[Statement]:
    """Statements that allow to start, await and stop executions of the state machines of these names."""
    return [
        allow("states:StartExecution", one_or_all([arn("states", f"stateMachine:{name}") for name in patterns])),
        # Start takes a state machine, these two an execution ("Start workflow executions from a task state").
        allow(
            ("states:DescribeExecution", "states:StopExecution"),
            one_or_all([arn("states", f"execution:{name}:*") for name in patterns]),
        ),
        # How Step Functions learns that a nested execution has ended (the same page).
        allow(
            ("events:DescribeRule", "events:PutRule", "events:PutTargets"),
            arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),
        ),
    ]


def one_or_all(resources: list[Any]) -> Any:
    """Returns the resource of a statement: the only one alone, several as a list."""
    return resources[0] if len(resources) == 1 else resources


def tracing(actions: Sequence[str]) -> list[Statement]:
    """Returns what lets a function or a state machine send traces."""
    return [allow(actions, "*")]

"""Policies: what a declared permission becomes."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.deployment import policies
from orchestrator.errors import InvalidProject
from orchestrator.functions import Function, Permission
from orchestrator.stack import Stack

STACK = Stack()
ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
TABLE = f"arn:${{AWS::Partition}}:dynamodb:{ACCOUNT}:table/orchestrator-dev"


def declared(resource: str, action: str = "x:Y") -> dict[str, Any]:
    permission = Permission(actions=(action,), resource=resource)
    return policies.function(STACK, Function(name="f", module="f", permissions=(permission,)))[-1]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("data-bucket", {"Fn::GetAtt": ["DataBucket", "Arn"]}),
        ("data-bucket:orders/*", {"Fn::Sub": "${DataBucket.Arn}/orders/*"}),
        ("table:Sessions", {"Fn::Sub": f"{TABLE}-Sessions"}),
        ("table:TaskRuns/index/StatusIndex", {"Fn::Sub": f"{TABLE}-TaskRuns/index/StatusIndex"}),
    ],
)
def test_a_logical_resource_becomes_an_arn_of_the_stack(resource: str, expected: dict[str, Any]) -> None:
    assert declared(resource) == {"Effect": "Allow", "Action": ["x:Y"], "Resource": expected}


def test_mail_is_sent_from_the_stacks_sender_only() -> None:
    identity = {"Fn::Sub": f"arn:${{AWS::Partition}}:ses:{ACCOUNT}:identity/*"}
    events = {"Fn::Sub": f"arn:${{AWS::Partition}}:ses:{ACCOUNT}:configuration-set/{STACK.mail_events}"}
    for resource, expected in (("ses", identity), ("ses:events", [identity, events])):
        statement = declared(resource, "ses:SendEmail")
        assert statement["Resource"] == expected
        assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}


@pytest.mark.parametrize("resource", ["bucket", "table", ""])
def test_a_resource_that_there_is_none_of_is_refused(resource: str) -> None:
    with pytest.raises(InvalidProject, match="is no resource of a permission"):
        declared(resource)


def test_a_function_without_permissions_can_log_and_trace_and_nothing_else() -> None:
    found = policies.function(STACK, Function(name="echo", module="echo"))
    assert [action for statement in found for action in statement["Action"]] == [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ]
    assert found[0]["Resource"]["Fn::Sub"].endswith(":log-group:/aws/lambda/orchestrator-dev-task-echo:*")


def test_the_runner_reaches_only_what_begins_with_the_stacks_prefixes() -> None:
    reached: dict[str, set[str]] = {}
    for statement in policies.task_runner(STACK):
        for action in statement["Action"]:
            if action.startswith(("lambda:", "states:")):
                reached.setdefault(action, set()).add(statement["Resource"]["Fn::Sub"].split("${AWS::AccountId}")[1])
    # Of its own executions it stops those that an overlap policy ends.
    executions = {":execution:orchestrator-dev-workflow-*:*", ":execution:orchestrator-dev-TaskRunner:*"}
    assert reached == {
        "lambda:InvokeFunction": {":function:orchestrator-dev-task-*"},
        "states:StartExecution": {":stateMachine:orchestrator-dev-workflow-*"},
        "states:DescribeExecution": executions,
        "states:StopExecution": executions,
    }


def test_a_backfill_reaches_the_runner_and_itself_and_nothing_else() -> None:
    states = [found for found in policies.backfill(STACK) if found["Action"][0].startswith("states:")]
    ends = [one["Fn::Sub"].split(":${AWS::AccountId}:")[1] for found in states for one in found["Resource"]]
    assert ends == [
        "stateMachine:orchestrator-dev-TaskRunner",
        "stateMachine:orchestrator-dev-Backfill",
        "execution:orchestrator-dev-TaskRunner:*",
        "execution:orchestrator-dev-Backfill:*",
    ]

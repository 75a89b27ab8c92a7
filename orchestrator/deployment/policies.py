"""Roles of the stack's functions, state machines, schedules and rules: who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.deployment.permissions import for_permission, for_secrets
from orchestrator.deployment.statements import (
    SAMPLING_ACTIONS,
    TRACE_ACTIONS,
    Statement,
    allow,
    arn,
    attribute,
    document,
    nested_execution,
    one_or_all,
    tracing,
)
from orchestrator.errors import InvalidProject
from orchestrator.functions import EventSource, Function, Permission
from orchestrator.stack import FOLLOWER, Stack

#: What Step Functions asks for before it logs; none has resources ("Logging using CloudWatch Logs").
_LOG_DELIVERY_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)

#: "Giving Lambda functions access to resources in an Amazon VPC": none of these has a resource that is known before.
_INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def role(stack: Stack, service: str, statements: Iterable[Statement], **source: Any) -> dict[str, Any]:
    """A role that ``service`` may assume, on behalf of this account and of ``source`` (``ArnLike=…``) only.

    Without these conditions the service could be made to use the role on a stranger's behalf ("The confused deputy
    problem"). CloudFormation makes up the role's name, and cuts it off at 64 characters; by its path the stack's roles
    can be told from others.
    """
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    conditions = {"StringEquals": account} | {op: {"aws:SourceArn": arn_} for op, arn_ in source.items()}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": conditions,
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "Path": f"/{stack.name}/",
            "AssumeRolePolicyDocument": document([trust]),
            "Policies": [{"PolicyName": "permissions", "PolicyDocument": document(statements)}],
        },
    }


def scheduler(stack: Stack, runners: Sequence[str]) -> dict[str, Any]:
    """The role that schedules start ``runners`` with, TaskRunner and its Express twin.

    The sources are the schedule groups: AWS says not to narrow it to a schedule ("Cross-service confused deputy
    prevention in EventBridge Scheduler").
    """
    return role(
        stack,
        "scheduler",
        [
            allow("states:StartExecution", one_or_all([{"Ref": name} for name in runners])),
            allow("sqs:SendMessage", attribute("SchedulerDlq")),
            # Of a slot that waits until a moment: its alarm clock.
            allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function(FOLLOWER, is_task=False)}")),
        ],
        ArnEquals=[
            arn("scheduler", f"schedule-group/{group}") for group in (stack.schedule_group, stack.one_time_group)
        ],
    )


def events(stack: Stack, runners: Sequence[str]) -> dict[str, Any]:
    """The role that rules start ``runners`` with; dead letters EventBridge sends in its own name.

    The source is the rule ("Cross-service confused deputy prevention in Amazon EventBridge").
    """
    starting = allow("states:StartExecution", one_or_all([{"Ref": name} for name in runners]))
    return role(stack, "events", [starting], ArnLike=rules(stack))


def rules(stack: Stack) -> list[dict[str, str]]:
    """The ARNs of the rules that start tasks: on the default bus, and on any other."""
    return [arn("events", f"rule/{bus}{stack.rule_prefix}*") for bus in ("", "*/")]


def backfill(stack: Stack) -> list[Statement]:
    """Statements for Backfill: it starts TaskRunner and executions of itself, and waits for them."""
    return [*nested_execution(stack.task_runner, stack.backfill), *tracing(TRACE_ACTIONS + SAMPLING_ACTIONS)]


def task_runner(stack: Stack) -> list[Statement]:
    """Statements for what TaskRunner's states do, and nothing else. A transaction needs those of its writes."""
    nested = stack.workflow_prefix
    return [
        allow(("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"), attribute("ScheduledTasks")),
        allow(("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), attribute("TaskRuns")),
        allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function_prefix}*")),
        *nested_execution(f"{nested}*"),
        # A run stops another, and looks whether it has stopped, where a task's overlap policy says so.
        allow(("states:DescribeExecution", "states:StopExecution"), arn("states", f"execution:{stack.task_runner}:*")),
        *tracing(TRACE_ACTIONS + SAMPLING_ACTIONS),
    ]


def express_runner(stack: Stack) -> list[Statement]:
    """What the states of TaskRunner's Express twin do: the same but for nested workflows and for stopping others, which
    it leaves to TaskRunner.
    """
    return [
        allow(("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"), attribute("ScheduledTasks")),
        allow(("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), attribute("TaskRuns")),
        allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function_prefix}*")),
        allow("states:StartExecution", arn("states", f"stateMachine:{stack.task_runner}")),
        *tracing(TRACE_ACTIONS + SAMPLING_ACTIONS),
    ]


def workflow(stack: Stack, permissions: Sequence[Permission]) -> list[Statement]:
    """Statements for a nested workflow: it calls the task functions, and does what it declares."""
    return [
        allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function_prefix}*")),
        *(statement for permission in permissions for statement in for_permission(stack, permission)),
        *tracing(TRACE_ACTIONS + SAMPLING_ACTIONS),
    ]


def log_delivery() -> Statement:
    """A statement that lets Step Functions log a state machine's history."""
    return allow(_LOG_DELIVERY_ACTIONS, "*")


def function(stack: Stack, function: Function) -> list[Statement]:
    """Statements for what a function declares, its own logs and its traces. Raises InvalidProject."""
    try:
        declared = [statement for permission in function.permissions for statement in for_permission(stack, permission)]
        declared += for_secrets(stack, function)
    except ValueError as fault:
        raise InvalidProject([f"{function.name}: {fault}"]) from fault
    group = f"log-group:/aws/lambda/{stack.function(function.name, is_task=function.is_target)}:*"
    return [
        allow(("logs:CreateLogStream", "logs:PutLogEvents"), arn("logs", group)),
        *tracing(TRACE_ACTIONS),
        *(statement for source in function.event_sources for statement in _polling(source)),
        *declared,
        *([allow(_INTERFACE_ACTIONS, "*")] if function.vpc else []),
    ]


def _polling(source: EventSource) -> list[Statement]:
    """Statements for Lambda's polling of an event source in the function's name."""
    kind, _, name = source.source.partition(":")
    if kind == "queue":
        actions = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
        polled = allow(actions, source.arn or attribute(name))
        through = {"kms:ViaService": {"Fn::Sub": "sqs.${AWS::Region}.amazonaws.com"}}
        return [polled, allow("kms:Decrypt", source.key, StringEquals=through)] if source.key else [polled]
    if kind != "stream":
        raise ValueError(f"{source.source!r} is no event source: queue:NAME or stream:TABLE")
    actions = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
    return [
        allow(actions, attribute(name, "StreamArn")),
        # It has no finer resource ("Service Authorization Reference").
        allow("dynamodb:ListStreams", "*"),
        allow("sqs:SendMessage", attribute("HandlerFailures")),
    ]

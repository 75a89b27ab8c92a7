"""What the functions that the product itself needs run with, and what calls them."""

from __future__ import annotations

from orchestrator.functions import EventSource, Function, Permission
from orchestrator.runs import measures
from orchestrator.runs.run import UNSUCCESSFUL, Trigger

_ROW = ("dynamodb:PutItem", "dynamodb:UpdateItem")

#: Pools and mutes.
_LIMITS = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")

#: What may wake a slot of another task, beside what is told anyway; and what is held.
_LINKED = ["SKIPPED", "SUCCEEDED", "WAITING"]

_FAILURE_HANDLER = Function(
    name="failure-handler",
    module="system.failure_handler",
    permissions=(
        Permission(actions=("dynamodb:PutItem",), resource="table:FailedTasks"),
        Permission(actions=_ROW, resource="table:TaskRuns"),
        Permission(actions=("dynamodb:UpdateItem",), resource="table:ScheduledTasks"),
    ),
    event_sources=(EventSource(source="queue:SchedulerDlq"), EventSource(source="queue:ExecutionFailures")),
)

_COURIER = Function(
    name="courier",
    module="system.courier",
    permissions=(
        Permission(actions=("ssm:GetParametersByPath",), resource="parameters:alerts"),
        Permission(actions=("ssm:GetParameter",), resource="parameters:secrets/*"),
        Permission(actions=("secretsmanager:GetSecretValue",), resource="secrets"),
        Permission(actions=("sns:Publish",), resource="alert-topics"),
        Permission(actions=("sqs:GetQueueUrl", "sqs:SendMessage"), resource="queue:Courier"),
        Permission(actions=("sqs:GetQueueUrl", "sqs:SendMessage"), resource="queue:HandlerFailures"),
    ),
    # One at a time: three requests that are never answered are half of its minute.
    event_sources=(EventSource(source="queue:Courier", batch_size=1),),
)

_FOLLOWER = Function(
    name="follower",
    module="system.follower",
    permissions=(
        Permission(actions=("dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"), resource="table:TaskRuns"),
        Permission(actions=("dynamodb:GetItem", "dynamodb:UpdateItem"), resource="table:ScheduledTasks"),
        Permission(actions=("states:StartExecution",), resource="task-runner"),
        Permission(actions=("scheduler:CreateSchedule",), resource="wake-ups"),
        Permission(actions=("dynamodb:DeleteItem", "dynamodb:UpdateItem"), resource="table:Incidents"),
        Permission(actions=_LIMITS, resource="table:Limits"),
        Permission(actions=("sns:Publish",), resource="alerts"),
        Permission(actions=("cloudwatch:PutMetricData",), resource="metrics"),
    ),
    event_sources=(
        EventSource(
            source="stream:TaskRuns",
            batch_size=100,
            # A run that went well calls nobody, unless others wait for it.
            filters=(
                {"dynamodb": {"NewImage": {"status": {"S": sorted(UNSUCCESSFUL)}}}},
                {"dynamodb": {"NewImage": {"attention": {"S": [{"exists": True}]}}}},
                {"dynamodb": {"NewImage": {"status": {"S": ["SUCCEEDED"]}, "trigger": {"S": [Trigger.CATCH_UP]}}}},
                {"dynamodb": {"NewImage": {"status": {"S": _LINKED}, "linked": {"N": ["1"]}}}},
                # It wants to be looked at again.
                {"dynamodb": {"NewImage": {"hold": {"M": {"wakeAt": {"N": [{"exists": True}]}}}}}},
            ),
        ),
    ),
)

#: It has a URL, and event sources, as stack.yaml says; otherwise no stack has it.
_RECEIVER = Function(
    name="receiver",
    module="system.receiver",
    timeout_seconds=30,
    permissions=(Permission(actions=("events:PutEvents",), resource="event-bus:default"),),
)

_REPORTER = Function(
    name="reporter",
    module="system.reporter",
    # Where nothing is published it asks nobody. Alarms look at five minutes, so that a fraction of one is no delay.
    event_sources=(
        EventSource(source="stream:TaskRuns", batch_size=1000, window_seconds=20, filters=measures.PATTERNS),
    ),
)

_WATCHDOG = Function(
    name="watchdog",
    module="system.watchdog",
    timeout_seconds=240,
    permissions=(
        Permission(actions=("dynamodb:Query",), resource="table:ScheduledTasks/index/DueIndex"),
        # It looks for budgets once a day.
        Permission(
            actions=("dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"), resource="table:ScheduledTasks"
        ),
        Permission(actions=("dynamodb:Query",), resource="table:TaskRuns/index/StatusIndex"),
        Permission(actions=("dynamodb:GetItem", "dynamodb:Query", *_ROW), resource="table:TaskRuns"),
        Permission(actions=("dynamodb:DeleteItem", "dynamodb:Scan", "dynamodb:UpdateItem"), resource="table:Incidents"),
        Permission(actions=_LIMITS, resource="table:Limits"),
        Permission(actions=("states:StartExecution",), resource="task-runner"),
        Permission(actions=("states:DescribeExecution",), resource="task-runner:executions"),
        Permission(actions=("sns:Publish",), resource="alerts"),
        Permission(actions=("cloudwatch:PutMetricData",), resource="metrics"),
    ),
)

FUNCTIONS = (_COURIER, _FAILURE_HANDLER, _FOLLOWER, _RECEIVER, _REPORTER, _WATCHDOG)

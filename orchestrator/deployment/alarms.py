"""What wakes people, and what keeps executions that died: the status rule, its queues, and the alarms.

A run that fails in a way that TaskRunner can catch says so itself. The rest leaves a trace in one of three places: an
execution's last status, a queue's depth, or a metric of the service that refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.deployment import policies, storage
from orchestrator.settings import Stack

#: How executions end that no Catch saw: "States.ALL" catches neither a time-out of the machine nor an abort.
DIED = ("FAILED", "TIMED_OUT", "ABORTED")

_FIVE_MINUTES = 300


def status_rule(stack: Stack, machines: Mapping[str, str]) -> dict[str, Any]:
    """The rule that keeps executions that died, for the state machines of ``machines`` (logical to physical names)."""
    return {
        "ExecutionFailuresDlq": storage.queue(f"{stack.execution_failures}Dlq"),
        "ExecutionFailures": storage.queue(stack.execution_failures, dead_letters="HandlerFailures"),
        "ExecutionFailuresRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": stack.execution_failures,
                "Description": "Keeps every execution that failed, timed out or was aborted.",
                "EventPattern": {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {
                        "status": list(DIED),
                        "stateMachineArn": [policies.arn("states", f"stateMachine:{n}") for n in machines.values()],
                    },
                },
                "State": "ENABLED",
                "Targets": [
                    {
                        "Id": "ExecutionFailures",
                        "Arn": policies.attribute("ExecutionFailures"),
                        "DeadLetterConfig": {"Arn": policies.attribute("ExecutionFailuresDlq")},
                        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                    }
                ],
            },
        },
        "ExecutionFailuresPolicy": policies.queue(
            ("ExecutionFailures", "ExecutionFailuresDlq"),
            service="events",
            source=policies.attribute("ExecutionFailuresRule"),
        ),
    }


def alarms(stack: Stack, functions: Mapping[str, str], queues: Sequence[str]) -> Any:
    """Every alarm, by logical id; each tells the topic.

    ``functions`` are physical names by logical id, ``queues`` logical ids of queues that should be empty.
    """
    group = {"ScheduleGroup": stack.schedule_group}
    runner = {"StateMachineArn": policies.arn("states", f"stateMachine:{stack.task_runner}")}
    found = {
        "FailuresAlarm": _alarm(
            stack.failure_alarm, "AWS/States", "ExecutionsFailed", runner, "Runs fail: see TaskRuns by status."
        ),
        "TimeoutsAlarm": _alarm(
            f"{stack.name}-Timeouts", "AWS/States", "ExecutionsTimedOut", runner, "TaskRunner itself ran out of time."
        ),
        "DroppedAlarm": _alarm(
            f"{stack.name}-Dropped", "AWS/Scheduler", "InvocationDroppedCount", group, "Scheduler gave slots up."
        ),
        "UndeliverableAlarm": _alarm(
            f"{stack.name}-Undeliverable",
            "AWS/Scheduler",
            "InvocationsFailedToBeSentToDeadLetterCount",
            group,
            "Scheduler lost slots: they could not even be put into the queue.",
        ),
        "SchedulerThrottledAlarm": _alarm(
            f"{stack.name}-SchedulerThrottled",
            "AWS/Scheduler",
            "InvocationThrottleCount",
            group,
            "More slots are due at once than the account's quota of invocations lets through.",
        ),
        "ExecutionThrottledAlarm": _alarm(
            f"{stack.name}-ExecutionThrottled",
            "AWS/States",
            "ExecutionThrottled",
            runner,
            "Step Functions holds runs back: spread the tasks, or ask for a higher quota.",
        ),
    }
    for logical_id in queues:
        found[f"{logical_id}Alarm"] = _alarm(
            f"{stack.name}-{logical_id}",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": policies.attribute(logical_id, "QueueName")},
            "A message waits for somebody to look at it.",
            Statistic="Maximum",
        )
    for logical_id, name in functions.items():
        found[f"{logical_id}ThrottledAlarm"] = _alarm(
            f"{name}-Throttled",
            "AWS/Lambda",
            "Throttles",
            {"FunctionName": name},
            "The function is called more often at once than its concurrency allows.",
        )
    return found


def _alarm(
    name: str, namespace: str, metric: str, dimensions: Mapping[str, Any], description: str, **other: Any
) -> dict[str, Any]:
    """Of one or more in five minutes, unless ``other`` says otherwise; silence is good news."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "AlarmDescription": description,
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": "Sum",
            "Period": _FIVE_MINUTES,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": "Alerts"}],
            **other,
        },
    }

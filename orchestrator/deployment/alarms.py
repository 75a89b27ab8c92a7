"""What wakes people, and what keeps executions that died: the status rule, its queues, and the alarms.

A run that fails in a way that TaskRunner can catch says so itself. The rest leaves a trace in one of three places: an
execution's last status, a queue's depth, or a metric of the service that refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.deployment import resource_policies, statements, storage
from orchestrator.stack import FAILURES_METRIC, HEARTBEAT_METRIC, METRICS_NAMESPACE, UNREADABLE_METRIC, Stack

#: How executions end that no Catch saw: "States.ALL" catches neither a time-out of the machine nor an abort.
DIED = ("FAILED", "TIMED_OUT", "ABORTED")

_FIVE_MINUTES = 300

#: A message that its handler has not taken for so long waits in vain.
_OLD_SECONDS = 900


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
                        "stateMachineArn": [statements.arn("states", f"stateMachine:{n}") for n in machines.values()],
                    },
                },
                "State": "ENABLED",
                "Targets": [
                    {
                        "Id": "ExecutionFailures",
                        "Arn": statements.attribute("ExecutionFailures"),
                        "DeadLetterConfig": {"Arn": statements.attribute("ExecutionFailuresDlq")},
                        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                    }
                ],
            },
        },
        "ExecutionFailuresPolicy": resource_policies.queues(
            ("ExecutionFailures", "ExecutionFailuresDlq"), events=statements.attribute("ExecutionFailuresRule")
        ),
    }


def heartbeat(stack: Stack) -> Any:
    """The alarm that goes off when the watchdog is silent.

    Where data is missing CloudWatch looks back further than the periods that it evaluates, by two in its own examples
    ("Configuring how CloudWatch alarms treat missing data"): two periods of five minutes are an alarm when there is no
    beat in four, at most 25 minutes after the last.
    """
    return _alarm(
        f"{stack.name}-Heartbeat",
        METRICS_NAMESPACE,
        HEARTBEAT_METRIC,
        {"Stack": stack.name},
        "The watchdog is silent: missed slots and dead runs go unnoticed. Does its task run?",
        EvaluationPeriods=2,
        DatapointsToAlarm=2,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )


def alarms(stack: Stack, functions: Mapping[str, str], queues: Sequence[str], handled: Sequence[str]) -> dict[str, Any]:
    """Every alarm, by logical id; each tells the topic.

    ``functions`` are physical names by logical id, ``queues`` logical ids of queues, which should be empty; those that
    are ``handled`` by a function should be so soon.
    """
    return {
        **_of_runs(stack),
        **_of_machine(stack, stack.task_runner),
        **_of_machine(stack, stack.express_runner, "Express"),
        **_of_delivery(stack),
        **{
            f"{logical_id}Alarm": of_queue(stack, logical_id, is_handled=logical_id in handled) for logical_id in queues
        },
        **{f"{logical_id}ThrottledAlarm": _of_function(name) for logical_id, name in functions.items()},
    }


def _of_machine(stack: Stack, machine: str, prefix: str = "") -> dict[str, Any]:
    """Alarms of a machine that runs tasks; ``machine`` is its physical name, ``prefix`` begins the names of the twin's.

    Nobody but its metrics tells of an Express execution that died before the watchdog finds its row.
    """
    said = {
        "ExecutionsFailed": ("ExecutionsFailed", "Executions fail, be it that they cannot even say so: see TaskRuns."),
        "Timeouts": ("ExecutionsTimedOut", "The execution itself ran out of time."),
        "ExecutionThrottled": (
            "ExecutionThrottled",
            "Step Functions holds runs back: spread the tasks, or ask for a higher quota.",
        ),
    }
    runner = {"StateMachineArn": statements.arn("states", f"stateMachine:{machine}")}
    return {
        f"{prefix}{name}Alarm": _alarm(f"{stack.name}-{prefix}{name}", "AWS/States", metric, runner, description)
        for name, (metric, description) in said.items()
    }


def _of_runs(stack: Stack) -> dict[str, Any]:
    """Alarms of runs that fail."""
    return {
        # The ledger's own count first: which dimensions Step Functions gives to executions of an alias, no page says.
        "FailuresAlarm": _alarm(
            stack.failure_alarm,
            METRICS_NAMESPACE,
            FAILURES_METRIC,
            {"Stack": stack.name},
            "Runs fail: see TaskRuns by status.",
        ),
        "UnreadableAlarm": _alarm(
            f"{stack.name}-Unreadable",
            METRICS_NAMESPACE,
            UNREADABLE_METRIC,
            {"Stack": stack.name},
            "A row or record cannot be read and is left out: the logs of watchdog and follower name it.",
        ),
    }


def _of_delivery(stack: Stack) -> dict[str, Any]:
    """Alarms of slots that do not become runs in time."""
    group = {"ScheduleGroup": stack.schedule_group}
    return {
        **_of_group(stack, "", stack.schedule_group),
        **_of_group(stack, "OneTime", stack.one_time_group),
        "SchedulerThrottledAlarm": _alarm(
            f"{stack.name}-SchedulerThrottled",
            "AWS/Scheduler",
            "InvocationThrottleCount",
            group,
            "More slots are due at once than the account's quota of invocations lets through.",
        ),
    }


def _of_group(stack: Stack, prefix: str, name: str) -> dict[str, Any]:
    group = {"ScheduleGroup": name}
    return {
        f"{prefix}DroppedAlarm": _alarm(
            f"{stack.name}-{prefix}Dropped",
            "AWS/Scheduler",
            "InvocationDroppedCount",
            group,
            "Scheduler gave slots up.",
        ),
        f"{prefix}UndeliverableAlarm": _alarm(
            f"{stack.name}-{prefix}Undeliverable",
            "AWS/Scheduler",
            "InvocationsFailedToBeSentToDeadLetterCount",
            group,
            "Scheduler lost slots: they could not even be put into the queue.",
        ),
    }


def of_queue(stack: Stack, logical_id: str, *, is_handled: bool) -> dict[str, Any]:
    """The alarm of a queue that should be empty, or, if it is handled, soon be so."""
    return _alarm(
        f"{stack.name}-{logical_id}",
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage" if is_handled else "ApproximateNumberOfMessagesVisible",
        {"QueueName": statements.attribute(logical_id, "QueueName")},
        "Its handler does not get on." if is_handled else "A message waits for somebody to look at it.",
        Statistic="Maximum",
        Threshold=_OLD_SECONDS if is_handled else 1,
    )


def _of_function(name: str) -> dict[str, Any]:
    return _alarm(
        f"{name}-Throttled",
        "AWS/Lambda",
        "Throttles",
        {"FunctionName": name},
        "The function is called more often at once than its concurrency allows.",
    )


def _alarm(
    name: str, namespace: str, metric: str, dimensions: Mapping[str, Any], description: str, **other: Any
) -> dict[str, Any]:
    """An alarm for a sum of one or more in five minutes, unless ``other`` says otherwise; no data is good."""
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

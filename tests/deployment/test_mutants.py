"""Templates that are wrong on purpose, each found by the invariants."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from deploy import PROJECT
from orchestrator.stack import Stack
from tests.deployment.invariants import inspect

Resources = dict[str, Any]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return PROJECT.application(Stack()).template


def without(name: str, *path: str) -> Callable[[Resources], None]:
    """Takes a property of a resource away."""

    def mutate(resources: Resources) -> None:
        inner = resources[name]["Properties"]
        for part in path[:-1]:
            inner = inner[part]
        del inner[path[-1]]

    return mutate


def having(name: str, value: Any, *path: str) -> Callable[[Resources], None]:
    """Gives a property of a resource another value."""

    def mutate(resources: Resources) -> None:
        inner = resources[name]["Properties"]
        for part in path[:-1]:
            inner = inner[part]
        inner[path[-1]] = value

    return mutate


def not_kept(name: str, policy: str) -> Callable[[Resources], None]:
    return lambda resources: resources[name].pop(policy)


def trust(name: str, operator: str) -> Callable[[Resources], None]:
    def mutate(resources: Resources) -> None:
        (statement,) = resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        del statement["Condition"][operator]

    return mutate


def permission(name: str, action: str, **changes: Any) -> Callable[[Resources], None]:
    """Changes the statement that allows an action; None takes a part of it away."""

    def mutate(resources: Resources) -> None:
        (policy,) = resources[name]["Properties"]["Policies"]
        statement = next(s for s in policy["PolicyDocument"]["Statement"] if action in s["Action"])
        statement.update(changes)
        for part in [part for part, value in changes.items() if value is None]:
            del statement[part]

    return mutate


def statement(name: str, effect: str) -> Callable[[Resources], None]:
    """Takes the condition from a statement of a resource's policy."""

    def mutate(resources: Resources) -> None:
        statements = resources[name]["Properties"]["PolicyDocument"]["Statement"]
        del next(s for s in statements if s["Effect"] == effect)["Condition"]

    return mutate


def definition(change: Callable[[dict[str, Any]], Any]) -> Callable[[Resources], None]:
    def mutate(resources: Resources) -> None:
        given = resources["TaskRunner"]["Properties"]
        parsed = json.loads(given["DefinitionString"])
        change(parsed)
        given["DefinitionString"] = json.dumps(parsed)

    return mutate


def without_queue(policy: str, queue: str) -> Callable[[Resources], None]:
    """Takes a queue from those that a policy is of."""
    return lambda resources: resources[policy]["Properties"]["Queues"].remove({"Ref": queue})


def key_for(principal: str, **changes: Any) -> Callable[[Resources], None]:
    """Changes the statement of the key's policy for a principal; without changes it goes."""

    def mutate(resources: Resources) -> None:
        _change(resources["Key"]["Properties"]["KeyPolicy"]["Statement"], "Principal", principal, changes)

    return mutate


def key_through(role: str, service: str, **changes: Any) -> Callable[[Resources], None]:
    """Changes what a role may do with the key through a service; without changes it may do nothing."""

    def mutate(resources: Resources) -> None:
        (policy,) = resources[role]["Properties"]["Policies"]
        _change(policy["PolicyDocument"]["Statement"], "Condition", f'"{service}.', changes)

    return mutate


def _change(statements: list[dict[str, Any]], part: str, said: str, changes: dict[str, Any]) -> None:
    (found,) = [one for one in statements if said in json.dumps(one.get(part))]
    if changes:
        found.update(changes)
    else:
        statements.remove(found)


def of_log_policy(**changes: Any) -> Callable[[Resources], None]:
    """Changes the only statement of the policy for the log of mails."""

    def mutate(resources: Resources) -> None:
        document = resources["MailEventsLogPolicy"]["Properties"]["PolicyDocument"]
        parsed = json.loads(document["Fn::Sub"])
        parsed["Statement"][0].update(changes)
        document["Fn::Sub"] = json.dumps(parsed)

    return mutate


def one_more(*path: str, **changes: Any) -> Callable[[Resources], None]:
    """Adds a statement like the last one, but for what is said."""

    def mutate(resources: Resources) -> None:
        statements = resources[path[0]]["Properties"]
        for part in path[1:]:
            statements = statements[0][part] if isinstance(statements, list) else statements[part]
        statements.append({**statements[-1], **changes})

    return mutate


def of_account(end: str) -> dict[str, Any]:
    """A condition on the source."""
    return {"ArnLike": {"aws:SourceArn": {"Fn::Sub": f"arn:aws:x:${{AWS::Region}}:${{AWS::AccountId}}:{end}"}}}


def via(service: str) -> dict[str, Any]:
    """A condition on the service that the key is used through."""
    return {"StringEquals": {"kms:ViaService": {"Fn::Sub": f"{service}.${{AWS::Region}}.amazonaws.com"}}}


DEFAULT_RULE = ("BucketEncryption", "ServerSideEncryptionConfiguration")
KEY_POLICY = ("Key", "KeyPolicy", "Statement")
ROLE_POLICY = ("SchedulerRole", "Policies", "PolicyDocument", "Statement")
FUNCTION = "ReportGeneratorFunction"

MUTANTS: dict[str, Callable[[Resources], Any]] = {
    "a table with a key of AWS's": having("TaskRuns", {"SSEEnabled": True}, "SSESpecification"),
    "a table in the clear": without("TaskRuns", "SSESpecification"),
    "a table without recovery": without("TaskRuns", "PointInTimeRecoverySpecification"),
    "a table that can be deleted": without("ScheduledTasks", "DeletionProtectionEnabled"),
    "a table that goes with the stack": not_kept("ScheduledTasks", "DeletionPolicy"),
    "a table that goes when it is replaced": not_kept("FailedTasks", "UpdateReplacePolicy"),
    "a bucket that goes with the stack": not_kept("DataBucket", "DeletionPolicy"),
    "a bucket without a block": without("DataBucket", "PublicAccessBlockConfiguration"),
    "a bucket with a public policy": having("DataBucket", False, "PublicAccessBlockConfiguration", "BlockPublicPolicy"),
    "a bucket without versions": without("ArtifactsBucket", "VersioningConfiguration"),
    "a bucket in the clear": without("ArtifactsBucket", "BucketEncryption"),
    "a bucket with a key of S3's": having("DataBucket", [{"BucketKeyEnabled": True}], *DEFAULT_RULE),
    "a bucket without a policy": lambda resources: resources.pop("DataBucketPolicy"),
    "a bucket without TLS": statement("DataBucketPolicy", "Deny"),
    "a queue without TLS": statement("ExecutionFailuresPolicy", "Deny"),
    "a queue for everybody's events": statement("ExecutionFailuresPolicy", "Allow"),
    "a queue that forgets": having("SchedulerDlq", 345_600, "MessageRetentionPeriod"),
    "a queue in the clear": without("ExecutionFailures", "KmsMasterKeyId"),
    "a queue without a policy": without_queue("AlertQueuesPolicy", "HandlerFailures"),
    "a topic in the clear": without("Alerts", "KmsMasterKeyId"),
    "a topic without a policy": lambda resources: resources.pop("AlertsPolicy"),
    "a topic without TLS": statement("AlertsPolicy", "Deny"),
    "a topic for everybody's alarms": statement("AlertsPolicy", "Allow"),
    "a key that goes with the stack": not_kept("Key", "DeletionPolicy"),
    "a key that goes when it is replaced": not_kept("Key", "UpdateReplacePolicy"),
    "a key that is never rotated": having("Key", False, "EnableKeyRotation"),
    "a key that nobody can administer": key_for(":root", Principal={"AWS": {"Ref": "SchedulerRole"}}),
    "a key that the logs may not use": key_for("logs."),
    "a key that the rule may not use": key_for("events."),
    "a key that the alarms may not use": key_for("cloudwatch."),
    "a key that Scheduler may not use": key_for("scheduler."),
    "a key for everybody's schedules": key_for("scheduler.", Condition={}),
    "a key that loses events of its rule": key_for("events.", Condition=of_account("rule/*")),
    "a key that loses events of its account": key_for(
        "events.", Condition={"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    ),
    "a key for other names of alarms": key_for("cloudwatch.", Condition=of_account("alarm:orchestrator-dev-F*")),
    "a key to decrypt with only": key_for("events.", Action=["kms:Decrypt"]),
    "a key to do everything with": key_for("events.", Action=["kms:Decrypt", "kms:GenerateDataKey", "kms:*"]),
    "a key for a service that sends nothing": one_more(*KEY_POLICY, Principal={"Service": "s3.amazonaws.com"}),
    "a role that cannot read its tables": key_through("TaskRunnerRole", "dynamodb"),
    "a role that cannot read its queues": key_through("FailureHandlerFunctionRole", "sqs"),
    "a role that cannot read its bucket": key_through(f"{FUNCTION}Role", "s3"),
    "a role that cannot write its logs": key_through("CacheWarmerFunctionRole", "logs"),
    "a role that cannot alert": key_through("WatchdogFunctionRole", "sns"),
    "a role that cannot send dead letters": key_through("SchedulerRole", "sqs"),
    "a role that can read dead letters only": key_through("SchedulerRole", "sqs", Action=["kms:Decrypt"]),
    "a role for every key": key_through("SchedulerRole", "sqs", Resource="arn:aws:kms:us-east-1:123456789012:key/*"),
    "a role that decrypts by itself": one_more(*ROLE_POLICY, Action=["kms:Decrypt"], Condition={}),
    "a role that reads what it has no use for": one_more(*ROLE_POLICY, Condition=via("s3")),
    "a role that does more than it needs": one_more(*ROLE_POLICY, Action=["kms:CreateGrant"]),
    "a machine whose events say nothing": having("TaskRunner", {"Type": "AWS_OWNED_KEY"}, "EncryptionConfiguration"),
    "a scheduler's role for strangers": trust("SchedulerRole", "StringEquals"),
    "a scheduler's role for any group": trust("SchedulerRole", "ArnEquals"),
    "a machine's role for strangers": trust("TaskRunnerRole", "StringEquals"),
    "a machine's role for any machine": trust("TaskRunnerRole", "ArnLike"),
    "a function's role for strangers": trust(f"{FUNCTION}Role", "StringEquals"),
    "a wildcard of one service": permission("FollowerFunctionRole", "sns:Publish", Action=["sns:*"]),
    "a wildcard of verbs": permission("TaskRunnerRole", "dynamodb:GetItem", Action=["dynamodb:Get*"]),
    "every topic": permission("FollowerFunctionRole", "sns:Publish", Resource="*"),
    "every function": permission("TaskRunnerRole", "lambda:InvokeFunction", Resource="*"),
    "every state machine": permission("SchedulerRole", "states:StartExecution", Resource="*"),
    "every namespace": permission("WatchdogFunctionRole", "cloudwatch:PutMetricData", Condition=None),
    "a function without traces": without(FUNCTION, "TracingConfig"),
    "a function of another architecture": having(FUNCTION, ["x86_64"], "Architectures"),
    "a function without a time-out": without(FUNCTION, "Timeout"),
    "a function whose environment is in the clear": without(FUNCTION, "KmsKeyArn"),
    "a handler that tasks can starve": without("FollowerFunction", "ReservedConcurrentExecutions"),
    "a queue that is taken from too fast": without("FailureHandlerFunctionFromSchedulerDlq", "ScalingConfig"),
    "logs of a function in the clear": without(f"{FUNCTION}Logs", "KmsKeyId"),
    "logs of mails that lose events": of_log_policy(
        Condition={"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}}
    ),
    "logs for everybody's events": of_log_policy(Resource="arn:aws:logs:us-east-1:123456789012:log-group:*:*"),
    "logs of mails in the clear": without("MailEventsLog", "KmsKeyId"),
    "logs of a function for ever": without(f"{FUNCTION}Logs", "RetentionInDays"),
    "logs of a machine in the clear": without("TaskRunnerLogs", "KmsKeyId"),
    "logs of a machine for ever": without("TaskRunnerLogs", "RetentionInDays"),
    "a machine without logs": without("TaskRunner", "LoggingConfiguration"),
    "a machine that logs nothing": having("TaskRunner", "OFF", "LoggingConfiguration", "Level"),
    "a machine that logs data": having("TaskRunner", True, "LoggingConfiguration", "IncludeExecutionData"),
    "a machine without traces": without("TaskRunner", "TracingConfiguration"),
    "a machine without a time-out": definition(lambda machine: machine.pop("TimeoutSeconds")),
    "a state without a time-out": definition(lambda machine: machine["States"]["InvokeLambda"].pop("TimeoutSeconds")),
    "a rule that is off": having("ExecutionFailuresRule", "DISABLED", "State"),
    "a rule blind to aborts": having("ExecutionFailuresRule", ["FAILED"], "EventPattern", "detail", "status"),
    "a rule that loses events": lambda resources: resources["ExecutionFailuresRule"]["Properties"]["Targets"][0].pop(
        "DeadLetterConfig"
    ),
    "a batch that fails as one": without("FailureHandlerFunctionFromSchedulerDlq", "FunctionResponseTypes"),
    "a message handed out twice": having("SchedulerDlq", 60, "VisibilityTimeout"),
    "a message for ever": without("ExecutionFailures", "RedrivePolicy"),
    "a change that is lost": without("FollowerFunctionFromTaskRuns", "DestinationConfig"),
    "a silent watchdog": having("HeartbeatAlarm", "missing", "TreatMissingData"),
    "an alarm that nobody hears": without("FailuresAlarm", "AlarmActions"),
}


def test_the_template_itself_has_no_findings(template: dict[str, Any]) -> None:
    assert inspect(template) == []


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found(name: str, template: dict[str, Any]) -> None:
    mutant = copy.deepcopy(template)
    MUTANTS[name](mutant["Resources"])
    assert len(inspect(mutant)) == 1

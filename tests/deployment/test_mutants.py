"""Templates that are wrong on purpose, each found by the invariants."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.deployment import Application
from orchestrator.settings import Stack
from tests.deployment.invariants import inspect

Resources = dict[str, Any]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return Application.of(Stack()).template


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


FUNCTION = "ReportGeneratorFunction"

MUTANTS: dict[str, Callable[[Resources], Any]] = {
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
    "a bucket without TLS": statement("DataBucketPolicy", "Deny"),
    "a queue without TLS": statement("ExecutionFailuresPolicy", "Deny"),
    "a queue for everybody's events": statement("ExecutionFailuresPolicy", "Allow"),
    "a queue that forgets": having("SchedulerDlq", 345_600, "MessageRetentionPeriod"),
    "a queue in the clear": without("ExecutionFailures", "SqsManagedSseEnabled"),
    "a scheduler's role for strangers": trust("SchedulerRole", "StringEquals"),
    "a scheduler's role for any group": trust("SchedulerRole", "ArnEquals"),
    "a machine's role for strangers": trust("TaskRunnerRole", "StringEquals"),
    "a machine's role for any machine": trust("TaskRunnerRole", "ArnLike"),
    "a function's role for strangers": trust(f"{FUNCTION}Role", "StringEquals"),
    "a wildcard of one service": permission("AlerterFunctionRole", "sns:Publish", Action=["sns:*"]),
    "a wildcard of verbs": permission("TaskRunnerRole", "dynamodb:GetItem", Action=["dynamodb:Get*"]),
    "every topic": permission("AlerterFunctionRole", "sns:Publish", Resource="*"),
    "every function": permission("TaskRunnerRole", "lambda:InvokeFunction", Resource="*"),
    "every state machine": permission("SchedulerRole", "states:StartExecution", Resource="*"),
    "every namespace": permission("TaskRunnerRole", "cloudwatch:PutMetricData", Condition=None),
    "a function without traces": without(FUNCTION, "TracingConfig"),
    "a function of another architecture": having(FUNCTION, ["x86_64"], "Architectures"),
    "a function without a time-out": without(FUNCTION, "Timeout"),
    "logs of a function for ever": without(f"{FUNCTION}Logs", "RetentionInDays"),
    "logs of a machine for ever": without("TaskRunnerLogs", "RetentionInDays"),
    "a machine without logs": without("TaskRunner", "LoggingConfiguration"),
    "a machine that logs errors only": having("TaskRunner", "ERROR", "LoggingConfiguration", "Level"),
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
    "a change that is lost": without("AlerterFunctionFromTaskRuns", "DestinationConfig"),
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

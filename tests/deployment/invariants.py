"""What must hold for a template, as one pure function; test_mutants.py shows that it misses nothing that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.deployment import invariants_of_encryption

CLOSED = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")

#: Actions that IAM allows on nothing finer than everything.
WITHOUT_RESOURCE = ("cloudwatch:PutMetricData", "dynamodb:ListStreams", "logs:", "xray:")

#: The metric whose absence is the alarm.
HEARTBEAT = "WatchdogHeartbeat"

#: The policies of resources that anybody could send requests to, and where they name these.
_POLICIES = {
    "AWS::S3::BucketPolicy": ("AWS::S3::Bucket", "Bucket"),
    "AWS::SNS::TopicPolicy": ("AWS::SNS::Topic", "Topics"),
    "AWS::SQS::QueuePolicy": ("AWS::SQS::Queue", "Queues"),
}

#: How an execution ends that nobody caught.
DIED = {"FAILED", "TIMED_OUT", "ABORTED"}


def inspect(template: dict[str, Any]) -> list[str]:
    """Findings, each with the resource that it is about; none where all is well."""
    resources = template["Resources"]
    found = [(name, finding) for name, one in resources.items() for finding in _findings(resources, one)]
    found += [*_without_policy(resources), *invariants_of_encryption.inspect(resources)]
    return [f"{name}: {finding}" for name, finding in found]


def _findings(resources: dict[str, Any], resource: dict[str, Any]) -> Iterator[str]:
    given = resource["Properties"]
    kind = resource["Type"]
    kept = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
    if kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket") and kept != ("RetainExceptOnCreate", "Retain"):
        yield "is not retained"
    if kind == "AWS::DynamoDB::Table":
        yield from _table(given)
    elif kind == "AWS::S3::Bucket":
        yield from _bucket(given)
    elif kind == "AWS::SQS::Queue":
        if given.get("MessageRetentionPeriod") != 1_209_600:
            yield "forgets messages early"
    elif kind in _POLICIES:
        yield from _resource_policy(given["PolicyDocument"]["Statement"])
    elif kind == "AWS::IAM::Role":
        yield from _role(given)
    elif kind == "AWS::Lambda::Function":
        if given.get("TracingConfig") != {"Mode": _if_traced("Active", "PassThrough")}:
            yield "is not traced as was chosen"
        if given.get("Architectures") != ["arm64"]:
            yield "does not run on what it was built for"
        if not 1 <= given.get("Timeout", 0) <= 900:
            yield "has no time-out"
    elif kind == "AWS::StepFunctions::StateMachine":
        yield from _machine(given)
    elif kind == "AWS::Logs::LogGroup":
        if not given.get("RetentionInDays"):
            yield "keeps logs for ever"
    elif kind == "AWS::Logs::ResourcePolicy":
        for statement in json.loads(given["PolicyDocument"]["Fn::Sub"])["Statement"]:
            if "Condition" in statement:
                yield "loses events without a word"
            if not re.search(r":log-group:[^*]+:\*$", statement["Resource"]):
                yield "opens more than a log group"
    elif kind == "AWS::Events::Rule":
        if given.get("State") != "ENABLED":
            yield "is off"
        of_executions = given["EventPattern"]["source"] == ["aws.states"]
        if of_executions and set(given["EventPattern"]["detail"].get("status", ())) != DIED:
            yield "does not see every way to die"
        if of_executions and any("DeadLetterConfig" not in target for target in given["Targets"]):
            yield "loses what it cannot deliver"
    elif kind == "AWS::Lambda::EventSourceMapping":
        yield from _event_source(given, resources)
    elif kind == "AWS::CloudWatch::Alarm":
        if not given.get("AlarmActions"):
            yield "wakes nobody"
        if given.get("TreatMissingData") != ("breaching" if given["MetricName"] == HEARTBEAT else "notBreaching"):
            yield "misunderstands silence"


def _if_traced(yes: Any, no: Any) -> dict[str, Any]:
    return {"Fn::If": ["ExecutionsAreTraced", yes, no]}


def _without_policy(resources: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for policy, (kind, where) in _POLICIES.items():
        named = json.dumps([one["Properties"][where] for one in resources.values() if one["Type"] == policy])
        for name, resource in resources.items():
            if resource["Type"] == kind and json.dumps({"Ref": name}) not in named:
                yield name, "has no policy that asks for TLS"


def _table(given: dict[str, Any]) -> Iterator[str]:
    if given.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
        yield "cannot be recovered"
    if not given.get("DeletionProtectionEnabled"):
        yield "can be deleted"


def _bucket(given: dict[str, Any]) -> Iterator[str]:
    if any(not given.get("PublicAccessBlockConfiguration", {}).get(name) for name in CLOSED):
        yield "is open to the public"
    if given.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "forgets what is overwritten"


def _resource_policy(statements: list[dict[str, Any]]) -> Iterator[str]:
    if not any(s["Effect"] == "Deny" and "aws:SecureTransport" in json.dumps(s.get("Condition")) for s in statements):
        yield "takes requests without TLS"
    for statement in statements:
        if statement["Effect"] == "Allow" and "aws:SourceArn" not in json.dumps(statement.get("Condition")):
            yield "serves a stranger"


def _event_source(given: dict[str, Any], resources: dict[str, Any]) -> Iterator[str]:
    if given.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "brings back what was dealt with"
    source = resources[given["EventSourceArn"]["Fn::GetAtt"][0]]
    function = resources[given["FunctionName"]["Ref"]]["Properties"]
    if not isinstance(function.get("ReservedConcurrentExecutions"), dict):
        yield "calls what tasks can starve"
    if source["Type"] == "AWS::SQS::Queue":
        if not given.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield "calls more at once than there may be"
        if source["Properties"].get("VisibilityTimeout", 30) < 6 * function.get("Timeout", 0):
            yield "hands a message out twice"
        if "RedrivePolicy" not in source["Properties"]:
            yield "never gives a message up"
    elif "OnFailure" not in given.get("DestinationConfig", {}):
        yield "loses what it gives up"


def _role(given: dict[str, Any]) -> Iterator[str]:
    (trust,) = given["AssumeRolePolicyDocument"]["Statement"]
    service = trust["Principal"].get("Service", "")
    conditions = json.dumps(trust.get("Condition", {}))
    if "aws:SourceAccount" not in conditions:
        yield "serves a stranger"
    if not service.startswith("lambda.") and "aws:SourceArn" not in conditions:
        yield "serves whatever of the account"
    for policy in given["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            if any("*" in action for action in statement["Action"]):
                yield "has a wildcard for an action"
            if statement["Resource"] == "*":
                if not all(action.startswith(WITHOUT_RESOURCE) for action in statement["Action"]):
                    yield "may act on everything"
                if "cloudwatch:PutMetricData" in statement["Action"] and "Condition" not in statement:
                    yield "publishes metrics of others"


def _machine(given: dict[str, Any]) -> Iterator[str]:
    logging = given.get("LoggingConfiguration", {})
    # An execution of a Standard machine keeps its history itself; of an Express one the log is all that there is.
    level = "ALL" if given["StateMachineType"] == "EXPRESS" else {"Ref": "LogLevel"}
    if logging.get("Level") != level or not logging.get("Destinations"):
        yield "is not logged"
    if logging.get("IncludeExecutionData"):
        yield "logs what tasks are given"
    if given.get("TracingConfiguration") != {"Enabled": _if_traced(True, False)}:
        yield "is not traced as was chosen"
    definition = json.loads(given["DefinitionString"])
    if "TimeoutSeconds" not in definition:
        yield "has no time-out"
    for name, state in definition["States"].items():
        if state["Type"] == "Task" and "TimeoutSeconds" not in state:
            yield f"{name} has no time-out"

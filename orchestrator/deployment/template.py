"""The one CloudFormation template of a stack: everything but tasks and schedules, which are data.

It is a pure function of the definitions and functions, so that it can be read and linted without AWS. It names each
function's code by a parameter, so that a change of code is no change of the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orchestrator
from orchestrator import stack as settings
from orchestrator.asl.definition import Definition
from orchestrator.deployment import (
    encryption,
    event_sources,
    mail,
    observation,
    permissions,
    policies,
    resource_policies,
    scanning,
    storage,
)
from orchestrator.deployment.alarms import alarms, heartbeat, status_rule
from orchestrator.deployment.dashboard import dashboard
from orchestrator.deployment.statements import arn, attribute, logical_id
from orchestrator.functions import Function, Table
from orchestrator.stack import FOLLOWER, Stack

#: The state machine that schedules start.
TASK_RUNNER = "TaskRunner"

#: Its Express twin, which the schedules of short tasks start.
EXPRESS_RUNNER = "ExpressRunner"

#: The state machine that runs slots of the past; every other one is a nested workflow.
BACKFILL = "Backfill"

#: The function that looks after all tasks, and is looked after by an alarm.
WATCHDOG = "watchdog"

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"


def template(
    stack: Stack,
    definitions: Mapping[str, Definition],
    functions: Sequence[Function],
    tables: Mapping[str, Table],
    buckets: Sequence[str] = (),
) -> dict[str, Any]:
    """Builds the CloudFormation template, as plain values."""
    machines = _merged(_state_machine(stack, name, definition) for name, definition in definitions.items())
    code = _merged(_function(stack, function, buckets) for function in functions)
    names = _names(machines, "AWS::StepFunctions::StateMachine", "StateMachineName")
    # Of an Express execution nobody tells.
    told = {name: machine for name, machine in names.items() if name != EXPRESS_RUNNER}
    kept = {**storage.messaging(stack), **status_rule(stack, told)}
    runners = [name for name in (TASK_RUNNER, EXPRESS_RUNNER) if name in definitions]
    queues = [name for name, resource in kept.items() if resource["Type"] == "AWS::SQS::Queue"]
    handled = [source.source.partition(":")[2] for function in functions for source in function.event_sources]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Scheduled tasks: EventBridge Scheduler decides when, TaskRunner runs, DynamoDB remembers.",
        "Parameters": _parameters(functions),
        "Conditions": {**event_sources.CONDITIONS, **observation.CONDITIONS, **permissions.CONDITIONS},
        "Resources": {
            **encryption.key(stack),
            "ArtifactsBucket": storage.artifacts_bucket(stack),
            "DataBucket": storage.data_bucket(stack),
            **storage.tables(stack, tables),
            **storage.own_buckets(stack, buckets),
            "ArtifactsBucketPolicy": resource_policies.bucket("ArtifactsBucket"),
            "DataBucketPolicy": resource_policies.bucket("DataBucket"),
            "AlertsPolicy": resource_policies.topic("Alerts", alarms=arn("cloudwatch", f"alarm:{stack.name}-*")),
            "QueuesPolicy": resource_policies.queues(("SchedulerDlq",), events=policies.rules(stack)),
            # What a subscription cannot deliver goes to HandlerFailures.
            "AlertQueuesPolicy": resource_policies.queues(("Courier", "HandlerFailures"), sns={"Ref": "Alerts"}),
            **kept,
            **mail.events(stack),
            **code,
            **machines,
            **alarms(stack, _names(code, "AWS::Lambda::Function", "FunctionName"), queues, handled),
            **({"HeartbeatAlarm": heartbeat(stack)} if any(one.name == WATCHDOG for one in functions) else {}),
            "Dashboard": dashboard(stack),
            **_schedule_groups(stack),
            "EventsRole": encryption.with_key(policies.events(stack, runners)),
            "SchedulerRole": encryption.with_key(policies.scheduler(stack, runners)),
        },
        "Outputs": {
            "EventsRoleArn": {"Value": attribute("EventsRole")},
            **_bootstrap_outputs(),
            "AlertsTopicArn": {"Value": {"Ref": "Alerts"}},
            **({"BackfillArn": {"Value": {"Ref": BACKFILL}}} if BACKFILL in definitions else {}),
            **({"ExpressRunnerArn": {"Value": {"Ref": EXPRESS_RUNNER}}} if EXPRESS_RUNNER in definitions else {}),
            "DataBucket": {"Value": {"Ref": "DataBucket"}},
            "ScheduleGroupArn": {"Value": attribute("ScheduleGroup")},
            "SchedulerDlqArn": {"Value": attribute("SchedulerDlq")},
            "SchedulerRoleArn": {"Value": attribute("SchedulerRole")},
            "TaskRunnerArn": {"Value": {"Ref": TASK_RUNNER}},
            # Of this library: a stack is not taken back to an older one.
            "Version": {"Value": orchestrator.__version__},
        },
    }


def _schedule_groups(stack: Stack) -> dict[str, Any]:
    """Returns the group of the schedules of tasks.yaml, and that of runs which applications ask for."""
    names = {"ScheduleGroup": stack.schedule_group, "OneTimeGroup": stack.one_time_group}
    return {
        logical_id: {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": name}}
        for logical_id, name in names.items()
    }


def bootstrap_template(stack: Stack) -> dict[str, Any]:
    """The stack before anything can be in it: code and template are uploaded before CloudFormation can take them."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {**encryption.key(stack), "ArtifactsBucket": storage.artifacts_bucket(stack)},
        "Outputs": _bootstrap_outputs(),
    }


def code_parameter(function: Function) -> str:
    """The parameter that is the key of a function's bundle."""
    return f"{_pascal(function.name)}Code"


def _parameters(functions: Sequence[Function]) -> dict[str, Any]:
    """The settings that a deployment chooses, and where each function's code is."""
    return {
        "MailFrom": _text_parameter("Who mail is from: an address that SES has verified.", default=""),
        "HeartbeatUrl": {
            **_text_parameter("Called when the watchdog has made a round, if there is one.", default=""),
            "AllowedPattern": "^(https://.+)?$",
        },
        **event_sources.PARAMETERS,
        **observation.PARAMETERS,
        **permissions.PARAMETERS,
        "SiteUrl": _text_parameter("What relative URLs in params are relative to.", default=""),
        **{code_parameter(function): _text_parameter("Key in the artifacts bucket.") for function in functions},
    }


def _bootstrap_outputs() -> dict[str, Any]:
    return {
        "ArtifactsBucket": {"Value": {"Ref": "ArtifactsBucket"}},
        "ArtifactsDomain": {"Value": attribute("ArtifactsBucket", "RegionalDomainName")},
    }


def _function(stack: Stack, function: Function, buckets: Sequence[str]) -> dict[str, Any]:
    logical_id = f"{_pascal(function.name)}Function"
    name = stack.function(function.name, is_task=function.is_target)
    return {
        logical_id: {
            "Type": "AWS::Lambda::Function",
            "Metadata": scanning.skipped(scanning.TASK_FUNCTION if function.is_target else scanning.FUNCTION),
            # Else Lambda makes the log group at the first call, without retention.
            "DependsOn": [f"{logical_id}Logs"],
            "Properties": {
                "FunctionName": name,
                "Runtime": RUNTIME,
                "Architectures": [ARCHITECTURE],
                "Handler": f"lambdas.{function.module}.handler",
                "Code": {"S3Bucket": {"Ref": "ArtifactsBucket"}, "S3Key": {"Ref": code_parameter(function)}},
                "MemorySize": function.memory_mb,
                "Timeout": function.timeout_seconds,
                "Role": attribute(f"{logical_id}Role"),
                "TracingConfig": observation.function_tracing(),
                "Environment": {"Variables": {**_buckets(buckets), **_environment(stack, function)}},
                **_placed(function),
                # Lambda decrypts it by a grant, so the function's role needs no more for this ("Securing Lambda
                # environment variables").
                "KmsKeyArn": encryption.key_arn(),
                **event_sources.concurrency(function),
            },
        },
        f"{logical_id}Logs": storage.log_group(f"/aws/lambda/{name}"),
        f"{logical_id}Role": encryption.with_key(policies.role(stack, "lambda", policies.function(stack, function))),
        **event_sources.mappings(logical_id, function),
    }


def _buckets(names: Sequence[str]) -> dict[str, Any]:
    """Environment variables that name the project's own buckets: ``BUCKET_EXPORTS``."""
    return {f"BUCKET_{name.upper()}": {"Ref": logical_id(name, "Bucket")} for name in names}


def _placed(function: Function) -> dict[str, Any]:
    """Returns the properties that a function has only if somebody asks for them."""
    placed: dict[str, Any] = {}
    if function.temporary_storage_mb != Function.temporary_storage_mb:
        placed["EphemeralStorage"] = {"Size": function.temporary_storage_mb}
    if function.vpc:
        subnets, groups = list(function.vpc.subnets), list(function.vpc.security_groups)
        placed["VpcConfig"] = {"SubnetIds": subnets, "SecurityGroupIds": groups}
    if function.layers:
        placed["Layers"] = list(function.layers)
    return placed


def _environment(stack: Stack, function: Function) -> dict[str, Any]:
    return {
        settings.STACK: stack.name,
        settings.DATA_BUCKET: {"Ref": "DataBucket"},
        **({settings.HEARTBEAT_URL: {"Ref": "HeartbeatUrl"}} if function.name == WATCHDOG else {}),
        **({settings.SCHEDULER_ROLE: attribute("SchedulerRole")} if function.name == FOLLOWER else {}),
        settings.IDEMPOTENCY_TABLE: {"Ref": "Idempotency"},
        settings.MAIL_FROM: {"Ref": "MailFrom"},
        settings.SITE_URL: {"Ref": "SiteUrl"},
        "POWERTOOLS_METRICS_NAMESPACE": settings.METRICS_NAMESPACE,
        "POWERTOOLS_SERVICE_NAME": function.name,
        **function.environment,
        **{name: _reference(stack, reference) for name, reference in function.secrets.items()},
    }


def _reference(stack: Stack, reference: str) -> str:
    """Returns the reference by which a function reads a secret: ``secret:`` or ``ssm:``, and a name or an ARN."""
    kind, _, name = reference.partition(":")
    if kind == "secret":
        return f"secret:{stack.secret(name)}"
    if kind == "ssm":
        return f"ssm:{stack.secret_parameter(name)}"
    return f"{'ssm' if ':ssm:' in reference else 'secret'}:{reference}"


def _state_machine(stack: Stack, name: str, definition: Definition) -> dict[str, Any]:
    own = {
        TASK_RUNNER: policies.task_runner(stack),
        EXPRESS_RUNNER: policies.express_runner(stack),
        BACKFILL: policies.backfill(stack),
    }
    is_express = name == EXPRESS_RUNNER
    logical_id = name if name in own else f"{_pascal(name)}Workflow"
    physical_name = stack.state_machine(name)
    statements = own.get(name) or policies.workflow(stack, definition.permissions)
    return {
        logical_id: {
            "Type": "AWS::StepFunctions::StateMachine",
            # It takes a time-out for a number, where JSONata's is an expression.
            "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["E3601"]}}},
            "Properties": {
                "StateMachineName": physical_name,
                "StateMachineType": "EXPRESS" if is_express else "STANDARD",
                # In ASCII: CloudFormation gives a template back with a question mark for any other character.
                "DefinitionString": definition.text,
                "RoleArn": attribute(f"{logical_id}Role"),
                "TracingConfiguration": observation.machine_tracing(),
                # Of an Express execution the log is all that there is.
                "LoggingConfiguration": observation.logging(
                    "ALL" if is_express else {"Ref": "LogLevel"}, attribute(f"{logical_id}Logs")
                ),
            },
        },
        # Step Functions shortens the policy of log groups with this prefix ("Logging using CloudWatch Logs").
        f"{logical_id}Logs": storage.log_group(f"/aws/vendedlogs/states/{physical_name}"),
        f"{logical_id}Role": encryption.with_key(
            policies.role(
                stack,
                "states",
                [*statements, policies.log_delivery()],
                ArnLike=arn("states", f"stateMachine:{physical_name}*"),
            )
        ),
    }


def _names(resources: Mapping[str, Any], kind: str, name: str) -> dict[str, str]:
    """Physical names by logical id, of the resources of a type."""
    return {key: value["Properties"][name] for key, value in resources.items() if value["Type"] == kind}


def _text_parameter(description: str, *, default: str | None = None) -> dict[str, str]:
    return {"Type": "String", "Description": description} | ({} if default is None else {"Default": default})


def _pascal(name: str) -> str:
    """``report-generator`` as a logical id, which takes letters and digits only: ``ReportGenerator``."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("_", "-").split("-"))


def _merged(parts: Any) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}

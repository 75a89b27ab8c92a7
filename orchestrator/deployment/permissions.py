"""What functions and workflows declare that they may do, as IAM statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.deployment.statements import Statement, allow, arn, attribute, logical_id, nested_execution
from orchestrator.functions import Function, Permission
from orchestrator.stack import METRICS_NAMESPACE, Stack

#: Of every table that a function may name: what follows the partition, the region and the account.
_TABLE = "table:"
_DATA_BUCKET = "data-bucket"
_MAIL = "ses"
_MAIL_WITH_EVENTS = "ses:events"
_MAIL_EVENTS = "mail-events"
_ALERTS = "alerts"
_METRICS = "metrics"
_TASK_RUNNER = "task-runner"
_WORKFLOW = "workflow:"
_BUCKET = "bucket:"
_QUEUE = "queue:"
_EVENT_BUS = "event-bus:"
_HERE = "here:"
_STATE_MACHINE = "state-machine:"
_WAKE_UPS = "wake-ups"
_PARAMETERS = "parameters:"
_SECRETS = "secrets"
_ALERT_TOPICS = "alert-topics"
_ONE_TIME_RUNS = "one-time-runs"

#: Where there are none: a policy names something, and no topic's name has a slash.
_NO_TOPIC = {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:none/none"}

#: The topics that alerts are sent on to.
PARAMETERS: Mapping[str, Any] = {
    "AlertTopics": {
        "Type": "String",
        "Description": "Topics that alerts are sent on to, with commas between; apply knows them from tasks.yaml.",
        "Default": "",
    }
}
CONDITIONS: Mapping[str, Any] = {"AlertsAreSentOn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlertTopics"}, ""]}]}}


def for_permission(stack: Stack, permission: Permission) -> list[Statement]:
    """Returns the statements of a permission. Raises ValueError for a logical resource that there is none of."""
    if permission.resource.startswith(_WORKFLOW):
        return nested_execution(stack.workflow_prefix + permission.resource.removeprefix(_WORKFLOW))
    if permission.resource == _WAKE_UPS:
        return _one_time_schedules(stack, permission.actions)
    if permission.resource == _ONE_TIME_RUNS:
        return _one_time_runs(stack, permission.actions)
    statement = _statement(stack, permission)
    own = statement.get("Condition", {})
    # What a name stands for, such as the sender of mail, cannot be widened.
    conditions = {
        operator: {**permission.conditions.get(operator, {}), **own.get(operator, {})}
        for operator in (own | dict(permission.conditions))
    }
    return [{**statement, "Effect": permission.effect, **({"Condition": conditions} if conditions else {})}]


def _one_time_runs(stack: Stack, actions: Sequence[str]) -> list[Statement]:
    """Allows what :class:`~orchestrator.stores.one_time_runs.OneTimeRuns` does: find the stack, pass on a role."""
    finding = allow("cloudformation:DescribeStacks", arn("cloudformation", f"stack/{stack.name}/*"))
    return [finding, *_one_time_schedules(stack, actions)]


def _one_time_schedules(stack: Stack, actions: Sequence[str]) -> list[Statement]:
    """Allows schedules of the group that no deployment writes into, which act as the role that all schedules have."""
    return [
        allow(actions, arn("scheduler", f"schedule/{stack.one_time_group}/*")),
        allow(
            "iam:PassRole",
            attribute("SchedulerRole"),
            StringEquals={"iam:PassedToService": "scheduler.amazonaws.com"},
        ),
    ]


def for_secrets(stack: Stack, function: Function) -> list[Statement]:
    """Statements that let a function read the secrets that it refers to, and no others."""
    found = []
    for reference in function.secrets.values():
        kind, _, name = reference.partition(":")
        if kind == "secret":
            # Secrets Manager adds a hyphen and six characters to a name.
            found.append(
                allow("secretsmanager:GetSecretValue", arn("secretsmanager", f"secret:{stack.secret(name)}-??????"))
            )
        elif kind == "ssm":
            found.append(allow("ssm:GetParameter", arn("ssm", f"parameter{stack.secret_parameter(name)}")))
        elif reference.startswith("arn:") and ":secretsmanager:" in reference:
            found.append(allow("secretsmanager:GetSecretValue", reference))
        elif reference.startswith("arn:") and ":ssm:" in reference:
            found.append(allow("ssm:GetParameter", reference))
        else:
            raise ValueError(f"{reference!r} is no secret: secret:NAME, ssm:NAME, or the ARN of a secret or parameter")
    return found


def _statement(stack: Stack, permission: Permission) -> Statement:
    resource = permission.resource
    if resource in (_MAIL, _MAIL_WITH_EVENTS):
        # The identity may be the sender's address or its domain; the address is what the condition holds on to.
        used = [arn("ses", "identity/*"), arn("ses", f"configuration-set/{stack.mail_events}")]
        return allow(
            permission.actions,
            used[0] if resource == _MAIL else used,
            StringEquals={"ses:FromAddress": {"Ref": "MailFrom"}},
        )
    if resource == _MAIL_EVENTS:
        return allow(permission.actions, arn("logs", f"log-group:{stack.mail_events_log}:*"))
    if resource == _ALERTS:
        return allow(permission.actions, {"Ref": "Alerts"})
    if resource == _TASK_RUNNER:
        return allow(permission.actions, {"Ref": "TaskRunner"})
    if resource == f"{_TASK_RUNNER}:executions":
        return allow(permission.actions, arn("states", f"execution:{stack.task_runner}:*"))
    if resource == _METRICS:
        # CloudWatch has no finer resource for metrics than all of them; the namespace is what keeps others' apart.
        return allow(permission.actions, "*", StringEquals={"cloudwatch:namespace": METRICS_NAMESPACE})
    if resource == "*" or resource.startswith("arn:"):
        return allow(permission.actions, resource)
    if resource.startswith(_BUCKET):
        name, _, keys = resource.removeprefix(_BUCKET).partition(":")
        bucket_arn = f"${{{logical_id(name, 'Bucket')}.Arn}}"
        return allow(permission.actions, {"Fn::Sub": f"{bucket_arn}/{keys}" if keys else bucket_arn})
    if resource == _DATA_BUCKET:
        return allow(permission.actions, attribute("DataBucket"))
    if resource.startswith(f"{_DATA_BUCKET}:"):
        keys = resource.removeprefix(f"{_DATA_BUCKET}:")
        return allow(permission.actions, {"Fn::Sub": f"${{DataBucket.Arn}}/{keys}"})
    if resource.startswith(_TABLE):
        table, _, rest = resource.removeprefix(_TABLE).partition("/")
        return allow(permission.actions, arn("dynamodb", f"table/{stack.table(table)}" + (f"/{rest}" if rest else "")))
    if resource.startswith(_QUEUE):
        return allow(permission.actions, attribute(resource.removeprefix(_QUEUE)))
    if resource.startswith(_STATE_MACHINE):
        name = stack.state_machine(resource.removeprefix(_STATE_MACHINE))
        return allow(permission.actions, arn("states", f"stateMachine:{name}"))
    if resource.startswith(_EVENT_BUS):
        return allow(permission.actions, arn("events", f"event-bus/{resource.removeprefix(_EVENT_BUS)}"))
    if resource.startswith(_HERE):
        service, _, named = resource.removeprefix(_HERE).partition(":")
        return allow(permission.actions, arn(service, named))
    if resource.startswith(_PARAMETERS):
        return allow(permission.actions, arn("ssm", f"parameter/{stack.name}/{resource.removeprefix(_PARAMETERS)}"))
    if resource == _SECRETS:
        return allow(permission.actions, arn("secretsmanager", f"secret:{stack.secret('*')}"))
    if resource == _ALERT_TOPICS:
        topics = {"Fn::Split": [",", {"Ref": "AlertTopics"}]}
        return allow(permission.actions, {"Fn::If": ["AlertsAreSentOn", topics, _NO_TOPIC]})
    known = (
        "an ARN, bucket:NAME, bucket:NAME:KEYS, data-bucket, data-bucket:KEYS, table:NAME, ses, ses:events,"
        " mail-events, alerts, metrics, task-runner, task-runner:executions, workflow:NAME,"
        " state-machine:NAME, queue:NAME, event-bus:NAME, here:SERVICE:RESOURCE, parameters:PATH, secrets,"
        " one-time-runs, wake-ups or alert-topics"
    )
    raise ValueError(f"{resource!r} is no resource of a permission: {known}")

"""Who may do what: IAM statements as CloudFormation writes them.

No action has a wildcard. ``Resource: "*"`` stands only where IAM knows no finer resource ("Service Authorization
Reference"), with a condition where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.errors import InvalidProject
from orchestrator.functions import EventSource, Function, Permission
from orchestrator.stack import FOLLOWER, METRICS_NAMESPACE, Stack

Statement = dict[str, Any]

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

#: X-Ray has no resources.
_TRACE_ACTIONS = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
_SAMPLING_ACTIONS = ("xray:GetSamplingRules", "xray:GetSamplingTargets")


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


def allow(actions: str | Sequence[str], resources: Any, **conditions: Mapping[str, Any]) -> Statement:
    """A statement; ``conditions`` map an operator to its keys: ``StringEquals={"aws:SourceAccount": …}``."""
    listed = [actions] if isinstance(actions, str) else list(actions)
    statement: Statement = {"Effect": "Allow", "Action": listed, "Resource": resources}
    return statement | ({"Condition": conditions} if conditions else {})


def arn(service: str, resource: str) -> dict[str, str]:
    """The ARN of something of this account in this region, where no resource of the template has it."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"}


def attribute(logical_id: str, name: str = "Arn") -> dict[str, list[str]]:
    """An attribute of a resource of the template."""
    return {"Fn::GetAtt": [logical_id, name]}


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
            "AssumeRolePolicyDocument": _document([trust]),
            "Policies": [{"PolicyName": "permissions", "PolicyDocument": _document(statements)}],
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
            allow("states:StartExecution", _one_or_all([{"Ref": name} for name in runners])),
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
    starting = allow("states:StartExecution", _one_or_all([{"Ref": name} for name in runners]))
    return role(stack, "events", [starting], ArnLike=rules(stack))


def rules(stack: Stack) -> list[dict[str, str]]:
    """The ARNs of the rules that start tasks: on the default bus, and on any other."""
    return [arn("events", f"rule/{bus}{stack.rule_prefix}*") for bus in ("", "*/")]


def backfill(stack: Stack) -> list[Statement]:
    """Statements for Backfill: it starts TaskRunner and executions of itself, and waits for them."""
    return [*_nested_execution(stack.task_runner, stack.backfill), *tracing(_TRACE_ACTIONS + _SAMPLING_ACTIONS)]


def task_runner(stack: Stack) -> list[Statement]:
    """Statements for what TaskRunner's states do, and nothing else. A transaction needs those of its writes."""
    nested = stack.workflow_prefix
    return [
        allow(("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"), attribute("ScheduledTasks")),
        allow(("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"), attribute("TaskRuns")),
        allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function_prefix}*")),
        *_nested_execution(f"{nested}*"),
        # A run stops another, and looks whether it has stopped, where a task's overlap policy says so.
        allow(("states:DescribeExecution", "states:StopExecution"), arn("states", f"execution:{stack.task_runner}:*")),
        *tracing(_TRACE_ACTIONS + _SAMPLING_ACTIONS),
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
        *tracing(_TRACE_ACTIONS + _SAMPLING_ACTIONS),
    ]


def workflow(stack: Stack, permissions: Sequence[Permission]) -> list[Statement]:
    """Statements for a nested workflow: it calls the task functions, and does what it declares."""
    return [
        allow("lambda:InvokeFunction", arn("lambda", f"function:{stack.function_prefix}*")),
        *(statement for permission in permissions for statement in _declared(stack, permission)),
        *tracing(_TRACE_ACTIONS + _SAMPLING_ACTIONS),
    ]


def _nested_execution(*patterns: str) -> list[Statement]:
    """Statements that allow to start, await and stop executions of the state machines of these names."""
    return [
        allow("states:StartExecution", _one_or_all([arn("states", f"stateMachine:{name}") for name in patterns])),
        # Start takes a state machine, these two an execution ("Start workflow executions from a task state").
        allow(
            ("states:DescribeExecution", "states:StopExecution"),
            _one_or_all([arn("states", f"execution:{name}:*") for name in patterns]),
        ),
        # How Step Functions learns that a nested execution has ended (the same page).
        allow(
            ("events:DescribeRule", "events:PutRule", "events:PutTargets"),
            arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),
        ),
    ]


def _one_or_all(resources: list[Any]) -> Any:
    return resources[0] if len(resources) == 1 else resources


def log_delivery() -> Statement:
    """A statement that lets Step Functions log a state machine's history."""
    return allow(_LOG_DELIVERY_ACTIONS, "*")


def function(stack: Stack, function: Function) -> list[Statement]:
    """Statements for what a function declares, its own logs and its traces. Raises InvalidProject."""
    try:
        declared = [statement for permission in function.permissions for statement in _declared(stack, permission)]
        declared += _references(stack, function)
    except ValueError as fault:
        raise InvalidProject([f"{function.name}: {fault}"]) from fault
    group = f"log-group:/aws/lambda/{stack.function(function.name, is_task=function.is_target)}:*"
    return [
        allow(("logs:CreateLogStream", "logs:PutLogEvents"), arn("logs", group)),
        *tracing(_TRACE_ACTIONS),
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


def queues(logical_ids: Sequence[str], **senders: Any) -> dict[str, Any]:
    """What refuses requests without TLS to queues, and lets ``senders`` send to them: ARNs of rules or topics, by the
    name of their service (``events=…``, ``sns=…``).
    """
    arns = [attribute(logical_id) for logical_id in logical_ids]
    sending = [
        {
            **allow("sqs:SendMessage", arns, **_from(sender)),
            "Principal": {"Service": f"{service}.amazonaws.com"},
        }
        for service, sender in senders.items()
    ]
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": logical_id} for logical_id in logical_ids],
            "PolicyDocument": _document([*sending, _tls_only("sqs:*", arns)]),
        },
    }


def _from(source: Any) -> dict[str, Any]:
    """The condition that a request is made for a resource, or for one of several patterns."""
    return {"ArnLike" if isinstance(source, list) else "ArnEquals": {"aws:SourceArn": source}}


def topic(logical_id: str, *, alarms: Any) -> dict[str, Any]:
    """The policy of a topic: it lets ``alarms``, a pattern of ARNs, publish, and denies publishing without TLS.

    A role needs no statement here, since its own policy lets it publish; an alarm has no role. SNS refuses a policy
    with "sns:*", because not all of those actions apply to topics.
    """
    arn_ = {"Ref": logical_id}
    telling = {
        **allow("sns:Publish", arn_, ArnLike={"aws:SourceArn": alarms}),
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
    }
    return {
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [arn_],
            "PolicyDocument": _document([telling, _tls_only("sns:Publish", [arn_])]),
        },
    }


def bucket(logical_id: str) -> dict[str, Any]:
    """A bucket policy that refuses requests without TLS."""
    arn_ = attribute(logical_id)
    objects = {"Fn::Sub": f"${{{logical_id}.Arn}}/*"}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": {"Ref": logical_id},
            "PolicyDocument": _document([_tls_only("s3:*", [arn_, objects])]),
        },
    }


def _tls_only(action: str, resources: Sequence[Any]) -> Statement:
    """A refusal, so that it names every action."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def bucket_id(name: str) -> str:
    """The logical id of a bucket of the project's own."""
    return "".join(part.capitalize() for part in name.split("-")) + "Bucket"


def tracing(actions: Sequence[str]) -> list[Statement]:
    return [allow(actions, "*")]


def _declared(stack: Stack, permission: Permission) -> list[Statement]:
    """Raises ValueError for a logical resource that there is none of."""
    if permission.resource.startswith(_WORKFLOW):
        return _nested_execution(stack.workflow_prefix + permission.resource.removeprefix(_WORKFLOW))
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


def _references(stack: Stack, function: Function) -> list[Statement]:
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


#: "Giving Lambda functions access to resources in an Amazon VPC": none of these has a resource that is known before.
_INTERFACE_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


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
        bucket_arn = f"${{{bucket_id(name)}.Arn}}"
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
        " state-machine:NAME, queue:NAME, event-bus:NAME, parameters:PATH, secrets, one-time-runs,"
        " wake-ups or alert-topics"
    )
    raise ValueError(f"{resource!r} is no resource of a permission: {known}")


def _document(statements: Iterable[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}

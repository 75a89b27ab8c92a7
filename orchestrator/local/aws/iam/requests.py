"""What a request asks for in IAM's words: actions, and the resource of each ("Service Authorization Reference")."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote

from moto.core.exceptions import ServiceException

from orchestrator.local.aws.iam.conditions import Context


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One action on one resource, and what conditions may ask about it."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict, hash=False)


#: Where IAM's prefix is not the name that the service signs with.
_PREFIXES = {"awslambda": "lambda", "monitoring": "cloudwatch", "email": "ses", "stepfunctions": "states"}

#: Of EventBridge, on a rule.
_OF_RULES = frozenset(
    {"DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTargetsByRule", "PutRule", "PutTargets"}
    | {"RemoveTargets"}
)

_TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def permissions(response: Any) -> Iterator[Permission]:
    """Yields the permissions that a request needs which moto is about to answer (a `BaseResponse`)."""
    service = _PREFIXES.get(response.service_name, response.service_name)
    action = response._get_action()
    body = _body(response)
    account, region = response.current_account, response.region
    if service == "dynamodb":
        yield from _dynamodb(action, body, f"arn:aws:dynamodb:{region}:{account}:table/")
    elif service == "lambda":
        name = response.uri_match.get("FunctionName") or "".join(response.path.split("/")[3:4])
        yield Permission(
            action="lambda:InvokeFunction" if action.startswith("Invoke") else f"lambda:{action}",
            resource=_lambda_arn(name, region, account) if name else "*",
        )
    elif service == "cloudwatch":
        yield Permission(action=f"cloudwatch:{action}", context={"cloudwatch:namespace": _namespace(response, body)})
    elif service == "ses":
        _, sender = parseaddr(response._get_param("Source") or "")
        identity = f"arn:aws:ses:{region}:{account}:identity/{sender}"
        context = {"ses:FromAddress": sender}
        yield Permission(action=f"ses:{action}", resource=identity, context=context)
        if name := response._get_param("ConfigurationSetName"):
            events = f"arn:aws:ses:{region}:{account}:configuration-set/{name}"
            yield Permission(action=f"ses:{action}", resource=events, context=context)
    elif service == "events" and action in ("DescribeEventBus", "PutEvents"):
        for bus in {str(one) for one in _buses(action, body)}:
            arn = bus if bus.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{bus}"
            yield Permission(action=f"events:{action}", resource=arn)
    elif service == "events" and action in _OF_RULES:
        yield from _rules(action, body, f"arn:aws:events:{region}:{account}:rule/")
    elif service == "batch":
        yield from _batch(response, action, body)
    elif service == "ecs":
        yield from _ecs(response, action, body)
    elif service == "glue" and (job := body.get("JobName")):
        yield Permission(action=f"glue:{action}", resource=f"arn:aws:glue:{region}:{account}:job/{job}")
    elif service == "scheduler":
        yield from _scheduler(response, action, body)
    elif service == "cloudformation":
        name = str(response._get_param("StackName") or "*")
        stack = name if name.startswith("arn:") else f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"
        yield Permission(action=f"cloudformation:{action}", resource=stack)
    else:
        yield Permission(action=f"{service}:{action}", resource=_resource(response, body))


def _body(response: Any) -> Mapping[str, Any]:
    """The request's parameters where they are JSON; moto has parsed some services' already."""
    if isinstance(response.body, dict):
        return response.body
    try:
        parsed = json.loads(response.body)
    except (TypeError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _dynamodb(action: str, body: Mapping[str, Any], prefix: str) -> Iterator[Permission]:
    if action == "TransactWriteItems":
        for entry in body["TransactItems"]:
            kind, operation = next(iter(entry.items()))
            yield Permission(action=f"dynamodb:{_TRANSACTION_ACTIONS[kind]}", resource=prefix + operation["TableName"])
    elif action == "TransactGetItems":
        for entry in body["TransactItems"]:
            yield Permission(action="dynamodb:GetItem", resource=prefix + entry["Get"]["TableName"])
    elif action.startswith("Batch"):
        for table in body["RequestItems"]:
            yield Permission(action=f"dynamodb:{action}", resource=prefix + table)
    else:
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        yield Permission(action=f"dynamodb:{action}", resource=prefix + body.get("TableName", "*") + index)


def _buses(action: str, body: Mapping[str, Any]) -> list[Any]:
    """The buses of EventBridge that a request names; one that is not named is the default bus."""
    if action == "DescribeEventBus":
        return [body.get("Name") or "default"]
    return [entry.get("EventBusName") or "default" for entry in body.get("Entries", [])]


def _rules(action: str, body: Mapping[str, Any], prefix: str) -> Iterator[Permission]:
    """Rules, and the roles that their targets are started with."""
    bus = str(body.get("EventBusName") or "default").rpartition("/")[2]
    rule = body.get("Rule") or body.get("Name") or "*"
    named = rule if bus == "default" else f"{bus}/{rule}"
    yield Permission(action=f"events:{action}", resource=prefix + named)
    roles = {body.get("RoleArn"), *(target.get("RoleArn") for target in body.get("Targets", []))}
    for role in sorted(role for role in roles if role):
        passed_to = {"iam:PassedToService": "events.amazonaws.com"}
        yield Permission(action="iam:PassRole", resource=role, context=passed_to)


#: moto has them in small letters, as the path of a request has.
_OF_BATCH = {name.lower(): name for name in ("DescribeJobs", "SubmitJob", "TerminateJob")}


def _batch(response: Any, action: str, body: Mapping[str, Any]) -> Iterator[Permission]:
    """Jobs, and what they are submitted to and made of; a definition of which no revision is named is its latest."""
    here = f"arn:aws:batch:{response.region}:{response.current_account}"
    name = f"batch:{_OF_BATCH.get(action, action)}"
    if action == "submitjob":
        found = response.batch_backend.get_job_definition(str(body.get("jobDefinition")))
        named = f"{here}:job-definition/{body.get('jobDefinition')}"
        yield Permission(action=name, resource=found.arn if found else named)
        yield Permission(action=name, resource=f"{here}:job-queue/{str(body.get('jobQueue')).rpartition('/')[2]}")
    else:
        yield Permission(action=name, resource=f"{here}:job/{body['jobId']}" if "jobId" in body else "*")


def _ecs(response: Any, action: str, body: Mapping[str, Any]) -> Iterator[Permission]:
    """Tasks and their definitions; a definition of which no revision is named is its latest."""
    here = f"arn:aws:ecs:{response.region}:{response.current_account}"
    cluster = str(body.get("cluster") or "default").rpartition("/")[2]
    context = {"ecs:cluster": f"{here}:cluster/{cluster}"}
    if action == "RunTask":
        found = _task_definition(response, str(body.get("taskDefinition")))
        named = f"{here}:task-definition/{body.get('taskDefinition')}"
        yield Permission(action="ecs:RunTask", resource=found.arn if found else named, context=context)
        passed_to = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        passed = {getattr(found, name, None) for name in ("task_role_arn", "execution_role_arn")}
        for role in sorted(role for role in passed if role):
            yield Permission(action="iam:PassRole", resource=role, context=passed_to)
    else:
        tasks = [body["task"]] if "task" in body else body.get("tasks") or []
        for task in {f"{here}:task/{cluster}/{str(one).rpartition('/')[2]}" for one in tasks} or {"*"}:
            yield Permission(action=f"ecs:{action}", resource=task, context=context)


def _task_definition(response: Any, named: str) -> Any:
    try:
        return response.ecs_backend.describe_task_definition(named)
    except ServiceException:
        return None


def _scheduler(response: Any, action: str, body: Mapping[str, Any]) -> Iterator[Permission]:
    """Schedules are named in the path, and their group elsewhere. To list them there is no finer resource than all."""
    kind, _, named = unquote(response.path).strip("/").partition("/")
    here = f"arn:aws:scheduler:{response.region}:{response.current_account}"
    if kind == "tags":
        resource = named
    elif not named:
        resource = "*"
    elif kind == "schedules":
        group = body.get("GroupName") or response.querystring.get("groupName", ["default"])[0]
        resource = f"{here}:schedule/{group}/{named}"
    else:
        resource = f"{here}:schedule-group/{named}"
    yield Permission(action=f"scheduler:{action}", resource=resource)
    if role := body.get("Target", {}).get("RoleArn"):
        passed_to = {"iam:PassedToService": "scheduler.amazonaws.com"}
        yield Permission(action="iam:PassRole", resource=role, context=passed_to)


def s3_permissions(response: Any, bucket: str | None, key: str | None) -> Iterator[Permission]:
    """Yields the permissions that a request to S3 needs; moto has found its bucket and key."""
    action = response.data.get("Action")
    if action == "DeleteObject" and key is None:
        body = response.body.decode() if isinstance(response.body, bytes) else response.body
        for one in re.findall(r"<Object>(.*?)</Object>", body, re.DOTALL):
            named = re.search(r"<Key>(.*?)</Key>", one, re.DOTALL)
            version = "Version" if "<VersionId>" in one else ""
            yield _of_s3(f"DeleteObject{version}", f"{bucket}/{html.unescape(named[1]) if named else ''}")
    elif action:
        yield _of_s3(action, f"{bucket}/{key}" if key else f"{bucket}")
    if (
        action == "GetObject"
        and bucket in response.backend.buckets
        and key not in response.backend.buckets[bucket].keys
    ):
        # "If you have the s3:ListBucket permission on the bucket, Amazon S3 returns an HTTP status code 404 (Not Found)
        # error. If you don't […], 403" ("GetObject").
        yield _of_s3("ListBucket", f"{bucket}")


def _of_s3(action: str, resource: str) -> Permission:
    return Permission(action=f"s3:{action}", resource=f"arn:aws:s3:::{resource}")


def _secret(response: Any, named: str) -> str:
    """A secret's ARN ends in six characters that nobody can know before."""
    secrets = response.backend.secrets if hasattr(response, "backend") else {}
    arn = next((one.arn for one in secrets.values() if named in (one.arn, one.name)), None)
    return arn or f"arn:aws:secretsmanager:{response.region}:{response.current_account}:secret:{named}-000000"


def _lambda_arn(name: str, region: str, account: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"


def _namespace(response: Any, body: Mapping[str, Any]) -> str:
    return str(body.get("Namespace") or response._get_param("Namespace") or "")


def _resource(response: Any, body: Mapping[str, Any]) -> str:
    """The ARN that the request itself names, or ``*``."""
    # "Step Functions uses the state machine's ARN instead of using the version ARN or alias ARN"
    # ("Authorization for versions and aliases in Step Functions workflows").
    routed: Mapping[str, Any] = next(iter(body.get("routingConfiguration", [])), {})
    for name in ("stateMachineArn", "stateMachineAliasArn", "stateMachineVersionArn"):
        if value := body.get(name) or routed.get(name):
            return ":".join(str(value).split(":")[:7])
    for name in ("executionArn", "TopicArn", "ResourceArn"):
        if value := body.get(name) or response._get_param(name):
            return str(value)
    here = f"{response.region}:{response.current_account}"
    if queue := body.get("QueueUrl"):
        return f"arn:aws:sqs:{here}:{queue.rsplit('/', 1)[-1]}"
    if queue := body.get("QueueName"):
        return f"arn:aws:sqs:{here}:{queue}"
    if response.service_name == "ssm" and (named := body.get("Path") or body.get("Name")):
        return f"arn:aws:ssm:{here}:parameter{named}"
    if secret := body.get("SecretId"):
        return _secret(response, str(secret))
    if key := body.get("KeyId"):
        return f"arn:aws:kms:{here}:key/{key.rpartition('/')[2]}"
    if group := body.get("logGroupName"):
        return f"arn:aws:logs:{here}:log-group:{group}:log-stream:{body.get('logStreamName', '')}"
    return "*"

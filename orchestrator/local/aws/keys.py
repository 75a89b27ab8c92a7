"""KMS: what is encrypted with a key is for those who may use the key.

moto encrypts nothing, so a role could read what on AWS it could not decrypt. Here a request for something encrypted
needs the permission of its key, too, through the service that is asked; and a rule of EventBridge, which has no role,
reaches an encrypted queue only if the key's own policy lets it, and a log group only if a policy of the logs does.
Beside that moto keeps a key's policy and its tags as they stand in a template, where all else wants text and KMS's own
words, cannot update a key, and does not find the key of a log group in one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key
from moto.logs.models import LogGroup

from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_DECRYPT = ("kms:Decrypt",)
_ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")

#: What a caller must be allowed with the key of what it acts on ("DynamoDB encryption at rest usage notes", "Amazon SQS
#: Key management", "Managing Amazon SNS encryption keys and costs", "Encrypt log data in CloudWatch Logs using AWS Key
#: Management Service", "Using server-side encryption with AWS KMS keys").
NEEDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem",
            "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:PutItem",
            "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
        ),
        _DECRYPT,
    ),
    "logs:FilterLogEvents": _DECRYPT,
    "logs:PutLogEvents": (
        *_ENCRYPT, "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"
    ),
    "secretsmanager:GetSecretValue": _DECRYPT,
    "ssm:GetParameter": _DECRYPT,
    "ssm:GetParametersByPath": _DECRYPT,
    "ssm:PutParameter": ("kms:Encrypt",),
    "s3:GetObject": _DECRYPT,
    "s3:PutObject": _ENCRYPT,
    "sns:Publish": _ENCRYPT,
    "sqs:ReceiveMessage": _DECRYPT,
    "sqs:SendMessage": _ENCRYPT,
}  # fmt: skip


def permissions(wanted: Permission) -> Iterator[Permission]:
    """Yields the permissions on a key that ``wanted`` needs, if its resource is encrypted with the account's key."""
    actions = NEEDED.get(wanted.action, ())
    key = key_of(wanted.resource) if actions and wanted.resource != "*" else None
    if key is None:
        return
    region = key.split(":")[3]
    via = {"kms:ViaService": f"{wanted.action.partition(':')[0]}.{region}.amazonaws.com"}
    for action in actions:
        yield Permission(action=action, resource=key, context=via)


def serves(key_arn: str, service: str, source_arn: str) -> bool:
    """Whether the key's policy lets a service encrypt in its own name for what has the ARN ``source_arn``."""
    _, _, _, region, account, name = key_arn.split(":", 5)
    policy = get_backend("kms")[account][region].keys[name.removeprefix("key/")].policy
    return _lets(json.loads(policy), service, _ENCRYPT, key_arn, _source(service, account, source_arn))


def takes_from_rules(region: str, account: str, log_group: str) -> bool:
    """Whether a resource policy of CloudWatch Logs lets EventBridge write to the log group."""
    arn = f"arn:aws:logs:{region}:{account}:log-group:{log_group}:log-stream:any"
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    policies = get_backend("logs")[account][region].resource_policies.values()
    return any(_lets(json.loads(one.policy_document), "events", actions, arn, {}) for one in policies)


def _source(service: str, account: str, source_arn: str) -> dict[str, str]:
    """What a service says of whom it acts for: EventBridge nothing, so that a condition on it never holds, and SNS
    nothing that a page of AWS's promises.
    """
    return {} if service in ("events", "sns") else {"aws:SourceAccount": account, "aws:SourceArn": source_arn}


def _lets(
    document: Mapping[str, Any], service: str, actions: Iterable[str], resource: str, context: Mapping[str, str]
) -> bool:
    """Whether one statement allows a service all of the actions."""
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement["Principal"], Mapping)
        and f"{service}.amazonaws.com" in _listed(statement["Principal"].get("Service", []))
        and set(actions) <= set(_listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(
            key in context and any(fnmatchcase(context[key], pattern) for pattern in _listed(patterns))
            for condition in statement.get("Condition", {}).values()
            for key, patterns in condition.items()
        )
        for statement in document["Statement"]
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def key_of(arn: str) -> str | None:
    """The ARN of the customer's key that a resource is encrypted with."""
    _, _, service, region, account, name = arn.split(":", 5)
    backends = get_backend(service)
    if service == "s3":
        bucket = backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.get(name.partition("/")[0])
        rule = ((bucket and bucket.encryption) or {}).get("Rule", {})
        named = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    else:
        backend = backends[account][region]
        if service == "dynamodb":
            table = backend.tables.get(name.split("/")[1])
            named = ((table and table.sse_specification) or {}).get("KMSMasterKeyId")
        elif service == "logs":
            named = getattr(backend.groups.get(name.split(":")[1]), "kms_key_id", None)
        elif service == "ssm":
            named = _key_of_parameters(backend, account, region, f"/{name.removeprefix('parameter/')}")
        elif service == "secretsmanager":
            secret = next((one for one in backend.secrets.values() if one.arn == arn), None)
            named = _resolved(getattr(secret, "kms_key_id", None), account, region)
        elif service == "sns":
            named = getattr(backend.topics.get(arn), "kms_master_key_id", None)
        else:
            named = getattr(backend.queues.get(name), "kms_master_key_id", None)
    return named if named and not _is_of_aws(named) else None


def _key_of_parameters(backend: Any, account: str, region: str, name: str) -> str | None:
    """Returns the key of a parameter, or of any of the parameters below a path."""
    for one, versions in backend._parameters.items():
        if (one == name or one.startswith(f"{name}/")) and versions[-1].parameter_type == "SecureString":
            return _resolved(versions[-1].keyid, account, region)
    return None


def _resolved(named: str | None, account: str, region: str) -> str | None:
    """The ARN of a key that goes by an alias; None where AWS's own is used."""
    if not named or named.startswith("alias/aws/"):
        return None
    keys = get_backend("kms")[account][region].keys.values()
    return next((key.arn for key in keys if named in (key.arn, key.id) or named in key.aliases), None)


def _is_of_aws(key_arn: str) -> bool:
    """Whether AWS manages the key, which then lets everybody of the account use it through its service."""
    _, _, _, region, account, name = key_arn.split(":", 5)
    key = get_backend("kms")[account][region].keys.get(name.removeprefix("key/"))
    return key is None or any(alias.startswith("alias/aws/") for alias in key.aliases)


def _of_template(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a key's properties with its policy as text, and its tags in the words of KMS."""
    properties = given["Properties"]
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])]
    return {**given, "Properties": {**properties, "KeyPolicy": json.dumps(properties["KeyPolicy"]), "Tags": tags}}


def install(aws: Aws) -> None:
    """Makes keys and log groups as CloudFormation's templates declare them.

    Roles ask :func:`permissions`; rules ask :func:`serves` and :func:`takes_from_rules`.
    """
    create_key, create_group = Key.create_from_cloudformation_json, LogGroup.create_from_cloudformation_json

    @replaces(Key, "create_from_cloudformation_json", digest="36483ab9d98f")
    def create(resource_name: str, cloudformation_json: Any, *arguments: Any, **named: Any) -> Any:
        return create_key(resource_name, _of_template(cloudformation_json), *arguments, **named)

    @replaces(Key, "update_from_cloudformation_json", digest="ed9a4410caaa")
    def update(original_resource: Any, cloudformation_json: Any, **_: Any) -> Any:
        given = _of_template(cloudformation_json)["Properties"]
        original_resource.policy, original_resource.description = given["KeyPolicy"], given["Description"]
        backend = get_backend("kms")[original_resource.account_id][original_resource.region]
        backend.tagger.delete_all_tags_for_resource(original_resource.id)
        backend.tagger.tag_resource(original_resource.id, given["Tags"])
        return original_resource

    @replaces(LogGroup, "create_from_cloudformation_json", digest="deb66d378397")
    def create_log_group(*arguments: Any, **named: Any) -> Any:
        group = create_group(*arguments, **named)
        group.kms_key_id = arguments[1]["Properties"].get("KmsKeyId")
        return group

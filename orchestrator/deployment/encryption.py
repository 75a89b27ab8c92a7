"""The stack's own KMS key: what everything that keeps data is encrypted with, and who may use it through what.

Three parties must agree, else what is encrypted cannot be read: a resource names the key, the key's policy lets in the
services that act in their own name, and a role may use the key through the service that it calls. The first is said
where the resource is, the second by :func:`key`, the third by :func:`with_key`, from what the role is allowed to call.

State machines are not encrypted with it, although "Data at rest encryption in Step Functions" offers that: AWS's own
key encrypts them anyway, and with this one the events of executions that died would lack input, error and cause, which
is all that the failure handler has to tell by whose slot it was. What they work on is in the tables and the bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.deployment.statements import Statement, allow, arn, attribute
from orchestrator.stack import Stack

_READ = ("kms:Decrypt",)

#: A service that makes a data key decrypts it, too, to see that it can ("Amazon SQS Key management").
_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")

#: "Encrypt log data in CloudWatch Logs using AWS Key Management Service", with its wildcards spelt out.
_LOG = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)

#: What a caller needs of the key, by what it calls; the first pattern counts. DynamoDB decrypts a table's own key for
#: whoever reads or writes it ("DynamoDB encryption at rest usage notes"). S3 also decrypts while an object is uploaded
#: in parts ("Using server-side encryption with AWS KMS keys"). What is not here does not touch what is encrypted.
_NEEDED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("dynamodb:Describe*", ()),
    ("dynamodb:List*", ()),
    ("dynamodb:*", _READ),
    ("logs:PutLogEvents", _LOG),
    ("logs:FilterLogEvents", _READ),
    ("secretsmanager:GetSecretValue", _READ),
    ("ssm:Get*", _READ),
    ("s3:GetObject", _READ),
    ("s3:PutObject", _WRITE),
    ("sns:Publish", _WRITE),
    ("sqs:ReceiveMessage", _READ),
    ("sqs:SendMessage", _WRITE),
)

#: Queues are asked all day whether there is a message, and KMS is asked, and paid, each time that this has passed.
DATA_KEY_REUSE_SECONDS = 3600


def key(stack: Stack) -> dict[str, Any]:
    """The key and its alias. It stays when the stack is deleted, because so does what is encrypted with it."""
    return {
        "Key": {
            "Type": "AWS::KMS::Key",
            "DeletionPolicy": "RetainExceptOnCreate",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": f"What {stack.name} keeps.",
                "EnableKeyRotation": True,
                "PendingWindowInDays": 30,
                "KeyPolicy": {"Version": "2012-10-17", "Statement": list(_key_policy(stack))},
            },
        },
        "KeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": f"alias/{stack.name}", "TargetKeyId": {"Ref": "Key"}},
        },
    }


def key_arn() -> Any:
    """The key, as every resource names it."""
    return attribute("Key")


def with_key(role: dict[str, Any]) -> dict[str, Any]:
    """The role, and what it needs of the key to do what it may do."""
    (policy,) = role["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    document = {**policy["PolicyDocument"], "Statement": [*statements, *_through_services(statements)]}
    return {**role, "Properties": {**role["Properties"], "Policies": [{**policy, "PolicyDocument": document}]}}


def _through_services(statements: Iterable[Statement]) -> list[Statement]:
    """A statement for each service that decrypts or encrypts for its caller; the caller itself can do neither."""
    services: dict[str, set[str]] = {}
    for statement in statements:
        for action in statement["Action"]:
            if needed := _needed(action):
                services.setdefault(action.partition(":")[0], set()).update(needed)
    return [
        allow(sorted(actions), key_arn(), StringEquals={"kms:ViaService": _endpoint(service)})
        for service, actions in sorted(services.items())
    ]


def _needed(action: str) -> tuple[str, ...]:
    return next((needed for pattern, needed in _NEEDED if fnmatchcase(action, pattern)), ())


def _endpoint(service: str) -> dict[str, str]:
    return {"Fn::Sub": f"{service}.${{AWS::Region}}.amazonaws.com"}


def _key_policy(stack: Stack) -> Iterable[dict[str, Any]]:
    """Statements that say who may use the key. ``*`` stands for the key itself: it is the key's own policy."""
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    # Without it nobody could change this policy any more, and no role's own policy would count ("Default key policy").
    yield {
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
        "Action": "kms:*",
        "Resource": "*",
    }
    groups = (f"/aws/lambda/{stack.name}-*", f"/aws/vendedlogs/states/{stack.name}-*", stack.mail_events_log)
    yield _service(
        _endpoint("logs"),
        (*_LOG, "kms:DescribeKey"),
        ArnLike={"kms:EncryptionContext:aws:logs:arn": [arn("logs", f"log-group:{group}") for group in groups]},
    )
    # The rule sends to the queue, and to the one behind it, in its own name ("Amazon SQS Key management"). Conditions
    # on the source are "not supported for EventBridge-to-encrypted topics" ("Managing Amazon SNS encryption keys and
    # costs"): nothing would arrive, and nobody be told. Which rule may send is said by the queue's own policy.
    yield _service("events.amazonaws.com", _WRITE)
    # Alarms tell the topic ("Managing Amazon SNS encryption keys and costs").
    yield _service(
        "cloudwatch.amazonaws.com",
        _WRITE,
        StringEquals=account,
        ArnLike={"aws:SourceArn": arn("cloudwatch", f"alarm:{stack.name}-*")},
    )
    # The topic sends to the queue of the courier, and to the one behind it ("Configuring Amazon SNS topic encryption
    # with specific Amazon SQS queue subscriptions", which has no condition); which topic may, the queues' policy says.
    yield _service("sns.amazonaws.com", _WRITE)
    # It sends dead letters with the schedules' role, and asks for this as well ("Troubleshooting Amazon EventBridge
    # Scheduler"), without saying what the source would be.
    yield _service("scheduler.amazonaws.com", _WRITE, StringEquals=account)


def _service(principal: Any, actions: Sequence[str], **conditions: Any) -> dict[str, Any]:
    return {**allow(actions, "*", **conditions), "Principal": {"Service": principal}}

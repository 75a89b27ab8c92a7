"""Tables, buckets, queues, the topic and log groups: what keeps something, encrypted with the stack's own key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.deployment import encryption, resource_policies, scanning
from orchestrator.deployment.statements import logical_id
from orchestrator.functions import Table
from orchestrator.stack import DUE_INDEX, STATUS_INDEX, Stack

#: What was kept stays when its resource leaves the template or the stack is deleted; a resource whose very creation is
#: rolled back goes, so that the next attempt finds its name free.
_KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}

TABLE = "AWS::DynamoDB::Table"

_LOG_RETENTION_DAYS = 90

#: A message stays as long as SQS allows: somebody has to see it.
_RETENTION_SECONDS = 14 * 86_400

#: Of a message that its handler has: six times as long as the handler may take ("Using Lambda with Amazon SQS").
_VISIBILITY_SECONDS = 360

#: Then it is the message that is at fault, and no passing trouble of its handler.
_RECEIVED_AT_MOST = 5


def tables(stack: Stack, own: Mapping[str, Table]) -> dict[str, Any]:
    """The project's tables, and the functions' ``own``."""
    return {
        "ScheduledTasks": _table(
            stack.tasks_table,
            "taskId",
            indexes={DUE_INDEX: ("shard", "nextRun")},
            # Whoever is due is read afterwards; and a run, which changes the record twice, changes no key.
            projection="KEYS_ONLY",
            numbers=("shard",),
        ),
        "TaskRuns": _table(
            stack.runs_table, "taskId", "slot", indexes={STATUS_INDEX: ("status", "slot")}, expiry="ttl", stream=True
        ),
        "FailedTasks": _table(stack.failed_tasks_table, "messageId"),
        "Incidents": _table(stack.incidents_table, "incident", expiry="ttl"),
        "Limits": _table(stack.limits_table, "kind", "name", expiry="ttl"),
        "Idempotency": _table(stack.table("Idempotency"), "id", expiry="expiration"),
        **{name: _table(stack.table(name), *table.key) for name, table in own.items()},
    }


def _table(
    name: str,
    *key: str,
    indexes: Mapping[str, tuple[str, ...]] | None = None,
    projection: str = "ALL",
    numbers: tuple[str, ...] = (),
    expiry: str = "",
    stream: bool = False,
) -> Any:
    """``key`` and the keys of ``indexes`` are text but for ``numbers``.

    ``expiry`` is the attribute that says when DynamoDB deletes, ``stream`` whether a function sees what changes.
    """
    indexes = indexes or {}
    properties: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "N" if attribute in numbers else "S"}
            for attribute in sorted({*key, *(name for index in indexes.values() for name in index)})
        ],
        "KeySchema": _key_schema(key),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": encryption.key_arn()},
        "DeletionProtectionEnabled": True,
    }
    if indexes:
        properties["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _key_schema(of), "Projection": {"ProjectionType": projection}}
            for index, of in indexes.items()
        ]
    if stream:
        properties["StreamSpecification"] = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    if expiry:
        properties["TimeToLiveSpecification"] = {"AttributeName": expiry, "Enabled": True}
    return {"Type": TABLE, **_KEPT, "Properties": properties}


def _key_schema(key: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=False)]


def artifacts_bucket(stack: Stack) -> dict[str, Any]:
    """The bucket of what is deployed: bundles and templates, by the hash of their contents."""
    return _bucket(stack, "artifacts")


def data_bucket(stack: Stack) -> dict[str, Any]:
    """The bucket that tasks read and write."""
    return _bucket(stack, "data")


def own_buckets(stack: Stack, names: Iterable[str]) -> dict[str, Any]:
    """The buckets of the project's own, by their logical names."""
    ids = {name: logical_id(name, "Bucket") for name in names}
    return {ids[name]: _bucket(stack, name) for name in names} | {
        f"{one}Policy": resource_policies.bucket(one) for one in ids.values()
    }


def bucket_name(stack: Stack, purpose: str, account: str, region: str) -> str:
    """The name of a bucket of the stack, which every bucket of the world must differ from."""
    return f"{stack.name}-{purpose}-{account}-{region}"


def _bucket(stack: Stack, purpose: str) -> dict[str, Any]:
    name = bucket_name(stack, purpose, "${AWS::AccountId}", "${AWS::Region}")
    return {
        "Type": "AWS::S3::Bucket",
        **_KEPT,
        "Metadata": scanning.skipped(scanning.BUCKET),
        "Properties": {
            "BucketName": {"Fn::Sub": name},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": encryption.key_arn(),
                        },
                        # One data key for many objects, instead of a request to KMS for each.
                        "BucketKeyEnabled": True,
                    }
                ]
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            # An object may start a task: S3's events are free, and nobody hears of those that no rule asks for.
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    }


def messaging(stack: Stack) -> dict[str, Any]:
    """The queue for slots that Scheduler could not start, the one behind all queues, the topic for people, and the
    queue of what the topic cannot deliver itself.
    """
    return {
        "SchedulerDlq": queue(stack.scheduler_dlq, dead_letters="HandlerFailures"),
        "HandlerFailures": queue(stack.handler_failures),
        "Courier": queue(stack.courier_queue, dead_letters="HandlerFailures"),
        "Alerts": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": stack.alerts_topic, "KmsMasterKeyId": encryption.key_arn()},
        },
    }


def queue(name: str, *, dead_letters: str = "") -> dict[str, Any]:
    """An SQS queue. A message that is received too often goes to the queue ``dead_letters``, a logical id."""
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]}, "maxReceiveCount": _RECEIVED_AT_MOST}
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": name,
            "MessageRetentionPeriod": _RETENTION_SECONDS,
            "VisibilityTimeout": _VISIBILITY_SECONDS,
            "KmsMasterKeyId": encryption.key_arn(),
            "KmsDataKeyReusePeriodSeconds": encryption.DATA_KEY_REUSE_SECONDS,
            **({"RedrivePolicy": redrive} if dead_letters else {}),
        },
    }


def log_group(name: str, *, days: int = _LOG_RETENTION_DAYS) -> dict[str, Any]:
    """A log group that forgets after so many days."""
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": name, "RetentionInDays": days, "KmsKeyId": encryption.key_arn()},
    }

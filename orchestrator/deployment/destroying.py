"""Taking a stack away. Its data stays unless the caller says otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.clients import Clients
from orchestrator.deployment import event_rules
from orchestrator.deployment.boundaries import rules_boundary
from orchestrator.deployment.stack import POLL_SECONDS, CloudFormationStack
from orchestrator.errors import DeploymentFailed, NotDeployed
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from orchestrator.stores.subscriptions import Destinations

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

_TABLE = "AWS::DynamoDB::Table"
_BUCKET = "AWS::S3::Bucket"
_KEY = "AWS::KMS::Key"

#: A table is waited for so often: five minutes.
_LOOKS = 150

#: A key that is wanted after all can be had back for so long, the longest that KMS offers.
_PENDING_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A resource that outlives its stack."""

    #: ``AWS::DynamoDB::Table`` …
    type: str
    #: What AWS calls it.
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


def destroy(
    clients: Clients,
    stack: Stack,
    *,
    delete_data: bool = False,
    sleep: Callable[[float], object] = time.sleep,
    progress: Callable[[str], object] = lambda line: None,
) -> tuple[Kept, ...]:
    """Deletes the rules that start tasks, then the stack with its schedules. Returns the resources that are kept.

    ``delete_data`` deletes tables and buckets, too, with what is in them, and has KMS delete their key in a month.
    Raises :class:`~orchestrator.errors.NotDeployed` and :class:`~orchestrator.errors.DeploymentFailed`.
    """
    deployed = CloudFormationStack(clients("cloudformation"), stack.name, sleep=sleep, progress=progress)
    description = deployed.describe()
    if description is None:
        raise NotDeployed(stack.name)
    kept = _kept(deployed.template(), deployed.physical_names())
    record = Destinations(clients("ssm"), stack)
    told = record.all()
    if "EventsRoleArn" in description.outputs:
        on = event_rules.buses((), Registry(clients("dynamodb"), stack).declared(), description.outputs)
        event_rules.delete_all(rules_boundary(clients, stack, description.outputs), on)
    deployed.delete()
    # The subscriptions have gone with their topic.
    for key in told:
        record.remove(key)
    if not delete_data:
        return kept
    deleting: Mapping[str, Callable[[str], object]] = {
        _TABLE: lambda name: _delete_table(clients("dynamodb"), stack, name, sleep),
        _BUCKET: lambda name: _delete_bucket(clients("s3"), name),
        # Last of all: nothing that it opens is left by then.
        _KEY: lambda name: clients("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=_PENDING_DAYS),
    }
    for kind, delete in deleting.items():
        for one in kept:
            if one.type == kind:
                delete(one.name)
                progress(f"deleted {one}" if kind != _KEY else f"deleted in {_PENDING_DAYS} days: {one}")
    return tuple(one for one in kept if one.type not in deleting)


def _kept(template: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Kept, ...]:
    return tuple(
        Kept(type=resource["Type"], name=names[logical_id])
        for logical_id, resource in template["Resources"].items()
        if resource.get("DeletionPolicy", "").startswith("Retain") and logical_id in names
    )


def _delete_table(client: DynamoDBClient, stack: Stack, name: str, sleep: Callable[[float], object]) -> None:
    """Lifts its protection first; a table that is being updated cannot be deleted ("DeleteTable")."""
    if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
    for _ in range(_LOOKS):
        if client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE":
            client.delete_table(TableName=name)
            return
        sleep(POLL_SECONDS)
    reason = f"table {name} is still being updated after five minutes; delete it, and what is left, in the console"
    raise DeploymentFailed(stack.name, "DELETE_COMPLETE", reason)


def _delete_bucket(client: S3Client, name: str) -> None:
    """Deletes a bucket, after every version of every object in it: only an empty one can be deleted."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions
        ]
        if objects:
            client.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
    client.delete_bucket(Bucket=name)

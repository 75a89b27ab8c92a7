"""EventBridge knows of S3's objects.

moto sends what happens in a bucket to EventBridge with other fields than S3 and one sequencer for all, to targets
without their transformers, and CloudFormation cannot say that a bucket sends any. Sources: "EventBridge event message
structure" and "Enabling Amazon EventBridge" of S3, "AWS::S3::Bucket EventBridgeConfiguration".
"""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.s3.notifications import _detail_type

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: What S3 calls what has happened, by the last word of the notification's name.
_REASONS = {
    "Put": "PutObject",
    "Post": "POST Object",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
    "Delete": "DeleteObject",
    "DeleteMarkerCreated": "DeleteObject",
}

_sequence = count(1)


def detail(bucket: str, event_name: str, key: Any, account: str) -> dict[str, Any]:
    """What S3 says of an object. The address is one that is nobody's (RFC 5737)."""
    shown: dict[str, Any] = {"key": key.name, "sequencer": f"{next(_sequence):018X}"}
    if "ObjectRemoved" not in event_name:
        shown |= {"size": key.size, "etag": key.etag.replace('"', "")}
    if version := getattr(key, "version_id", None):
        shown["version-id"] = version
    return {
        "version": "0",
        "bucket": {"name": bucket},
        "object": shown,
        "request-id": f"{next(_sequence):016X}",
        "requester": account,
        "source-ip-address": "192.0.2.1",
        "reason": _REASONS.get(event_name.split(":")[-1], event_name.split(":")[-1]),
    }


def _notifies(properties: Any) -> dict[str, Any] | None:
    configured = (properties.get("NotificationConfiguration") or {}).get("EventBridgeConfiguration")
    return {"EventBridgeConfiguration": {}} if configured and configured["EventBridgeEnabled"] else None


def install(aws: Aws) -> None:
    """Sends what happens to objects of buckets that say so, and lets CloudFormation make such buckets."""
    create, update = FakeBucket.create_from_cloudformation_json, FakeBucket.update_from_cloudformation_json

    @replaces(notifications, "_send_event_bridge_message", digest="65bead5dd2bc")
    def send(account_id: str, bucket: FakeBucket, event_name: str, key: Any) -> None:
        event = {
            "Source": "aws.s3",
            "Time": aws.clock.now().timestamp(),
            "DetailType": _detail_type(event_name),
            "Resources": [bucket.arn],
            "Detail": json.dumps(detail(bucket.name, event_name, key, account_id)),
        }
        aws.backend("events").put_events([event])

    @replaces(FakeBucket, "create_from_cloudformation_json", digest="587d13502ce7")
    def created(resource_name: str, cloudformation_json: Any, *where: Any, **more: Any) -> FakeBucket:
        bucket = create(resource_name, cloudformation_json, *where, **more)
        if wanted := _notifies(cloudformation_json.get("Properties", {})):
            bucket.set_notification_configuration(wanted)
        return bucket

    @replaces(FakeBucket, "update_from_cloudformation_json", digest="3932620643a6")
    def updated(
        original_resource: Any, new_resource_name: str, cloudformation_json: Any, *where: Any, **more: Any
    ) -> FakeBucket:
        bucket = update(original_resource, new_resource_name, cloudformation_json, *where, **more)
        bucket.set_notification_configuration(_notifies(cloudformation_json["Properties"]))
        return bucket

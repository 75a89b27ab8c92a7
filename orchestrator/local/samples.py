"""Sample data for the embedded AWS, so that the sample tasks have something to do: orders, pages, usage."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import to_item
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_s3.literals import ObjectCannedACLType

#: Beside the packages, where a user finds it.
FOLDER = Path(__file__).parent.parent.parent / "samples"

#: Who mail is from and to here; nothing leaves this machine.
MAIL_FROM = "orchestrator@example.com"


#: The pages are for everybody on this machine, as a site is.
_ACCESS: Mapping[str, ObjectCannedACLType] = {"orders": "private", "site": "public-read", "usage": "private"}


def site_url(aws: EmbeddedAws, bucket: str) -> str:
    """Where the sample pages are."""
    return f"{aws.endpoint}/{bucket}/site/"


def seed(aws: EmbeddedAws, stack: Stack, bucket: str, now: datetime) -> None:
    """Puts the sample data into the data bucket and the Sessions table, aged as of ``now``."""
    s3 = aws.client("s3")
    for folder, access in _ACCESS.items():
        for file in sorted(path for path in (FOLDER / folder).rglob("*") if path.is_file()):
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            key = file.relative_to(FOLDER).as_posix()
            s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), ContentType=kind, ACL=access)
    stale = json.loads((FOLDER / "stale.json").read_text())
    for entry in stale["objects"]:
        s3.put_object(Bucket=bucket, Key=entry["key"], Body=b"temporary")
        _age(aws, bucket, entry["key"], now - timedelta(days=entry["ageDays"]))
    dynamodb = aws.client("dynamodb")
    for entry in stale["sessions"]:
        created = (now - timedelta(days=entry["ageDays"])).strftime("%Y-%m-%dT%H:%M:%SZ")
        item = to_item({"id": entry["id"], "createdAt": created})
        dynamodb.put_item(TableName=stack.table("Sessions"), Item=item)
    billing = json.loads((FOLDER / "billing.json").read_text())
    for table, records in (("PricePlans", billing["plans"]), ("Customers", billing["customers"])):
        for record in records:
            dynamodb.put_item(TableName=stack.table(table), Item=to_item(record))
    aws.client("ses").verify_email_identity(EmailAddress=MAIL_FROM)


def _age(aws: EmbeddedAws, bucket: str, key: str, modified: datetime) -> None:
    """No API can date an object back, so moto's own record of it is changed."""
    backend: Any = aws.global_backend("s3")
    backend.buckets[bucket].keys[key].last_modified = modified

"""Sample data for the embedded AWS, so that tasks have something to do: what a project has in its folder ``samples``.

- ``samples/NAME/…`` are objects of the data bucket, under their paths below ``samples``; those of ``site`` are for
  everybody on this machine, as a site is
- ``samples/tables/NAME.json`` is a list of items for a table
- ``samples/stale.json`` has objects and sessions that have grown old by so many days
"""

from __future__ import annotations

import json
import mimetypes
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import to_item
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_s3.literals import ObjectCannedACLType

#: Who mail is from and to here; nothing leaves this machine.
MAIL_FROM = "orchestrator@example.com"

_SITE, _TABLES = "site", "tables"


def site_url(aws: EmbeddedAws, bucket: str) -> str:
    """Returns the address of the sample pages."""
    return f"{aws.endpoint}/{bucket}/{_SITE}/"


def seed(aws: EmbeddedAws, stack: Stack, bucket: str, now: datetime, folder: Path) -> None:
    """Puts the samples of ``folder``, if there is one, into the data bucket and the tables, aged as of ``now``."""
    s3, dynamodb = aws.client("s3"), aws.client("dynamodb")
    for file in sorted(path for path in folder.glob("*/**/*") if path.is_file()):
        top, *_ = file.relative_to(folder).parts
        if top != _TABLES:
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            key = file.relative_to(folder).as_posix()
            access: ObjectCannedACLType = "public-read" if top == _SITE else "private"
            s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), ContentType=kind, ACL=access)
    for file in sorted((folder / _TABLES).glob("*.json")):
        for record in json.loads(file.read_text(encoding="utf-8")):
            dynamodb.put_item(TableName=stack.table(file.stem), Item=to_item(record))
    if (folder / "stale.json").exists():
        _seed_stale(aws, stack, bucket, now, json.loads((folder / "stale.json").read_text(encoding="utf-8")))
    verify_sender(aws)


def verify_sender(aws: EmbeddedAws) -> None:
    """Lets mail be sent from the address that the samples use."""
    aws.client("ses").verify_email_identity(EmailAddress=MAIL_FROM)


def _seed_stale(aws: EmbeddedAws, stack: Stack, bucket: str, now: datetime, stale: Any) -> None:
    for entry in stale["objects"]:
        aws.client("s3").put_object(Bucket=bucket, Key=entry["key"], Body=b"temporary")
        _age(aws, bucket, entry["key"], now - timedelta(days=entry["ageDays"]))
    for entry in stale["sessions"]:
        created = (now - timedelta(days=entry["ageDays"])).strftime("%Y-%m-%dT%H:%M:%SZ")
        item = to_item({"id": entry["id"], "createdAt": created})
        aws.client("dynamodb").put_item(TableName=stack.table("Sessions"), Item=item)


def _age(aws: EmbeddedAws, bucket: str, key: str, modified: datetime) -> None:
    """Dates an object back. No API can, so this changes moto's own record of it."""
    backend: Any = aws.global_backend("s3")
    backend.buckets[bucket].keys[key].last_modified = modified

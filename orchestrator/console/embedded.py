"""What the embedded AWS shows beside what AWS does, and the objects in its buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from orchestrator.clients import Clients
from orchestrator.local.aws.environment import LOOKING_PATH
from orchestrator.stack import Stack

#: Seconds to wait for its answer, and keys that are listed of a bucket.
_PATIENCE, _KEYS = 5, 200


@dataclass(frozen=True, kw_only=True)
class Object:
    """An object of a bucket."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of the stack."""

    name: str
    objects: tuple[Object, ...]
    #: Whether it has others beside these.
    more: bool


def seen(endpoint: str) -> dict[str, Any] | None:
    """What :func:`orchestrator.local.aws.looking.seen` says there; None where something else listens."""
    asking = HTTPConnection(urlsplit(endpoint).netloc, timeout=_PATIENCE)
    try:
        asking.request("GET", LOOKING_PATH)
        found = json.loads(asking.getresponse().read())
    except (HTTPException, OSError, ValueError):
        return None
    finally:
        asking.close()
    return found if isinstance(found, dict) else None


def buckets(client: Clients, stack: Stack) -> Iterator[Bucket]:
    """Those of the stack, each with some of its objects."""
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith(f"{stack.name}-"):
            listed = s3.list_objects_v2(Bucket=bucket["Name"], MaxKeys=_KEYS)
            objects = [
                Object(key=one["Key"], size=one["Size"], modified=one["LastModified"])
                for one in listed.get("Contents", ())
            ]
            yield Bucket(name=bucket["Name"], objects=tuple(objects), more=listed["IsTruncated"])

"""What a handler has left in AWS: records, objects, mails, messages."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.local.aws.server import EmbeddedAws

#: By what it is, the value: a record's attributes, an object's digest, or how many there are of a mail or a message.
Effects = Mapping[str, Any]

#: Seconds and milliseconds since 1970, and ISO 8601: when something was done differs each time that it is done.
_MOMENT = re.compile(r"\d{10}(\d{3})?(\.\d+)?|\d{4}-\d\d-\d\dT\d\d:\d\d.*")


def effects(aws: EmbeddedAws, ignore: Collection[str] = ()) -> Effects:
    """Collects everything stored and sent, but for what a pattern of ``ignore`` matches, like ``s3 */work/*``."""
    found: dict[str, Any] = {}
    for some in (_records(aws), _objects(aws), _sent(aws)):
        found |= {name: value for name, value in some if not any(fnmatchcase(name, one) for one in ignore)}
    return found


def differences(wanted: Effects, again: Effects, found: Effects) -> list[str]:
    """What of ``found`` is not as it was, both times, after a run that nobody has disturbed: in a line each.

    What differs between those two differs by itself, as a random name does: of such things there are to be as many.
    """
    said = []
    moving = {_kind(name) for name in wanted.keys() ^ again.keys()}
    for name in sorted(wanted.keys() | found.keys()):
        if _kind(name) in moving:
            continue
        if name not in found:
            said.append(f"{name}: it is missing")
        elif name not in wanted:
            said.append(f"{name}: it is there besides")
        else:
            said += _changes(name, wanted[name], again.get(name), found[name])
    counts = [Counter(map(_kind, one)) for one in (wanted, found)]
    for kind in sorted(moving):
        before, now = (one[kind] for one in counts)
        if before != now:
            said.append(f"{kind}: {now} instead of {before}")
    return said


def _changes(name: str, wanted: Any, again: Any, found: Any) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for field in sorted(wanted.keys() | found.keys()):
            before, twice, now = ((one or {}).get(field) for one in (wanted, again, found))
            if before == twice and before != now and not (_is_moment(before) and _is_moment(now)):
                yield f"{name}: {field} is {_shown(now)} instead of {_shown(before)}"
    elif wanted == again and wanted != found:
        yield f"{name}: {found} instead of {wanted}" if isinstance(wanted, int) else f"{name}: it is another"


def _kind(name: str) -> str:
    """The table, the bucket, the queue: the first two words of a name."""
    return " ".join(name.split(" ")[:2])


def _is_moment(attribute: Any) -> bool:
    text = next(iter(attribute.values()), None) if isinstance(attribute, Mapping) else None
    return isinstance(text, str) and _MOMENT.fullmatch(text) is not None


def _shown(attribute: Any) -> str:
    return "absent" if attribute is None else str(next(iter(attribute.values())))


def _records(aws: EmbeddedAws) -> Iterator[tuple[str, Any]]:
    client = aws.client("dynamodb")
    for page in client.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            keys = [one["AttributeName"] for one in client.describe_table(TableName=table)["Table"]["KeySchema"]]
            for items in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                for item in items["Items"]:
                    yield f"dynamodb {table} {' '.join(_shown(item[key]) for key in keys)}", item


def _objects(aws: EmbeddedAws) -> Iterator[tuple[str, Any]]:
    client = aws.client("s3")
    for bucket in client.list_buckets()["Buckets"]:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for one in page.get("Contents", []):
                yield f"s3 {bucket['Name']} {one['Key']}", one["ETag"]


def _sent(aws: EmbeddedAws) -> Iterator[tuple[str, Any]]:
    """Yields what was sent: moto keeps it until somebody fetches it."""
    counted: Counter[str] = Counter()
    for message in aws.backend("ses").sent_messages:
        to: Any = getattr(message, "destinations", None) or getattr(message, "destination", ())
        addresses = [one for several in to.values() for one in several] if isinstance(to, Mapping) else list(to)
        counted[f"ses mail to {', '.join(sorted(map(str, addresses)))}"] += 1
    for topic in aws.backend("sns").topics.values():
        for _, text, *_ in topic.sent_notifications:
            counted[f"sns {topic.name} {_digest(text)}"] += 1
    for queue in aws.backend("sqs").queues.values():
        for message in queue._messages:
            counted[f"sqs {queue.name} {_digest(message.body)}"] += 1
    yield from counted.items()


def _digest(text: str) -> str:
    """A short text as it is."""
    shown = json.dumps(text, ensure_ascii=False)
    return shown if len(shown) <= 80 else hashlib.sha256(shown.encode()).hexdigest()[:16]

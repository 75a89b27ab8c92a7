"""The read units of Query, Scan and GetItem, by the size of what is read ("DynamoDB read and write operations").

moto answers with the same number whatever is read. Of writes it still does.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from math import ceil
from typing import Any

#: A read is counted by so many bytes, and costs half if it may be old.
_BYTES = 4096

_last = threading.local()


def read(size: int) -> None:
    """Notes how many bytes this thread's request has read, what a filter or a projection then leaves out too."""
    _last.size = size


def counted(request: Mapping[str, Any], answer: dict[str, Any]) -> None:
    """Corrects the answer to the request of this thread that :func:`read` something, if it tells its units."""
    size: int | None = _last.__dict__.pop("size", None)
    told = answer.get("ConsumedCapacity")
    if size is None or not isinstance(told, dict):
        return
    units = max(1, ceil(size / _BYTES)) * (1.0 if request.get("ConsistentRead") else 0.5)
    told["CapacityUnits"] = units
    for part in (told.get("Table"), *(told.get("LocalSecondaryIndexes") or {}).values()):
        if part:
            part["CapacityUnits"] = units

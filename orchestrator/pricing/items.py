"""How large an item is to DynamoDB, and how many units it costs ("DynamoDB item sizes and formats",
"DynamoDB read and write operations").
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import ceil
from typing import Any

#: A write of an item is counted by the kilobyte, a read by four of them.
_WRITE_BYTES, _READ_BYTES = 1024, 4096

#: In a transaction each write is made twice.
TRANSACTION = 2

#: What a list or a map has beside its elements, and each element beside itself.
_COLLECTION_BYTES, _ELEMENT_BYTES = 3, 1

#: What each item has in storage beside itself, in a table as in an index.
STORED_BYTES = 100


def item_bytes(item: Mapping[str, Any]) -> int:
    """The size of an item as DynamoDB's low-level client has it (``{"taskId": {"S": …}, …}``)."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(content)
        case "SS" | "BS":
            return sum(len(element) for element in content)
        case "NS":
            return sum(map(_number_bytes, content))
        case "M":
            return _COLLECTION_BYTES + item_bytes(content) + _ELEMENT_BYTES * len(content)
        case "L":
            return _COLLECTION_BYTES + sum(_value_bytes(element) + _ELEMENT_BYTES for element in content)
        case _:
            # BOOL and NULL.
            return 1


@cache
def _number_bytes(text: str) -> int:
    """About a byte for two significant digits, and one; one more below zero."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return ceil(len(digits) / 2) + 1 + text.startswith("-")


def write_units(size: int) -> int:
    """Returns the write units of one write; ``size`` is the item's larger size, before or after, in bytes."""
    return max(1, ceil(size / _WRITE_BYTES))


def read_units(size: int) -> int:
    """Returns the read units of one consistent read of ``size`` bytes."""
    return max(1, ceil(size / _READ_BYTES))

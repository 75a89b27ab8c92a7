"""The arguments of DynamoDB's UpdateItem, written from what changes.

Every attribute goes by a placeholder, because many good names (``status``, ``result``, ``ttl``) are reserved words
("Reserved words in DynamoDB").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def update(
    sets: Mapping[str, Any],
    *,
    adds: Mapping[str, Any] | None = None,
    removes: Iterable[str] = (),
    names: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    condition: str | None = None,
) -> dict[str, Any]:
    """``UpdateExpression`` and what belongs to it.

    ``sets`` and ``adds`` map attribute names to attribute values (``{"S": "x"}``). ``names`` and ``values`` are what
    the ``condition`` uses besides: a name ``lease`` is there as ``#lease``, a value ``me`` as ``:me``.
    """
    adds, removes, values = adds or {}, list(removes), values or {}
    clauses = [
        f"{verb} " + ", ".join(parts)
        for verb, parts in (
            ("SET", [f"#{name} = :{name}" for name in sets]),
            ("ADD", [f"#{name} :{name}" for name in adds]),
            ("REMOVE", [f"#{name}" for name in removes]),
        )
        if parts
    ]
    arguments: dict[str, Any] = {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in dict.fromkeys([*sets, *adds, *removes, *names])},
    }
    if all_values := {f":{name}": value for name, value in {**sets, **adds, **values}.items()}:
        arguments["ExpressionAttributeValues"] = all_values
    return arguments | ({"ConditionExpression": condition} if condition else {})

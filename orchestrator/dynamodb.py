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
    defaults: Mapping[str, Any] | None = None,
    adds: Mapping[str, Any] | None = None,
    removes: Iterable[str] = (),
    names: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    condition: str | None = None,
) -> dict[str, Any]:
    """``UpdateExpression`` and what belongs to it.

    ``sets`` and ``adds`` map attribute names to attribute values (``{"S": "x"}``), and so do ``defaults``, which are
    set where there is no such attribute yet. ``names`` and ``values`` are what the ``condition`` uses besides: a name
    ``lease`` is there as ``#lease``, a value ``me`` as ``:me``.
    """
    defaults, adds, removes, values = defaults or {}, adds or {}, list(removes), values or {}
    unset = [f"#{name} = if_not_exists(#{name}, :{name})" for name in defaults]
    clauses = [
        f"{verb} " + ", ".join(parts)
        for verb, parts in (
            ("SET", [*(f"#{name} = :{name}" for name in sets), *unset]),
            ("ADD", [f"#{name} :{name}" for name in adds]),
            ("REMOVE", [f"#{name}" for name in removes]),
        )
        if parts
    ]
    arguments: dict[str, Any] = {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {
            f"#{name}": name for name in dict.fromkeys([*sets, *defaults, *adds, *removes, *names])
        },
    }
    if all_values := {f":{name}": value for name, value in {**sets, **defaults, **adds, **values}.items()}:
        arguments["ExpressionAttributeValues"] = all_values
    return arguments | ({"ConditionExpression": condition} if condition else {})

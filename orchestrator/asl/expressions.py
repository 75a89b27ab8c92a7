"""Expressions and data in definitions: what Step Functions evaluates, and what it takes as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: Fields that belong to JSONPath, which no definition here uses.
JSONPATH_FIELDS = frozenset(
    {
        "CausePath", "ErrorPath", "HeartbeatSecondsPath", "InputPath", "ItemsPath", "OutputPath", "Parameters",
        "ResultPath", "ResultSelector", "SecondsPath", "TimeoutSecondsPath", "TimestampPath", "Variable",
    }
)  # fmt: skip


class Jsonata(str):
    """An expression that Step Functions evaluates, as opposed to text that only looks like one."""

    __slots__ = ()


def jsonata(expression: str) -> Jsonata:
    """``expression`` in the delimiters of Step Functions, its lines joined: they are laid out for the reader here."""
    return Jsonata("{% " + " ".join(line.strip() for line in expression.strip().splitlines()) + " %}")


def literal(value: Any) -> str:
    """A JSON value as a JSONata literal: the way to put data into an expression without its being evaluated."""
    return json.dumps(value)


def composed(value: Any) -> str:
    """A value with expressions in it as one expression.

    JSONata leaves an entry of an object out whose value is undefined, where an expression that is a field of its own
    would fail.
    """
    if isinstance(value, Jsonata):
        return f"({value.removeprefix('{%').removesuffix('%}').strip()})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(name)}: {composed(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(composed, value)) + "]"
    return literal(value)

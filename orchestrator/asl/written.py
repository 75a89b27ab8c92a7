"""Definitions that are written as Amazon States Language already, in JSON or YAML: they need no SDK."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.expressions import Jsonata
from orchestrator.errors import InvalidDefinition
from orchestrator.functions import Permission
from orchestrator.stack import Stack

#: Where a name of the stack goes: ``${stack}``, ``${function:NAME}``, ``${table:NAME}``.
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)(?::([\w-]+))?\}")


@dataclass(frozen=True, kw_only=True)
class WrittenDefinition(Definition):
    """A definition of which all is known: :func:`written` makes it."""

    machine: Mapping[str, Any]
    start: Any = None

    @cached_property
    def _machine(self) -> dict[str, Any]:
        return dict(self.machine)


def written(machine: Mapping[str, Any], stack: Stack, permissions: tuple[Permission, ...] = ()) -> WrittenDefinition:
    """Reads a definition's JSON file for ``stack``.

    ``${stack}`` stands for the stack's name, ``${function:NAME}`` for what a function of the project is called there,
    and ``${table:NAME}`` for what a table is. Raises :class:`~orchestrator.errors.InvalidDefinition` for any other
    placeholder, and for a definition in JSONPath mode.
    """
    comment = str(machine.get("Comment", ""))
    if machine.get("QueryLanguage") != "JSONata":
        raise InvalidDefinition(comment, ["expected `QueryLanguage: JSONata`, found none: JSONPath is not taken"])
    problems: list[str] = []
    filled = _filled(machine, stack, problems)
    if problems:
        raise InvalidDefinition(comment, problems)
    seconds = machine.get("TimeoutSeconds")
    return WrittenDefinition(
        machine=filled,
        comment=comment,
        timeout_seconds=seconds if isinstance(seconds, int) else 0,
        permissions=permissions,
    )


def _filled(value: Any, stack: Stack, problems: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {str(_filled(key, stack, problems)): _filled(inner, stack, problems) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, stack, problems) for inner in value]
    if not isinstance(value, str):
        return value

    def name(match: re.Match[str]) -> str:
        kind, of = match.groups()
        if kind == "stack" and of is None:
            return stack.name
        if kind == "function" and of:
            return stack.function(of)
        if kind == "table" and of:
            return stack.table(of)
        problems.append(f"{match[0]} stands for nothing; there is: ${{stack}}, ${{function:NAME}}, ${{table:NAME}}")
        return match[0]

    text = _PLACEHOLDER.sub(name, value)
    # Whoever writes a file writes the delimiters themselves, and means them.
    return Jsonata(text) if text.startswith("{%") and text.endswith("%}") else text

"""The names of errors after which no further attempt can help, found in the sources of functions.

Step Functions knows errors by name and nothing of their base classes, and what builds or deploys a definition imports
no function.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path

from orchestrator.errors import NonRetryableError, error_names


def fatal_errors(package: Path) -> list[str]:
    """:class:`~orchestrator.errors.NonRetryableError`, its subclasses of the library, and those that the modules of a
    folder define, sorted: what ``ErrorEquals`` of a state lists that calls functions of this package.
    """
    of_library = error_names(NonRetryableError)
    sources = (path.read_bytes() for path in sorted(package.rglob("*.py")))
    return sorted([*of_library, *descendants(sources, of_library)])


def descendants(sources: Iterable[bytes], ancestors: Collection[str]) -> frozenset[str]:
    """The names of the classes in some modules that are subclasses of ``ancestors``, over however many classes.

    Classes go by their names, as errors do in Step Functions; nothing is imported. A class that is only made when the
    code runs, by a call of ``type``, is not found.
    """
    bases: dict[str, set[str]] = {}
    classes: set[str] = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                classes.add(node.name)
                bases.setdefault(node.name, set()).update(filter(None, map(_last_name, node.bases)))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if alias.asname:
                        bases.setdefault(alias.asname, set()).add(alias.name)
            elif isinstance(node, ast.Assign) and (name := _last_name(node.value)):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        bases.setdefault(target.id, set()).add(name)
    known, new = set(ancestors), set(ancestors)
    while new:
        new = {name for name, of in bases.items() if of & new} - known
        known |= new
    return frozenset(known & classes) - frozenset(ancestors)


def _last_name(expression: ast.expr) -> str | None:
    """Of ``Error``, ``errors.Error`` and ``Error[int]``: ``Error``."""
    if isinstance(expression, ast.Subscript):
        return _last_name(expression.value)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else None

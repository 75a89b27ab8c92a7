"""The names of errors after which no further attempt can help, found in the sources of functions.

Step Functions knows errors by name and nothing of their base classes, and what builds or deploys a definition imports
no function.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from functools import lru_cache
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
        defined, derived = _named(source)
        classes |= defined
        for name, base in derived:
            bases.setdefault(name, set()).add(base)
    known, new = set(ancestors), set(ancestors)
    while new:
        new = {name for name, of in bases.items() if of & new} - known
        known |= new
    return frozenset(known & classes) - frozenset(ancestors)


# Functions share most of their modules, and a deployment asks for each function.
@lru_cache(maxsize=512)
def _named(source: bytes) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The classes that a module defines, and each name with a name that it stands for or is derived from."""
    classes: set[str] = set()
    bases: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            classes.add(node.name)
            bases.update((node.name, base) for base in map(_last_name, node.bases) if base)
        elif isinstance(node, ast.ImportFrom):
            bases.update((alias.asname, alias.name) for alias in node.names if alias.asname)
        elif isinstance(node, ast.Assign) and (name := _last_name(node.value)):
            bases.update((target.id, name) for target in node.targets if isinstance(target, ast.Name))
    return frozenset(classes), frozenset(bases)


def _last_name(expression: ast.expr) -> str | None:
    """Returns a class's own name: ``Error`` of ``Error``, ``errors.Error`` and ``Error[int]``."""
    if isinstance(expression, ast.Subscript):
        return _last_name(expression.value)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else None

"""The Lambda functions: what each is given to run with, and what it may do."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on one resource, which goes by a logical name.

    ``data-bucket`` is the data bucket itself and ``data-bucket:orders/*`` its objects, ``table:Sessions`` a table and
    ``table:TaskRuns/index/StatusIndex`` an index of one, ``ses`` the sending of mail as the stack's sender.
    """

    actions: tuple[str, ...]
    resource: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function, the target ``lambda/NAME`` of tasks."""

    #: The logical name: the module's, with ``-`` for ``_``.
    name: str
    #: In the folder ``lambdas``; its ``handler`` is called.
    module: str
    memory_mb: int = 256
    timeout_seconds: int = 60
    #: Beside the environment that every function has.
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()


def discover(folder: Path, settings: Mapping[str, Function]) -> tuple[Function, ...]:
    """Every module or package in ``folder`` that has a ``handler``, by name; nothing of them is imported.

    ``settings`` are by module; a module that is not in it gets the defaults, so that a new handler is one new file.
    """
    modules = {
        path.parent.name if path.name == "__init__.py" else path.stem: path
        for path in [*folder.glob("[!_]*.py"), *folder.glob("[!_]*/__init__.py")]
    }
    return tuple(
        settings.get(module) or Function(name=module.replace("_", "-"), module=module)
        for module, path in sorted(modules.items())
        if _has_handler(path)
    )


def _has_handler(path: Path) -> bool:
    names: set[str] = set()
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.FunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.Assign):
            names.update(target.id for target in statement.targets if isinstance(target, ast.Name))
    return "handler" in names

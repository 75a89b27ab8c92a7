"""The Lambda functions of a folder, found by reading the sources; nothing of them is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from orchestrator.functions import Function, function_name


def discover(folder: Path, settings: Mapping[str, Function]) -> tuple[Function, ...]:
    """Every module or package in ``folder`` that has a ``handler``, by name.

    A package may hold several functions, a module each: ``billing/create_invoice.py`` is ``billing-create-invoice``.
    ``settings`` are by module; a module that is not in it gets the defaults, so that a new handler is one new file.
    """
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for pattern in ("[!_]*.py", "[!_]*/__init__.py", "[!_]*/[!_]*.py", "[!_]*/[!_]*/__init__.py")
        for path in folder.glob(pattern)
    }
    declared = (
        settings.get(module) or Function(name=function_name(module), module=module)
        for module, path in modules.items()
        if _has_handler(path)
    )
    return tuple(sorted(declared, key=lambda function: function.name))


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

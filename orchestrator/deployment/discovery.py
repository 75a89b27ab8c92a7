"""The Lambda functions of a folder, found by reading the sources; nothing of them is imported."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
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
    found = (
        settings.get(module) or Function(name=function_name(module), module=module)
        for module, path in modules.items()
        if _has_handler(path)
    )
    return tuple(sorted(found, key=lambda function: function.name))


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
    found, new = set(ancestors), set(ancestors)
    while new:
        new = {name for name, of in bases.items() if of & new} - found
        found |= new
    return frozenset(found & classes) - frozenset(ancestors)


def _last_name(expression: ast.expr) -> str | None:
    """Of ``Error``, ``errors.Error`` and ``Error[int]``: ``Error``."""
    if isinstance(expression, ast.Subscript):
        return _last_name(expression.value)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else None


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

"""The Lambda functions of a folder, found by reading the sources; nothing of them is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from orchestrator.deployment.mistakes import Mistakes
from orchestrator.errors import InvalidProject
from orchestrator.functions import Function, function_name


def discover(folder: Path, settings: Mapping[str, Function], mistakes: Mistakes | None = None) -> tuple[Function, ...]:
    """Every module or package in ``folder`` that has a ``handler``, by name.

    A package may hold several functions, a module each: ``billing/create_invoice.py`` is ``billing-create-invoice``.
    ``settings`` are by module; a module that is not in it gets the defaults, so that a new handler is one new file.
    Sources that are not Python, and names used twice, are ``mistakes``; without a list of these they are raised as
    :class:`~orchestrator.errors.InvalidProject`.
    """
    noted = Mistakes() if mistakes is None else mistakes
    found: dict[str, tuple[Function, Path]] = {}
    for module, path in modules(folder).items():
        # One that cannot be read is a function, too, so that a task that runs it is not blamed.
        names = frozenset({"handler"})
        with noted.collecting():
            names = names_of(path, folder.parent)
        if "handler" not in names:
            continue
        function = settings.get(module) or Function(name=function_name(module), module=module)
        if function.name in found:
            other = found[function.name][1].relative_to(folder.parent).as_posix()
            here = path.relative_to(folder.parent).as_posix()
            noted.add(f"{here}: {other} is the function {function.name!r} already; rename one of them")
        else:
            found[function.name] = (function, path)
    if mistakes is None:
        noted.raise_if_any()
    return tuple(function for _, (function, _) in sorted(found.items()))


def modules(folder: Path) -> dict[str, Path]:
    """The modules of a folder ``lambdas`` that may be functions, by their names below it."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for pattern in ("[!_]*.py", "[!_]*/__init__.py", "[!_]*/[!_]*.py", "[!_]*/[!_]*/__init__.py")
        for path in sorted(folder.glob(pattern))
        if path.relative_to(folder).parts[0] != "shared"
    }


def names_of(path: Path, root: Path) -> frozenset[str]:
    """Returns the names that a module's statements bind, without importing it.

    Raises :class:`~orchestrator.errors.InvalidProject` with the file, below ``root``, and line.
    """
    shown = path.relative_to(root).as_posix()
    try:
        return _names(path.read_bytes())
    except SyntaxError as fault:
        raise InvalidProject([not_python(shown, fault)]) from fault
    except ValueError as fault:
        raise InvalidProject([f"{shown}: this is not Python: {fault}"]) from fault


# A project is read more than once in a process, and its sources seldom change meanwhile.
@lru_cache(maxsize=1024)
def _names(source: bytes) -> frozenset[str]:
    names: set[str] = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.Assign):
            names.update(target.id for target in statement.targets if isinstance(target, ast.Name))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.add(statement.target.id)
    return frozenset(names)


def not_python(shown: str, fault: SyntaxError) -> str:
    """What is wrong with a source, with its line."""
    line = f":{fault.lineno}" if fault.lineno else ""
    text = f": {fault.text.strip()}" if fault.text and fault.text.strip() else ""
    return f"{shown}{line}: this is not Python: {fault.msg}{text}"

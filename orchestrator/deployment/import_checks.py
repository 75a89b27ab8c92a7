"""Whether a function's code can be imported where it runs: from its bundle alone, and at all."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path

from orchestrator.deployment.dependencies import Dependencies
from orchestrator.functions import Function

#: "Lambda runtimes": what the Python runtimes have beside the standard library.
_OF_THE_RUNTIME = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "snapshot_restore_py", "urllib3"}
)

#: What a bundle holds of ours.
_OURS = ("lambdas", "orchestrator")

#: Importing a handler takes no longer, on Lambda neither ("Lambda quotas": the init phase has 10 seconds).
_SECONDS = 60

#: What to try where nothing here says which modules are in a package that a bundle will hold.
_UNKNOWN = "\nIf a requirements.txt asks for it: `orchestrator fetch`, or install it here, too"

#: Where a name may be imported that is never there at run time, or may be missing.
_PROGRAM = """
import importlib, json, os, sys, traceback, types
root, modules = sys.argv[1], sys.argv[2:]
sys.path.insert(0, root)
# As on Lambda, no other package of that name comes before it.
if not os.path.exists(os.path.join(root, "lambdas", "__init__.py")):
    sys.modules["lambdas"] = package = types.ModuleType("lambdas")
    package.__path__ = [os.path.join(root, "lambdas")]
found = {}
for module in modules:
    try:
        handler = getattr(importlib.import_module("lambdas." + module), "handler", None)
        if not callable(handler):
            found[module] = ["", "its handler is nothing that can be called"]
    except BaseException as fault:
        missing = fault.name if isinstance(fault, ModuleNotFoundError) else ""
        found[module] = [missing or "", "".join(traceback.format_exception(fault))]
print("\\n" + json.dumps(found))
"""


def missing_imports(
    files: Mapping[str, bytes], function: Function, dependencies: Dependencies
) -> Iterator[tuple[str, int, str]]:
    """Each import that a function's bundle lacks, in its module and what that imports of ``lambdas``: file, line, name.

    Imports for the type checker alone and those that a ``try`` guards are not asked about, nor what may be in a
    distribution of which this machine does not know what it holds.
    """
    waiting, seen = _files_of(f"lambdas.{function.module}", files), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for line, name, parts in _imports_of(files[path], path):
            top = name.split(".")[0]
            if top in _OURS:
                found = [one for part in parts for one in _files_of(f"{name}.{part}", files)] + _files_of(name, files)
                is_there = bool(found) or any(one.startswith(f"{name.replace('.', '/')}/") for one in files)
                waiting += [one for one in found if one.startswith("lambdas/")]
            else:
                is_there = top in sys.stdlib_module_names or top in _OF_THE_RUNTIME
                is_there = is_there or (provided := _provided(dependencies)) is None or top in provided
            if not is_there:
                yield path, line, name


def _files_of(name: str, files: Mapping[str, bytes]) -> list[str]:
    """The files of a bundle that are a module."""
    path = name.replace(".", "/")
    return [one for one in (f"{path}.py", f"{path}/__init__.py") if one in files]


def failing_imports(
    root: Path, functions: Sequence[Function], dependencies: Dependencies
) -> Iterator[tuple[Function, str]]:
    """Each function whose module cannot be imported, and the traceback. It takes a process of its own.

    What is missing on this machine alone, and in the bundle, is no mistake.
    """
    if not functions:
        return
    region = {"AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1")}
    powertools = {"POWERTOOLS_TRACE_DISABLED": "1", "POWERTOOLS_SERVICE_NAME": "validate"}
    declared = {name: value for function in functions for name, value in function.environment.items()}
    try:
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-c", _PROGRAM, str(root), *(function.module for function in functions)],
            env={**os.environ, **region, **powertools, **declared},
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        found: dict[str, tuple[str, str]] = json.loads(ran.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        yield functions[0], f"importing the handlers takes longer than {_SECONDS} s"
        return
    except (ValueError, IndexError):
        yield functions[0], f"importing the handlers ended Python: {ran.stderr.strip()[-500:]}"
        return
    provided = _provided(dependencies)
    for function in functions:
        missing, said = found.get(function.module, ("", ""))
        if said and missing.split(".")[0] not in (provided or frozenset()):
            hint = _UNKNOWN if missing and provided is None else ""
            yield function, _of_the_project(said, root) + hint


def _of_the_project(said: str, root: Path) -> str:
    """Keeps the frames of a traceback that are in the project; their files are named relative to ``root``."""
    lines = said.strip().splitlines()
    kept: list[str] = []
    is_kept = True
    for line in lines:
        if line.startswith('  File "'):
            is_kept = f'"{root}/' in line
        elif not line.startswith(" "):
            is_kept = True
        if is_kept:
            kept.append(line.replace(f'"{root}/', '"'))
    return "\n".join(kept)


# What all functions share is in every bundle.
@lru_cache(maxsize=1024)
def _imports_of(source: bytes, path: str) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    return tuple(_imports(ast.parse(source), path))


def _imports(tree: ast.AST, path: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yields line, module and imported names of each import."""
    package = path.split("/")[:-1]
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _imports(ast.Module(body=node.orelse, type_ignores=[]), path)
        elif isinstance(node, ast.Try):
            guarded = [*node.handlers, *node.orelse, *node.finalbody]
            for inner in guarded:
                yield from _imports(inner, path)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*above, *(node.module.split(".") if node.module else [])])
            yield node.lineno, name, tuple(alias.name for alias in node.names)
        elif not isinstance(node, ast.expr):
            yield from _imports(node, path)


def _provided(dependencies: Dependencies) -> frozenset[str] | None:
    """The top-level modules of distributions; None if this machine does not know what one of them holds."""
    found: set[str] = set()
    for pin in dependencies.pins:
        names = _installed(pin.name) or _in_wheel(dependencies, pin.name)
        if names is None:
            return None
        found.update(names)
    return frozenset(found)


@cache
def _installed(name: str) -> frozenset[str] | None:
    """The top-level modules of a distribution of this machine; None if it is not here, or says nothing of them."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    declared = (distribution.read_text("top_level.txt") or "").split()
    files = (file for file in distribution.files or () if file.suffix == ".py")
    return frozenset(declared or (file.parts[0] if len(file.parts) > 1 else file.stem for file in files)) or None


def _in_wheel(dependencies: Dependencies, name: str) -> frozenset[str] | None:
    folder = dependencies.cache / dependencies.platform.folder
    for wheel in folder.glob("*.whl"):
        if _normal(wheel.name.split("-")[0]) == _normal(name):
            with zipfile.ZipFile(wheel) as archive:
                tops = {one.split("/")[0] for one in archive.namelist()}
                return frozenset(top.split(".")[0] for top in tops if not top.endswith((".dist-info", ".data")))
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

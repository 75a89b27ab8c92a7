"""The workflows of a project's folder ``definitions``: in Python, or as Amazon States Language in JSON or YAML.

Sources are read first, and imported only when a definition is made of them.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.written import written
from orchestrator.deployment.discovery import names_of, not_python
from orchestrator.deployment.mistakes import Mistakes
from orchestrator.errors import InvalidDefinition, InvalidProject
from orchestrator.functions import function_name
from orchestrator.stack import Stack

Builder = Callable[[Stack], Definition]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A state machine of a project."""

    #: What makes its definition. It raises :class:`~orchestrator.errors.InvalidProject`.
    build: Builder
    #: Where it is declared, below the project's folder.
    source: str


#: The packages of a project that Python may import; two projects have packages of the same names.
_PACKAGES = ("definitions", "lambdas")

#: What to do about a workflow in Python where its SDK is not installed.
_WITHOUT_SDK = (
    'it is built with the SDK for Step Functions: pip install "scheduled-task-orchestrator[sdk]", or'
    " pip install --no-deps stepfunctions==2.3.0"
)

#: What workflows are called that are Amazon States Language.
_WRITTEN = (".asl.json", ".asl.yaml", ".asl.yml")


def workflows(root: Path, mistakes: Mistakes) -> dict[str, Workflow]:
    """The workflows by name: ``definitions/NAME.py`` with a function ``build``, or ``NAME.asl.yaml``.

    A package may say that its modules make more of them: ``ALL`` of ``definitions/__init__.py``, by name.
    """
    folder = root / "definitions"
    named: dict[str, Workflow] = {}
    for name, path, builder in (*_modules(root, folder, mistakes), *_files(root, folder)):
        here = path.relative_to(root).as_posix()
        if name in named:
            mistakes.add(f"{here}: {named[name].source} is the workflow {name!r} already; rename one of them")
        named[name] = Workflow(build=builder, source=here)
    package = folder / "__init__.py"
    with mistakes.collecting():
        if package.exists() and "ALL" in names_of(package, root):
            for name, build in imported(root, "definitions").ALL.items():
                source = Path(inspect.getsourcefile(build) or package)
                named[name] = Workflow(build=build, source=_shown(root, str(source)))
    return named


def imported(root: Path, module: str) -> Any:
    """A module of a project. Raises :class:`~orchestrator.errors.InvalidProject`."""
    with importable(root), _explained(root, module):
        return importlib.import_module(module)


def forget(root: Path) -> None:
    """Unloads the project's modules, so that the next import reads their files again."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in _PACKAGES and _is_of(root, module):
            del sys.modules[name]


def _modules(root: Path, folder: Path, mistakes: Mistakes) -> Iterator[tuple[str, Path, Builder]]:
    for path in sorted((*folder.glob("[!_]*.py"), *folder.glob("[!_]*/__init__.py"))):
        module = path.parent.name if path.stem == "__init__" else path.stem
        # One that cannot be read is a workflow, too, so that a task that runs it is not blamed.
        names = frozenset({"build"})
        with mistakes.collecting():
            names = names_of(path, root)
        if "build" in names:
            yield function_name(module), path, _from_module(root, f"definitions.{module}")


def _from_module(root: Path, module: str) -> Builder:
    def build(stack: Stack) -> Definition:
        with importable(root), _explained(root, module):
            made = importlib.import_module(module).build(stack)
        if not isinstance(made, Definition):
            raise InvalidProject(
                [f"{module.replace('.', '/')}.py: build is to return a Definition, found {type(made).__name__}"]
            )
        return made

    return build


def _files(root: Path, folder: Path) -> Iterator[tuple[str, Path, Builder]]:
    for suffix in _WRITTEN:
        for path in sorted(folder.glob(f"[!_]*{suffix}")):
            yield function_name(path.name.removesuffix(suffix)), path, _from_file(root, path)


def _from_file(root: Path, path: Path) -> Builder:
    def build(stack: Stack) -> Definition:
        shown = path.relative_to(root).as_posix()
        try:
            return written(_content(path, shown), stack)
        except InvalidDefinition as fault:
            raise InvalidProject([f"{shown}: {said}" for said in fault.problems]) from fault

    return build


def _content(path: Path, shown: str) -> Mapping[str, Any]:
    # Here, because most commands read no YAML.
    import yaml

    text = path.read_text(encoding="utf-8")
    try:
        definition = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except json.JSONDecodeError as fault:
        raise InvalidProject([f"{shown}:{fault.lineno}: this is not JSON: {fault.msg}"]) from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidProject([f"{shown}{line}: this is not YAML: {getattr(fault, 'problem', fault)}"]) from fault
    if not isinstance(definition, Mapping):
        raise InvalidProject([f"{shown}: expected a state machine, found {type(definition).__name__}"])
    return definition


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Python finds this project's packages, and afterwards again those that it had found of another."""
    others = {
        name: module
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in _PACKAGES and not _is_of(root, module)
    }
    for name in others:
        del sys.modules[name]
    for name in _PACKAGES:
        # A folder without __init__.py loses to any package of its name that Python finds later on its path.
        if name not in sys.modules and (root / name).is_dir() and not (root / name / "__init__.py").exists():
            sys.modules[name] = module = ModuleType(name)
            module.__path__ = [str(root / name)]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        if others:
            forget(root)
            sys.modules.update(others)


def _is_of(root: Path, module: Any) -> bool:
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
    return any(Path(place).is_relative_to(root) for place in places if place)


@contextmanager
def _explained(root: Path, module: str) -> Iterator[None]:
    """Turns an exception of the project's code into InvalidProject, with the file and the line."""
    try:
        yield
    except InvalidProject:
        raise
    except SyntaxError as fault:
        raise InvalidProject([not_python(_shown(root, fault.filename or ""), fault)]) from fault
    except Exception as fault:
        folders = [root / name for name in _PACKAGES]
        frames = [
            one
            for one in traceback.extract_tb(fault.__traceback__)
            if any(Path(one.filename).is_relative_to(folder) for folder in folders)
        ]
        place = f"{_shown(root, frames[-1].filename)}:{frames[-1].lineno}" if frames else module.replace(".", "/")
        missing = isinstance(fault, ModuleNotFoundError) and str(fault.name).split(".")[0] == "stepfunctions"
        said = _WITHOUT_SDK if missing else f"{type(fault).__name__}: {fault}"
        raise InvalidProject([f"{place}: {said}"]) from fault


def _shown(root: Path, file: str) -> str:
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()

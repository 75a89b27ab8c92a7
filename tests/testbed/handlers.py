"""The project's own handlers, beside those of a test, in one folder as a deployment takes it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import lambdas.functions
from orchestrator import system
from orchestrator.functions import Function
from tests.testbed import UNFINISHED

_FOLDER = Path(lambdas.__file__).parent


def folder_with(tests_own: Path, into: Path, modules: Sequence[str]) -> Path:
    """A copy of the folder ``tests_own`` with ``modules`` of the project, and what all handlers share."""
    shutil.copytree(tests_own, into, ignore=UNFINISHED, dirs_exist_ok=True)
    for module in modules:
        package = _FOLDER / module.split(".")[0]
        if package.is_dir():
            shutil.copytree(package, into / package.name, ignore=UNFINISHED, dirs_exist_ok=True)
        else:
            shutil.copy(package.with_suffix(".py"), into)
    return into


def functions(*modules: str, environment: Mapping[str, str]) -> tuple[Function, ...]:
    """Returns the project's functions of these modules, with more in their environment."""
    known = {**{one.module: one for one in system.FUNCTIONS}, **lambdas.functions.SETTINGS}
    declared = [known[module] for module in modules]
    return tuple(replace(one, environment={**one.environment, **environment}) for one in declared)

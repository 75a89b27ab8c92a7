"""A project: the folder of a ``tasks.yaml``, with functions in ``lambdas`` and workflows in ``definitions``.

What every stack has beside them (TaskRunner, Backfill, the functions that watch and tell) comes from
:mod:`orchestrator.system`. A project whose own ``definitions`` and ``lambdas`` hold one of these deploys its own: that
is how the repository of this library is a project as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import system
from orchestrator.deployment.application import Application
from orchestrator.deployment.dependencies import Dependencies
from orchestrator.deployment.discovery import discover, names_of
from orchestrator.deployment.mistakes import Mistakes
from orchestrator.deployment.template import ARCHITECTURE, RUNTIME
from orchestrator.deployment.wheels import Platform
from orchestrator.deployment.workflows import Builder, imported, workflows
from orchestrator.errors import NoProject
from orchestrator.functions import Function, Table
from orchestrator.stack import Stack

#: The file that makes a folder a project.
TASKS = "tasks.yaml"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder; each environment is an application of it. Its files are read when they are asked for."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project of a folder: the nearest one upward with a ``tasks.yaml``. Raises NoProject."""
        start = start.absolute()
        for folder in (start, *start.parents):
            if (folder / TASKS).is_file():
                return cls(root=folder)
        raise NoProject(str(start))

    @property
    def tasks(self) -> Path:
        return self.root / TASKS

    @property
    def lambdas(self) -> Path:
        return self.root / "lambdas"

    @property
    def definitions(self) -> Mapping[str, Builder]:
        """What makes each state machine's definition, by name. Raises :class:`~orchestrator.errors.InvalidProject`."""
        return {**system.MACHINES, **workflows(self.root)}

    def application(self, stack: Stack, dependencies: Dependencies | None = None) -> Application:
        """The project as it is deployed to ``stack``.

        Raises :class:`~orchestrator.errors.InvalidProject` with every mistake.
        """
        mistakes = Mistakes()
        settings, tables = {one.module: one for one in system.FUNCTIONS}, dict[str, Table]()
        with mistakes.collecting():
            own_settings, tables = self._declared()
            settings |= own_settings
        functions: tuple[Function, ...] = ()
        with mistakes.collecting():
            functions = self._functions(settings)
        definitions = {}
        with mistakes.collecting():
            for name, build in self.definitions.items():
                with mistakes.collecting():
                    definitions[name] = build(stack)
        mistakes.raise_if_any()
        return Application(
            stack=stack,
            definitions=definitions,
            functions=functions,
            lambdas=self.lambdas,
            tables=tables,
            dependencies=dependencies,
        )

    def locked_dependencies(self) -> Dependencies:
        """What the functions depend on, for the platform that the template names.

        Raises :class:`~orchestrator.errors.InvalidLockList`.
        """
        platform = Platform.of_lambda(RUNTIME, ARCHITECTURE)
        own = self.lambdas / "requirements.lock"
        locks = [system.LOCK, *([own] if own.exists() else [])]
        return Dependencies.read(locks, platform, cache=self.root / ".wheels")

    def _functions(self, settings: Mapping[str, Function]) -> tuple[Function, ...]:
        """The project's own, and those of the system that it does not have itself."""
        own = discover(self.lambdas, settings)
        modules = {function.module: function for function in own}
        names = {function.name: function for function in own}
        mistakes = Mistakes()
        for function in system.FUNCTIONS:
            if function.module not in modules and (taken := names.get(function.name)):
                path = f"lambdas/{taken.module.replace('.', '/')}.py"
                mistakes.add(
                    f"{path}: the name {function.name!r} is that of a function which every stack has; rename it"
                )
        mistakes.raise_if_any()
        more = [one for one in system.FUNCTIONS if one.module not in modules]
        return tuple(sorted((*own, *more), key=lambda function: function.name))

    def _declared(self) -> tuple[dict[str, Function], dict[str, Table]]:
        """What ``lambdas/functions.py`` says: ``SETTINGS`` by module, and ``TABLES`` by logical name."""
        path = self.lambdas / "functions.py"
        if not path.exists():
            return {}, {}
        names = names_of(path, self.root)
        if "handler" in names or not names & {"SETTINGS", "TABLES"}:
            return {}, {}
        module = imported(self.root, "lambdas.functions")
        return dict(getattr(module, "SETTINGS", {})), dict(getattr(module, "TABLES", {}))

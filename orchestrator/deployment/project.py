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
from orchestrator.deployment.workflows import imported, workflows
from orchestrator.errors import NoProject
from orchestrator.functions import Function, Table
from orchestrator.stack import Stack

#: The file that makes a folder a project.
TASKS = "tasks.yaml"


@dataclass(frozen=True, kw_only=True)
class Read:
    """A project's files as far as they can be read."""

    application: Application
    #: Where each workflow of the project's own is declared, by its name.
    sources: Mapping[str, str]
    #: The names of all state machines, those without a definition too.
    workflows: tuple[str, ...]


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

    def application(self, stack: Stack, dependencies: Dependencies | None = None) -> Application:
        """The project as it is deployed to ``stack``.

        Raises :class:`~orchestrator.errors.InvalidProject` with every mistake.
        """
        mistakes = Mistakes()
        read = self.read(stack, mistakes, dependencies)
        mistakes.raise_if_any()
        return read.application

    def read(self, stack: Stack, mistakes: Mistakes, dependencies: Dependencies | None = None) -> Read:
        """What the files say; what cannot be read is named, and has no definition."""
        settings, tables = {one.module: one for one in system.FUNCTIONS}, dict[str, Table]()
        with mistakes.collecting():
            own_settings, tables = self._declared()
            settings |= own_settings
        functions = self._functions(settings, mistakes)
        own = workflows(self.root, mistakes)
        builders = {**system.MACHINES, **{name: workflow.build for name, workflow in own.items()}}
        definitions = {}
        for name, build in builders.items():
            with mistakes.collecting():
                definitions[name] = build(stack)
        application = Application(
            stack=stack,
            definitions=definitions,
            functions=functions,
            lambdas=self.lambdas,
            tables=tables,
            dependencies=dependencies,
        )
        sources = {name: workflow.source for name, workflow in own.items()}
        return Read(application=application, sources=sources, workflows=tuple(builders))

    def locked_dependencies(self) -> Dependencies:
        """What the functions depend on, for the platform that the template names.

        Raises :class:`~orchestrator.errors.InvalidLockList`.
        """
        platform = Platform.of_lambda(RUNTIME, ARCHITECTURE)
        own = self.lambdas / "requirements.lock"
        locks = [system.LOCK, *([own] if own.exists() else [])]
        return Dependencies.read(locks, platform, cache=self.root / ".wheels")

    def _functions(self, settings: Mapping[str, Function], mistakes: Mistakes) -> tuple[Function, ...]:
        """The project's own, and those of the system that it does not have itself."""
        own = discover(self.lambdas, settings, mistakes)
        modules = {function.module: function for function in own}
        names = {function.name: function for function in own}
        more = [one for one in system.FUNCTIONS if one.module not in modules]
        for function in more:
            if taken := names.get(function.name):
                path = f"lambdas/{taken.module.replace('.', '/')}.py"
                said = f"the name {function.name!r} is that of a function which every stack has"
                mistakes.add(f"{path}: {said}; rename it")
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

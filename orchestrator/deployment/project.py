"""A repository of tasks: the packages ``definitions`` and ``lambdas``, from which applications are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from orchestrator.asl.definition import Definition
from orchestrator.deployment.application import Application
from orchestrator.deployment.dependencies import Dependencies
from orchestrator.deployment.discovery import discover
from orchestrator.deployment.template import ARCHITECTURE, RUNTIME
from orchestrator.deployment.wheels import Platform
from orchestrator.functions import Function, Table
from orchestrator.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Project:
    """What the two packages hold; each environment is an application of it."""

    #: Makes each state machine's definition, by name.
    definitions: Mapping[str, Callable[[Stack], Definition]]
    #: The folder of the package ``lambdas``.
    lambdas: Path
    #: By module, the functions that differ from the defaults.
    settings: Mapping[str, Function]
    #: The functions' own tables, by logical name.
    tables: Mapping[str, Table]

    def application(self, stack: Stack, dependencies: Dependencies | None = None) -> Application:
        """The project as it is deployed to ``stack``."""
        return Application(
            stack=stack,
            definitions={name: build(stack) for name, build in self.definitions.items()},
            functions=discover(self.lambdas, self.settings),
            lambdas=self.lambdas,
            tables=self.tables,
            dependencies=dependencies,
        )

    def locked_dependencies(self) -> Dependencies:
        """What the functions depend on, for the platform that the template names.

        Raises :class:`~orchestrator.errors.InvalidLockList`.
        """
        platform = Platform.of_lambda(RUNTIME, ARCHITECTURE)
        return Dependencies.read(self.lambdas / "requirements.lock", platform, cache=self.lambdas.parent / ".wheels")


def imported() -> Project:
    """The project whose packages Python finds first, which are those of the working directory or of a checkout.

    The library names no application in its own imports: this is the one place where it looks for one.
    """
    definitions, functions = import_module("definitions"), import_module("lambdas.functions")
    assert functions.__file__ is not None
    return Project(
        definitions=definitions.ALL,
        lambdas=Path(functions.__file__).parent,
        settings=functions.SETTINGS,
        tables=functions.TABLES,
    )

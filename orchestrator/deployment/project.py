"""A project: the folder of a ``tasks.yaml``, with functions in ``lambdas`` and workflows in ``definitions``.

What every stack has beside them (TaskRunner, Backfill, the functions that watch and tell) comes from
:mod:`orchestrator.system`. A project whose own ``definitions`` and ``lambdas`` hold one of these deploys its own: that
is how the repository of this library is a project as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator import system
from orchestrator.asl.definition import Definition
from orchestrator.deployment.application import Application
from orchestrator.deployment.dependencies import Dependencies
from orchestrator.deployment.discovery import discover, names_of
from orchestrator.deployment.http_targets import endpoint
from orchestrator.deployment.inbound import Inbound, Queue
from orchestrator.deployment.job_targets import batch_job, container, glue_job
from orchestrator.deployment.mistakes import Mistakes
from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.deployment.requirements import locked
from orchestrator.deployment.surroundings import Surroundings, existing
from orchestrator.deployment.template import ARCHITECTURE, RUNTIME
from orchestrator.deployment.wheels import Platform, read_lock
from orchestrator.deployment.workflows import Builder, Workflow, imported, workflows
from orchestrator.errors import InvalidProject, NoProject
from orchestrator.functions import Function, Table
from orchestrator.stack import Stack
from orchestrator.taskfile.folder import STACK, TASKS, name_of, nearest
from orchestrator.taskfile.job_models import Job
from orchestrator.taskfile.settings_models import EndpointModel, FunctionModel, StackModel, SurroundingsModel
from orchestrator.taskfile.settings_models import settings as read_settings
from orchestrator.tasks.task import workflow_name


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
        if root := nearest(start):
            return cls(root=root)
        raise NoProject(str(start.absolute()))

    @property
    def tasks(self) -> Path:
        return self.root / TASKS

    @property
    def lambdas(self) -> Path:
        return self.root / "lambdas"

    def stack(self, environment: str = "dev") -> Stack:
        """The stack of an environment. Raises :class:`~orchestrator.errors.InvalidProject` for a wrong ``name``."""
        return Stack.of(name_of(self.root), environment)

    def application(self, stack: Stack, dependencies: Dependencies | None = None) -> Application:
        """The project as it is deployed to ``stack``.

        Raises :class:`~orchestrator.errors.InvalidProject` with every mistake.
        """
        mistakes = Mistakes()
        read = self.read(stack, mistakes, dependencies)
        mistakes.raise_if_any()
        return read.application

    def read(self, stack: Stack, mistakes: Mistakes, dependencies: Dependencies | None = None) -> Read:
        """Reads the files. A file that cannot be read is reported in ``mistakes`` and left out."""
        declared, tables = {one.module: one for one in system.FUNCTIONS}, dict[str, Table]()
        with mistakes.collecting():
            in_python, tables = self._declared()
            declared |= in_python
        whole = StackModel()
        with mistakes.collecting():
            whole = self._stack()
        around = whole.of(stack.environment)
        inbound = _inbound(around)
        functions = inbound.received_by(self._functions(declared, around.functions, mistakes))
        for function in functions:
            for permission in function.permissions:
                kind, _, name = permission.resource.partition(":")
                if kind == "bucket" and name.split(":")[0] not in whole.buckets:
                    mistakes.add(f"{function.name}: {permission.resource!r}: {STACK} names no such bucket")
        own = workflows(self.root, mistakes)
        for name, arn in around.existing.items():
            if name in own:
                mistakes.add(f"{STACK}: existing.{name}: {own[name].source} is the workflow {name!r} already")
            own[name] = Workflow(build=partial(_existing, name, arn), source=STACK)
        for place, kind, name, build in _declared_workflows(around):
            workflow = workflow_name(kind, name)
            if workflow in own:
                mistakes.add(f"{STACK}: {place}.{name}: {own[workflow].source} is the workflow {workflow!r} already")
            own[workflow] = Workflow(build=build, source=f"{STACK}: {place}.{name}")
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
            tables={**tables, **{name: table.to_table() for name, table in whole.tables.items()}},
            buckets=tuple(whole.buckets),
            surroundings=_surroundings(around),
            outcome_events=OutcomeEvents(bus=told.bus, kinds=told.kinds) if (told := around.outcomes) else None,
            inbound=inbound,
            jobs=(*around.ecs.values(), *around.batch.values(), *around.glue.values()),
            dependencies=dependencies,
        )
        sources = {name: workflow.source for name, workflow in own.items()}
        return Read(application=application, sources=sources, workflows=tuple(builders))

    def surroundings(self, stack: Stack) -> Surroundings:
        """What stack.yaml says that ``stack`` stands in. Raises :class:`~orchestrator.errors.InvalidProject`."""
        return _surroundings(self._stack().of(stack.environment))

    def locked_dependencies(self) -> Dependencies:
        """The functions' dependencies, for the platform that the template names.

        A ``requirements.txt`` is resolved by pip, once, into the lock list beside it. Raises
        :class:`~orchestrator.errors.InvalidLockList` and :class:`~orchestrator.errors.InvalidProject`.
        """
        return Dependencies.read([system.LOCK, *self._locks()], _platform(), cache=self.root / ".wheels")

    def _locks(self) -> list[Path]:
        """The lock lists of the project: that for all functions, and those of packages."""
        given = read_lock(system.LOCK)
        for requirements in (self.lambdas / "requirements.txt", *sorted(self.lambdas.glob("*/requirements.txt"))):
            if requirements.exists():
                locked(requirements, _platform(), given)
        locks = (self.lambdas / "requirements.lock", *sorted(self.lambdas.glob("*/requirements.lock")))
        return [lock for lock in locks if lock.exists()]

    def _stack(self) -> StackModel:
        path = self.root / STACK
        return read_settings(path, self.root, StackModel) if path.exists() else StackModel()

    def _functions(
        self, declared: Mapping[str, Function], for_all: FunctionModel, mistakes: Mistakes
    ) -> tuple[Function, ...]:
        """The project's own, and those of the system that it does not have itself."""
        own = []
        for function in discover(self.lambdas, declared, mistakes):
            with mistakes.collecting():
                function = self._with_settings(function, for_all)
            own.append(function)
        modules = {function.module: function for function in own}
        names = {function.name: function for function in own}
        more = [one for one in system.FUNCTIONS if one.module not in modules]
        for function in more:
            if taken := names.get(function.name):
                path = f"lambdas/{taken.module.replace('.', '/')}.py"
                said = f"the name {function.name!r} is that of a function which every stack has"
                mistakes.add(f"{path}: {said}; rename it")
        return tuple(sorted((*own, *more), key=lambda function: function.name))

    def _with_settings(self, function: Function, for_all: FunctionModel) -> Function:
        """A function as ``NAME.yaml`` beside its module, and stack.yaml for all, say."""
        beside = self.lambdas.joinpath(*function.module.split(".")).with_suffix(".yaml")
        its = read_settings(beside, self.root, FunctionModel) if beside.exists() else FunctionModel()
        lock = self.lambdas / function.package / "requirements.lock"
        own = tuple(pin.name for pin in read_lock(lock)) if lock.exists() else ()
        vpc = its.vpc or for_all.vpc
        permissions = [one for model in (*for_all.permissions, *its.permissions) for one in model.to_permissions()]
        return replace(
            function,
            memory_mb=its.memory or for_all.memory or function.memory_mb,
            timeout_seconds=its.timeout or for_all.timeout or function.timeout_seconds,
            temporary_storage_mb=its.temporary_storage or for_all.temporary_storage or function.temporary_storage_mb,
            environment={**function.environment, **for_all.environment, **its.environment},
            secrets={**function.secrets, **for_all.secrets, **its.secrets},
            permissions=(*function.permissions, *permissions),
            vpc=vpc.to_vpc() if vpc else function.vpc,
            layers=tuple(its.layers or for_all.layers) or function.layers,
            dependencies=(*function.dependencies, *own),
        )

    def _declared(self) -> tuple[dict[str, Function], dict[str, Table]]:
        """Reads ``lambdas/functions.py``: ``SETTINGS`` by module, and ``TABLES`` by logical name."""
        path = self.lambdas / "functions.py"
        if not path.exists():
            return {}, {}
        names = names_of(path, self.root)
        if "handler" in names or not names & {"SETTINGS", "TABLES"}:
            return {}, {}
        module = imported(self.root, "lambdas.functions")
        return dict(getattr(module, "SETTINGS", {})), dict(getattr(module, "TABLES", {}))


def _surroundings(around: SurroundingsModel) -> Surroundings:
    return Surroundings(tags=around.tags, permissions_boundary=around.permissions_boundary, key=around.key)


def _inbound(around: SurroundingsModel) -> Inbound:
    queues = {name: Queue(arn=one.arn or "", key=one.key or "") for name, one in around.queues.items()}
    return Inbound(webhooks=around.webhooks is not None, queues=queues)


def _platform() -> Platform:
    return Platform.of_lambda(RUNTIME, ARCHITECTURE)


def _declared_workflows(around: SurroundingsModel) -> Iterator[tuple[str, str, str, Builder]]:
    """What stack.yaml declares that is a workflow: where it says so, the kind of target, the name, what makes it."""
    for name, declared in around.endpoints.items():
        yield "endpoints", "http", name, partial(_endpoint, name, declared)
    makers: Mapping[str, Callable[[str, Any], Definition]] = {
        "ecs": container,
        "batch": batch_job,
        "glue": glue_job,
    }
    for kind, make in makers.items():
        for name, job in getattr(around, kind).items():
            yield kind, kind, name, partial(_job, make, name, job)


def _job(make: Callable[[str, Any], Definition], name: str, declared: Job, _stack: Stack) -> Definition:
    return make(name, declared)


def _endpoint(name: str, declared: EndpointModel, _stack: Stack) -> Definition:
    return endpoint(name, declared.url, declared.method, declared.connection)


def _existing(name: str, arn: str, _stack: Stack) -> Definition:
    try:
        return existing(name, arn)
    except ValueError as fault:
        raise InvalidProject([f"{STACK}: existing.{name}: {fault}"]) from fault

"""What is deployed: the state machines, functions and tables that a project, or a test, hands in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orchestrator
from orchestrator import system
from orchestrator.asl.definition import Definition
from orchestrator.asl.fatal_errors import descendants
from orchestrator.deployment.bundles import Bundle, bundle, library_files, own_files
from orchestrator.deployment.dependencies import Dependencies
from orchestrator.deployment.inbound import Inbound
from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.deployment.settings import AS_DEPLOYED, StackSettings
from orchestrator.deployment.surroundings import Surroundings
from orchestrator.deployment.template import (
    BACKFILL,
    EXPRESS_RUNNER,
    TASK_RUNNER,
    bootstrap_template,
    code_parameter,
    template,
)
from orchestrator.errors import InvalidDefinition, NonRetryableError, error_names
from orchestrator.functions import Function, Table
from orchestrator.pricing import Billed
from orchestrator.pricing.paths import straight
from orchestrator.stack import Stack
from orchestrator.tasks.task import TargetKind, Task

if TYPE_CHECKING:
    from orchestrator.taskfile.job_models import Job
    from orchestrator.taskfile.reader import Declared

#: The folder of this library, which every bundle holds a part of.
LIBRARY = Path(orchestrator.__file__).parent

#: "Quotas related to state machine executions": the largest definition.
DEFINITION_LIMIT_BYTES = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Application:
    """Everything that a template is made of."""

    stack: Stack
    definitions: Mapping[str, Definition]
    functions: tuple[Function, ...]
    #: The folder ``lambdas`` of the project; functions that are not in it are the system's.
    lambdas: Path
    #: The functions' own tables, by logical name.
    tables: Mapping[str, Table] = field(default_factory=dict)
    #: The functions' own buckets, by logical name.
    buckets: tuple[str, ...] = ()
    #: What the account gives.
    surroundings: Surroundings = field(default_factory=Surroundings)
    #: Where what becomes of tasks is published; None: nowhere.
    outcome_events: OutcomeEvents | None = None
    #: How requests and messages reach it that start tasks.
    inbound: Inbound = field(default_factory=Inbound)
    #: The jobs of other services that stack.yaml declares.
    jobs: tuple[Job, ...] = ()
    #: What bundles hold beside our own code; None where the functions' Python has it already.
    dependencies: Dependencies | None = None

    def validate(self) -> None:
        """Raises :class:`~orchestrator.errors.InvalidDefinition`."""
        for name, definition in self.definitions.items():
            definition.validate()
            size = len(definition.text)
            if size > DEFINITION_LIMIT_BYTES:
                said = f"it has {size:,} bytes, at most {DEFINITION_LIMIT_BYTES:,} are allowed; split it"
                raise InvalidDefinition(name, [said])

    def load_tasks(self, file: Path, today: date) -> tuple[Task, ...]:
        """The tasks of a file; see :meth:`load`."""
        return self.load(file, today).tasks

    def load(self, file: Path, today: date) -> Declared:
        """Reads a file for this stack's environment as of today. Each task must run something of this application.

        No task is tried again after a :class:`~orchestrator.errors.NonRetryableError` that its function's code defines,
        and those with a budget have their rates. Raises InvalidTaskFile.
        """
        # Here, because a build reads no tasks.
        from orchestrator.pricing.rates import with_budgets
        from orchestrator.taskfile.reader import read

        declared = read(
            file,
            today=today,
            known_functions=[function.name for function in self.functions],
            known_workflows=self.workflows,
            environment=self.stack.environment,
        )
        named = {task.target.name for task in declared.tasks if task.target.kind is TargetKind.LAMBDA}
        fatal = {function.name: self._fatal_errors(function) for function in self.functions if function.name in named}
        tasks = tuple(
            replace(task, retry=replace(task.retry, never_on=_united(task.retry.never_on, fatal[task.target.name])))
            if task.target.kind is TargetKind.LAMBDA
            else task
            for task in declared.tasks
        )
        return replace(declared, tasks=with_budgets(tasks, declared.budgets, self.billed))

    def billed(self, settings: StackSettings = AS_DEPLOYED) -> Billed:
        """Returns the facts that the bill follows from; ``settings`` that are None count as the template's defaults."""
        template = self.template
        resources = template["Resources"]
        chosen = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
        chosen |= settings.parameters(())
        workflows = {name: self.definitions[name].to_dict() for name in self.workflows}
        return Billed(
            stack=self.stack,
            task_runner=self.definitions[TASK_RUNNER].to_dict(),
            express_runner=twin.to_dict() if (twin := self.definitions.get(EXPRESS_RUNNER)) else {},
            log_level=str(chosen["LogLevel"]),
            log_days=resources[f"{TASK_RUNNER}Logs"]["Properties"]["RetentionInDays"],
            traced=chosen["Tracing"] == "true",
            published=self.outcome_events.kinds if self.outcome_events else (),
            memory_mb={function.name: function.memory_mb for function in self.functions},
            workflow_states={name: states for name, one in workflows.items() if (states := straight(one))},
        )

    def _fatal_errors(self, function: Function) -> Iterable[str]:
        """TaskRunner itself knows those of the library."""
        files = own_files(function, self.folder_of(function))
        sources = (path.read_bytes() for path in files if path.suffix == ".py")
        return sorted(descendants(sources, error_names(NonRetryableError)))

    @property
    def workflows(self) -> tuple[str, ...]:
        """The names of the state machines that a task may run."""
        return tuple(name for name in self.definitions if name not in (TASK_RUNNER, EXPRESS_RUNNER, BACKFILL))

    @property
    def template(self) -> dict[str, Any]:
        told, functions = self.outcome_events, self.functions
        if told:
            functions = told.told_by(functions, self.stack)
        made = template(self.stack, self.definitions, functions, self.tables, self.buckets)
        if told:
            made = told.around(made, self.stack)
        if self.inbound:
            made = self.inbound.around(made, self.stack)
        return self.surroundings.around(made)

    @property
    def bootstrap_template(self) -> dict[str, Any]:
        """The stack before anything can be in it."""
        return self.surroundings.around(bootstrap_template(self.stack))

    def on_its_own(self) -> Application:
        """The application without what only its account has: networks, layers, a key, a boundary of permissions."""
        functions = tuple(replace(one, vpc=None, layers=()) for one in self.functions)
        return replace(self, functions=functions, surroundings=Surroundings(tags=self.surroundings.tags))

    def bundles(self) -> dict[str, Bundle]:
        """Each function's code, by the parameter that names it."""
        not_for_all = {name for function in self.functions for name in function.dependencies}
        bundles, shared = {}, library_files(LIBRARY)
        for function in self.functions:
            others = not_for_all - set(function.dependencies)
            needed = self.dependencies and self.dependencies.without(others)
            bundles[code_parameter(function)] = bundle(function, self.folder_of(function), shared, needed)
        return bundles

    def folder_of(self, function: Function) -> Path:
        """The folder ``lambdas`` that a function's sources are in."""
        own = self.lambdas.joinpath(*function.module.split("."))
        is_own = own.with_suffix(".py").exists() or (own / "__init__.py").exists()
        is_systems = any(one.module == function.module for one in system.FUNCTIONS)
        return system.LAMBDAS if is_systems and not is_own else self.lambdas


def _united(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Both, in order, each name once."""
    return tuple(dict.fromkeys((*first, *second)))

"""Everything that can be known to be wrong with a project before anything of it runs, in one go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestrator import system
from orchestrator.deployment import event_rules
from orchestrator.deployment.application import Application
from orchestrator.deployment.discovery import modules, names_of
from orchestrator.deployment.import_checks import failing_imports, missing_imports
from orchestrator.deployment.mistakes import Mistakes
from orchestrator.deployment.project import Project, Read
from orchestrator.deployment.workflow_checks import workflow_mistakes
from orchestrator.errors import InvalidProject, InvalidTaskFile
from orchestrator.functions import Function, function_name
from orchestrator.schedules import Schedule
from orchestrator.stack import Stack
from orchestrator.taskfile.reader import Declared, read

_NO_LAMBDA = re.compile(r"there is no lambda '([\w-]+)'")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A project without mistakes."""

    application: Application
    declared: Declared
    #: What is no mistake, and probably not meant.
    warnings: tuple[str, ...] = ()


def check(project: Project, stack: Stack, file: Path, now: datetime) -> Checked:
    """Reads the project and its tasks ``file``, and imports its handlers in a process of their own.

    Raises :class:`~orchestrator.errors.InvalidProject` with every mistake of all of them.
    """
    mistakes = Mistakes()
    dependencies = project.locked_dependencies()
    found = project.read(stack, mistakes, dependencies)
    application = found.application
    names = [function.name for function in application.functions]
    own = [one for one in application.functions if application.folder_of(one) == project.lambdas]
    with ThreadPoolExecutor(1) as beside:
        # It takes as long as all else, and most of that in another process.
        importing = beside.submit(lambda: list(failing_imports(project.root, own, dependencies)))
        declared, in_file = _declared(stack, file, now, found)
        for name, definition in application.definitions.items():
            for said in workflow_mistakes(definition.to_dict(), stack, names):
                mistakes.add(f"{found.sources.get(name, name)}: {said}")
        for said in _code_mistakes(project, application, own, importing.result, mistakes):
            mistakes.add(said)
    if not mistakes.found:
        with mistakes.collecting():
            _ = application.template
    for said in in_file:
        mistakes.add(_with_the_module(said, project))
    if declared is not None:
        with mistakes.collecting():
            event_rules.wanted(declared.tasks, application)
    mistakes.raise_if_any()
    assert declared is not None
    return Checked(application=application, declared=declared, warnings=tuple(_over(declared, now, file)))


def _declared(stack: Stack, file: Path, now: datetime, found: Read) -> tuple[Declared | None, Sequence[str]]:
    """The tasks, or what is wrong with their file."""
    try:
        declared = read(
            file,
            today=now.date(),
            known_functions=[function.name for function in found.application.functions],
            known_workflows=[name for name in found.workflows if name not in system.MACHINES],
            environment=stack.environment,
        )
    except InvalidTaskFile as fault:
        return None, fault.problems
    return declared, ()


def _torn(project: Project, mistakes: Mistakes) -> set[str]:
    """The files of functions that are not Python, whoever imports them; each is a mistake."""
    torn = set()
    for path in sorted(project.lambdas.rglob("*.py")):
        try:
            names_of(path, project.root)
        except InvalidProject as fault:
            mistakes.add(fault.problems[0])
            torn.add(path.relative_to(project.root).as_posix())
    return torn


def _code_mistakes(
    project: Project,
    application: Application,
    own: Sequence[Function],
    failing: Callable[[], Iterable[tuple[Function, str]]],
    mistakes: Mistakes,
) -> Iterator[str]:
    """``failing`` waits for the functions of the project's ``own`` that cannot be imported, with the tracebacks."""
    torn = _torn(project, mistakes)
    bundles = {bundle.name: bundle for bundle in application.bundles().values()}
    said: set[tuple[str, str]] = set()
    lacking: set[str] = set()
    for function in own:
        bundle = bundles[function.name]
        assert bundle.dependencies is not None
        if torn.intersection(bundle.files):
            # Which of the files it imports, nobody can say before all of them can be read.
            continue
        for path, line, name in missing_imports(bundle.files, function, bundle.dependencies):
            lacking.add(function.name)
            # What all share is in every bundle, and said once.
            if (path, name) not in said:
                said.add((path, name))
                yield f"{path}:{line}: imports {name}, which its bundle lacks{_what_to_do(name)}"
    for function, traceback in failing():
        if function.name in lacking or (torn and "SyntaxError: " in traceback):
            continue
        path = _path(project, function)
        yield f"{path}: it cannot be imported: {traceback}"


def _what_to_do(name: str) -> str:
    if name.startswith("lambdas."):
        return "; put what several functions share into lambdas/shared"
    if name.startswith("orchestrator"):
        return "; functions have orchestrator.handlers and what it stands on"
    return f"; add the distribution that has {name.split('.')[0]} to lambdas/requirements.txt"


def _path(project: Project, function: Function) -> str:
    path = modules(project.lambdas).get(function.module)
    return path.relative_to(project.root).as_posix() if path else f"lambdas/{function.module}"


def _with_the_module(said: str, project: Project) -> str:
    """A task's mistake, and the module that has the name but no handler."""
    if found := _NO_LAMBDA.search(said):
        for module, path in modules(project.lambdas).items():
            if function_name(module) == found[1]:
                shown = path.relative_to(project.root).as_posix()
                return f"{said.split(';')[0]}: {shown} has no function `handler`"
    return said


def _over(declared: Declared, now: datetime, file: Path) -> Iterator[str]:
    for task in declared.tasks:
        for one in task.schedules:
            if Schedule.of(one.expression, one.timezone).next_after(now) is None:
                yield f"{file.name}: {task.id}: {one.expression} is in the past, and runs no more"

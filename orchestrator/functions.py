"""The Lambda functions: what each is given to run with, and what it may do."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on one resource, which goes by a logical name.

    ``data-bucket`` is the data bucket itself and ``data-bucket:orders/*`` its objects, ``table:Sessions`` a table and
    ``table:TaskRuns/index/StatusIndex`` an index of one, ``ses`` the sending of mail as the stack's sender,
    ``ses:events`` that of mail which leaves events, ``mail-events`` what SES has said of mails, ``alerts`` the topic
    of alerts, ``workflow:billing-page`` a nested workflow that another one starts and waits for, ``task-runner`` and
    ``task-runner:executions`` TaskRunner and its executions, ``metrics`` the project's metrics, ``queue:Courier`` a
    queue of the template, ``parameters:secrets/*`` parameters of Systems Manager below the stack's path,
    ``secrets`` the stack's secrets of Secrets Manager, and ``alert-topics`` the topics that tasks.yaml sends alerts to.
    """

    actions: tuple[str, ...]
    resource: str


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """What calls a function: ``queue:SchedulerDlq``, or ``stream:TaskRuns``, the changes of a table."""

    source: str
    #: Messages or changes at a time.
    batch_size: int = 10
    #: Of changes only these, as patterns of EventBridge; any of them.
    filters: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function, the target ``lambda/NAME`` of tasks, or, with event sources, what they call."""

    #: The logical name: the module's, with ``-`` for ``_`` and ``.``.
    name: str
    #: In the folder ``lambdas``, a package's with a dot; its ``handler`` is called.
    module: str
    memory_mb: int = 256
    timeout_seconds: int = 60
    #: Beside the environment that every function has.
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    #: Distributions that only functions which name them have in their bundles; what nobody names is in every bundle.
    dependencies: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """What of the folder ``lambdas`` its bundle holds, beside what all share."""
        return self.module.split(".")[0]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of DynamoDB that functions keep their own records in, apart from the project's."""

    #: The names of its partition key and, if there is one, its sort key; both hold text.
    key: tuple[str] | tuple[str, str]


def discover(folder: Path, settings: Mapping[str, Function]) -> tuple[Function, ...]:
    """Every module or package in ``folder`` that has a ``handler``, by name; nothing of them is imported.

    A package may hold several functions, a module each: ``billing/create_invoice.py`` is ``billing-create-invoice``.
    ``settings`` are by module; a module that is not in it gets the defaults, so that a new handler is one new file.
    """
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for pattern in ("[!_]*.py", "[!_]*/__init__.py", "[!_]*/[!_]*.py")
        for path in folder.glob(pattern)
    }
    return tuple(
        settings.get(module) or Function(name=function_name(module), module=module)
        for module, path in sorted(modules.items())
        if _has_handler(path)
    )


def function_name(module: str) -> str:
    """The logical name of a module's function."""
    return module.replace("_", "-").replace(".", "-")


def descendants(sources: Iterable[bytes], ancestors: Collection[str]) -> frozenset[str]:
    """The names of the classes in some modules that are subclasses of ``ancestors``, over however many classes.

    Classes go by their names, as errors do in Step Functions; nothing is imported. A class that is only made when the
    code runs, by a call of ``type``, is not found.
    """
    bases: dict[str, set[str]] = {}
    classes: set[str] = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                classes.add(node.name)
                bases.setdefault(node.name, set()).update(filter(None, map(_last_name, node.bases)))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if alias.asname:
                        bases.setdefault(alias.asname, set()).add(alias.name)
            elif isinstance(node, ast.Assign) and (name := _last_name(node.value)):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        bases.setdefault(target.id, set()).add(name)
    found, new = set(ancestors), set(ancestors)
    while new:
        new = {name for name, of in bases.items() if of & new} - found
        found |= new
    return frozenset(found & classes) - frozenset(ancestors)


def _last_name(expression: ast.expr) -> str | None:
    """Of ``Error``, ``errors.Error`` and ``Error[int]``: ``Error``."""
    if isinstance(expression, ast.Subscript):
        return _last_name(expression.value)
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else None


def _has_handler(path: Path) -> bool:
    names: set[str] = set()
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.FunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.Assign):
            names.update(target.id for target in statement.targets if isinstance(target, ast.Name))
    return "handler" in names

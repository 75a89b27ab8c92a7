"""`orchestrator console`: web pages of every task, slot and run, on this machine alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli import faults
from orchestrator.cli.connection import Connection
from orchestrator.errors import OrchestratorError, PortInUse
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from orchestrator.console.pages import Pages
    from orchestrator.console.project import Project
    from orchestrator.console.reading import Reading
    from orchestrator.tasks.task import Task

#: Where it listens if nothing is said.
PORT = 4568

_LAST_PORT = 65_535

_Answer = TypeVar("_Answer")


@click.command()
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any that is free."
)
@click.option(
    "--allow-actions",
    is_flag=True,
    help="Let pages start, rerun, stop, pause, resume, replay, approve and backfill.",
)
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the pages into this folder instead, as files.",
)
@click.pass_obj
def console(connection: Connection, port: int, allow_actions: bool, folder: Path | None) -> None:
    """Show every task, slot and run as web pages, until Ctrl-C.

    They are served to this machine alone, with your own credentials, and nothing is kept of them.
    """
    if folder:
        from orchestrator.console.export import export

        click.echo(f"{export(pages(connection), folder)} pages of {connection.stack.name} in {folder}")
        return
    with serving(connection, port, allow_actions=allow_actions, ahead=True) as address:
        click.echo(f"{connection.stack.name} is shown at {address} Ctrl-C ends it.")
        threading.Event().wait()


@contextmanager
def serving(connection: Connection, port: int, *, allow_actions: bool = False, ahead: bool = False) -> Iterator[str]:
    """Serves the console meanwhile, and gives its address. Raises PortInUse.

    ``ahead`` reads the registry before somebody asks for the first page, which needs it.
    """
    from orchestrator.console.server import served

    @cache
    def shown() -> Pages:
        return pages(connection, allow_actions=allow_actions)

    def application() -> Any:
        # Here, because whoever asks for no page needs none of it.
        from orchestrator.console.application import Console
        from orchestrator.console.application import application as answering

        return answering(Console(deployed=connection, pages=shown(), explain=faults.explain))

    with served(application, port) as address:
        if ahead:
            reading = shown().reading
            threading.Thread(target=_read_ahead, args=(reading,), name="registry", daemon=True).start()
        yield address


def _read_ahead(reading: Reading) -> None:
    # What goes wrong is told by the page that reads again.
    with suppress(Exception):
        reading.records()


@contextmanager
def beside(stack: Stack, port: int) -> Iterator[str]:
    """Serves the console of a stack of the embedded AWS of this process, which listens at ``port``: at the next one,
    or, where that is taken, at any that is free.
    """
    connection = Connection(stack)
    with ExitStack() as until_then:
        try:
            address = until_then.enter_context(serving(connection, port + 1 if 0 < port < _LAST_PORT else 0))
        except PortInUse:
            address = until_then.enter_context(serving(connection, 0))
        yield address


def pages(connection: Connection, *, allow_actions: bool = False) -> Pages:
    """The pages of the stack that the connection is about."""
    from orchestrator.console.guard import Guard
    from orchestrator.console.pages import Pages
    from orchestrator.console.reading import Reading

    connection.place = "in the console"
    return Pages(
        reading=Reading(connection),
        guard=Guard(allow_actions=allow_actions),
        project=_project(connection),
    )


def _project(connection: Connection) -> Project:
    """What the project's files say. Tasks are read again when their file has changed; its mistakes
    `orchestrator validate` tells.
    """
    from orchestrator.console.project import Project
    from orchestrator.deployment import billed
    from orchestrator.pricing import fixed_lines, total

    read: dict[float, Mapping[str, Task]] = {}

    def tasks() -> Mapping[str, Task]:
        file = connection.project.tasks
        changed = file.stat().st_mtime
        if changed not in read:
            found = connection.application.load_tasks(file, connection.now().date())
            read.clear()
            read[changed] = {task.id: task for task in found}
        return read[changed]

    return Project(
        tasks=_where_there_is_one(tasks),
        billed=_where_there_is_one(cache(lambda: billed(connection.application))),
        fixed=_where_there_is_one(cache(lambda: total(fixed_lines(connection.application.template)).dollars())),
    )


def _where_there_is_one(answer: Callable[[], _Answer]) -> Callable[[], _Answer | None]:
    def asked() -> _Answer | None:
        try:
            return answer()
        except (OrchestratorError, OSError):
            return None

    return asked

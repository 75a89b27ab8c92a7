"""What the options of several commands mean, and how their answers are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from orchestrator.instants import is_slot, slot_text
from orchestrator.stack import ENVIRONMENT_NAME, Stack
from orchestrator.taskfile import durations

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

#: Beyond a terminal's width nothing is cut: a file or a pipe gets whole lines.
_PIPE_WIDTH = 220

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")

owner_option = click.option("--owner", help="Only tasks of this owner.")
tag_option = click.option("--tag", "tags", multiple=True, help="Only tasks with this tag; repeatable: with each.")


def _params(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    params = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"expected name=value, found {one!r}")
        try:
            params[name] = json.loads(text)
        except ValueError:
            params[name] = text
    return params


overriding_params = click.option(
    "--param", "params", multiple=True, callback=_params, help="name=value, over the task's own; repeatable."
)


def length_or_moment(text: str) -> timedelta | datetime | None:
    """Reads ``2h``, a day or a moment, with or without its zone; None if it is none of them."""
    with suppress(ValueError):
        return timedelta(seconds=durations.seconds(text))
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    return None


def _zoned(text: str, expected: str) -> datetime:
    """A moment with its zone. Raises BadParameter, which says what was ``expected``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(f"expected {expected}, like 2026-12-01T08:00:00Z, found {text!r}")
    return at


def _slot(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """A slot as the ledger writes it; that of an ad hoc run has milliseconds, and an event's an id."""
    if text is None:
        return None
    moment, mark, named = text.partition("#")
    slot = f"{slot_text(_zoned(moment, 'a slot'))}{mark}{named}"
    if not is_slot(slot):
        raise click.BadParameter(
            f"expected a slot like 2026-12-01T08:00:00Z or 2026-12-01T08:00:00Z#id, found {text!r}"
        )
    return slot


slot_argument = click.argument("slot", callback=_slot)
newest_or_slot = click.argument("slot", callback=_slot, required=False)


def environment_name(name: str) -> str:
    """Raises click.BadParameter if it is none."""
    if not ENVIRONMENT_NAME.fullmatch(name):
        raise click.BadParameter("1 to 12 of a-z, 0-9 and -, a letter first")
    return name


def _stack(context: click.Context, parameter: click.Parameter, environment: str | None) -> Stack:
    connection: Connection = context.obj
    return connection.stack if environment is None else connection.stack_of(environment_name(environment))


environment_option = click.option(
    "--env", "stack", callback=_stack, show_default="dev", help="Which environment: dev, staging, prod …"
)


tasks_option = click.option(
    "--tasks",
    "file",
    type=click.Path(path_type=Path),
    show_default="tasks.yaml of the project",
    help="Another file of tasks.",
)


def gathered(
    name: str, kind: type[Any], *options: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options that belong together: the command gets them as its argument ``name``, a ``kind``.

    ``kind`` is a dataclass whose fields are called as the options are.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(*arguments: Any, **given: Any) -> Any:
            value = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            return command(*arguments, **given, **{name: value})

        for option in reversed(options):
            called = option(called)
        return called

    return decorate


def console() -> Console:
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH)


def print_json(values: Iterable[Mapping[str, Any]]) -> None:
    for value in values:
        click.echo(json.dumps(value, ensure_ascii=False))


def moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """A moment with its zone, to the second."""
    if text is None:
        return None
    return _zoned(text, "a moment with its zone").astimezone(UTC).replace(microsecond=0)


def day_or_moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """A moment with its zone, or a day or a moment without one, which is left without one: it is the task's."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as fault:
        raise click.BadParameter(f"expected 2026-12-01 or 2026-12-01T08:00:00Z, found {text!r}") from fault

"""Which tasks a command is about: TASK, --tag, --owner or --all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import wraps
from typing import Any

import click

from orchestrator.cli.options import length_or_moment
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task


def scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the argument TASK and the options --tag, --owner and --all; it gets a ``scope``."""

    @wraps(command)
    def called(
        *arguments: Any, task: str | None, tag: str | None, owner: str | None, everything: bool, **given: Any
    ) -> Any:
        named = {ScopeKind.TASK: task, ScopeKind.TAG: tag, ScopeKind.OWNER: owner}
        scopes = [Scope(kind=kind, name=name) for kind, name in named.items() if name]
        scopes += [Scope(kind=ScopeKind.ALL)] if everything else []
        if len(scopes) != 1:
            raise click.UsageError("expected one of TASK, --tag, --owner and --all")
        return command(*arguments, scope=scopes[0], **given)

    for option in (
        click.option("--all", "everything", is_flag=True, help="All tasks, but for the product's own."),
        click.option("--owner", help="All tasks of this owner."),
        click.option("--tag", help="All tasks with this tag."),
        click.argument("task", required=False),
    ):
        called = option(called)
    return called


def known(scope: Scope, tasks: Iterable[Task]) -> None:
    """Raises UsageError where a scope holds no task, with what may have been meant."""
    everything = list(tasks)
    if any(scope.covers(task) for task in everything):
        return
    names = {
        ScopeKind.TASK: [task.id for task in everything],
        ScopeKind.TAG: [tag for task in everything for tag in task.tags],
        ScopeKind.OWNER: [task.owner for task in everything],
        ScopeKind.ALL: [],
    }[scope.kind]
    close = get_close_matches(scope.name, sorted(set(names)), n=1)
    raise click.UsageError(
        f"there is no task to be meant by {scope}" + (f"; did you mean {close[0]!r}?" if close else "")
    )


def _until(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | timedelta | None:
    """A moment with its zone, or a length of time from now."""
    until = length_or_moment(text) if text is not None else None
    if text is not None and (until is None or (isinstance(until, datetime) and until.tzinfo is None)):
        raise click.BadParameter(
            f"expected a length of time like 2h, or a moment like 2026-12-01T08:00:00Z, found {text!r}"
        )
    return until


def until_option(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """When something ends by itself."""
    return click.option(
        "--until", callback=_until, required=required, help="It ends by itself after 2h, or at 2026-12-01T08:00:00Z."
    )


def end(until: datetime | timedelta | None, now: datetime) -> str:
    """Writes the end as a pause has it; nothing where it has none."""
    if until is None:
        return ""
    moment = now + until if isinstance(until, timedelta) else until
    if moment <= now:
        raise click.BadParameter(
            f"expected a moment to come, found {key(moment)}; it is {key(now)}", param_hint="--until"
        )
    return key(moment)

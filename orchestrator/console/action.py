"""What an action of a page is: it says first what it would do, and which command does the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.console.deployed import Deployed

#: What a form sends, by name.
Fields = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that a person can do."""

    title: str
    #: What a form has to say, and what it may say.
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    #: The command that does the same.
    command: Callable[[Deployed, Fields], str]
    #: What it would do, a line each; raises an :class:`~orchestrator.errors.OrchestratorError` where it cannot.
    effects: Callable[[Deployed, Fields], list[str]]
    #: Does it, and says what was done.
    do: Callable[[Deployed, Fields], str]


def command(*words: str) -> str:
    """A command of ours, as a shell takes it."""
    return shlex.join(("orchestrator", *words))

"""Which tasks a switch is about, and how a command names it."""

from __future__ import annotations

import shlex

import pytest

from orchestrator.tasks.scope import Scope, ScopeKind


@pytest.mark.parametrize("name", ["data", "Data Platform", "o'neill", "$(id)", "a#b", "*"])
def test_an_owner_in_a_command_that_is_copied_stays_one_word(name: str) -> None:
    assert shlex.split(Scope(kind=ScopeKind.OWNER, name=name).option) == ["--owner", name]

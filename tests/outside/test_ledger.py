"""`ledger verify` says what it has compared, and nothing is no success."""

from __future__ import annotations

from tests.outside.running import Running


def test_a_task_without_slots_is_not_verified(real: Running) -> None:
    said = real.orchestrator("ledger", "verify", "never-due")
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("Nothing was compared")


def test_a_stack_that_has_only_begun_is_not_verified(real: Running) -> None:
    said = real.orchestrator("ledger", "verify", "daily")
    assert said.code == 4


def test_what_was_compared_is_counted(virtual: Running) -> None:
    said = virtual.orchestrator("ledger", "verify", "--json")
    total = said.json[-1]
    assert total["tasks"] == 3
    assert said.code == (0 if total["slots"] else 4)

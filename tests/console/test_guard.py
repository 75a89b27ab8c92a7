"""Which requests the console answers."""

from __future__ import annotations

import pytest

from orchestrator.console.guard import Guard

HERE = {"host": "127.0.0.1:4568", "origin": "http://127.0.0.1:4568"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:4568", "localhost:4568", "[::1]:4568"])
def test_a_page_is_shown_at_a_name_of_this_machine(host: str) -> None:
    assert Guard().refusal("GET", {"host": host}) is None


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:4568", "127.0.0.1.evil.example", "localhost@evil"])
def test_a_page_is_shown_at_no_other_name(host: str) -> None:
    assert "not at" in str(Guard().refusal("GET", {"host": host}))


def test_a_console_acts_only_where_it_was_told_that_it_may() -> None:
    assert "--allow-actions" in str(Guard().refusal("POST", HERE))
    assert Guard(allow_actions=True).refusal("POST", HERE) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:4568"},
        {**HERE, "origin": "null"},
        {**HERE, "origin": "https://evil.example"},
        {**HERE, "origin": "http://127.0.0.1:9"},
        {**HERE, "origin": "http://localhost:4568"},
        {**HERE, "sec-fetch-site": "cross-site"},
        {**HERE, "sec-fetch-site": "same-site"},
    ],
)
def test_an_action_comes_from_one_of_its_own_pages(headers: dict[str, str]) -> None:
    assert "own pages" in str(Guard(allow_actions=True).refusal("POST", headers))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "websocket"])
def test_nothing_else_is_answered(method: str) -> None:
    assert method in str(Guard(allow_actions=True).refusal(method, HERE))


def test_a_token_is_of_one_console_and_is_compared_whole() -> None:
    guard = Guard(allow_actions=True)
    assert guard.holds(guard.token)
    for other in ("", guard.token[:-1], Guard().token, "ä"):
        assert not guard.holds(other)

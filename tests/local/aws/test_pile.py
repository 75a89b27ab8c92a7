"""A pile is what a list would be, but for where it lies."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.local.aws import pile
from orchestrator.local.aws.pile import Drawer, Pile

steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.just(0), st.just(0)),
        st.tuples(st.just("extend"), st.integers(0, 12), st.just(0)),
        st.tuples(st.just("forget"), st.integers(0, 12), st.just(0)),
        st.tuples(st.just("page"), st.integers(0, 30), st.integers(0, 30)),
    ),
    max_size=40,
)


class Thing:
    """One that the garbage collector knows."""

    def __init__(self, number: int) -> None:
        self.number, self.at = number, datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_a_pile_holds_what_a_list_would(monkeypatch: pytest.MonkeyPatch, steps: Any) -> None:
    monkeypatch.setattr(pile, "BLOCK", 5)
    things, expected, more = Pile(), list[int](), [-1]
    for number, (step, first, last) in enumerate(steps):
        if step == "append":
            things.append(number)
            expected.append(number)
        elif step == "extend":
            things += range(first)
            expected += range(first)
        elif step == "forget":
            del things[:first]
            del expected[:first]
        else:
            assert things[first:last] == expected[first:last]
        assert (len(things), list(things), things + more) == (len(expected), expected, expected + more)


def test_few_of_many_things_are_objects() -> None:
    things = Pile()
    for number in range(10 * pile.BLOCK):
        things.append(Thing(number))
    held = sum(type(one) is Thing for one in gc.get_objects())
    assert held < 2 * pile.BLOCK
    assert [one.number for one in things] == list(range(10 * pile.BLOCK))


def test_what_goes_while_somebody_looks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pile, "BLOCK", 5)
    things = Pile()
    things += range(20)
    looking = iter(things)
    seen = [next(looking)]
    del things[:10]
    assert seen + list(looking) == [*range(5), *range(10, 20)]


def test_a_drawer_has_the_newest_of_a_key_until_it_is_removed() -> None:
    drawer = Drawer()
    drawer.put("a", b"1")
    drawer.put("a", b"2")
    assert (drawer.get("a"), drawer.get("b")) == (b"2", None)
    drawer.remove("a")
    assert drawer.get("a") is None

"""Chains of tasks through months of faults: no slot runs before what it waits for, and none waits for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.simulation.chains import Figures, live, simulate
from tests.simulation.year import world


def weeks(**more: Any) -> Figures:
    around = world(1, 40)
    return sum((live(number, 1, around, **more) for number in range(0, 50, 2)), Figures(statuses=Counter()))


def test_every_slot_runs_after_those_that_it_waits_for_or_says_why_it_did_not() -> None:
    found = weeks()
    assert (found.violated, found.waiting, found.missed, found.extra) == (0, 0, 0, 0)
    assert found.held > 1000
    assert found.again > 30
    assert all(found.statuses[status] for status in ("SUCCEEDED", "SKIPPED", "FAILED", "EXPIRED", "MISSED"))


def test_without_the_watchdog_what_the_stream_loses_waits_for_ever() -> None:
    assert weeks(watched=False).waiting > 0


def test_a_runner_that_asks_for_nothing_runs_slots_before_those_that_they_wait_for() -> None:
    assert weeks(gated=False).violated > 0


@pytest.mark.proof
def test_a_year_of_a_thousand_chains() -> None:
    found = simulate(1000, 365, seed=1)
    assert (found.chains, found.wrong) == (1000, 0)

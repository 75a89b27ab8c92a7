"""The rules of claim, lease and watchdog through months of faults; `make simulate` is the year."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.runs.run import RunStatus
from tests.simulation.year import Figures, live, world

DAYS, COUNT = 60, 120


def months(seed: int, *, watched: bool = True, claims: bool = True) -> Figures:
    around = world(seed, DAYS, claims=claims)
    numbers = range(0, 1000, 1000 // COUNT)
    found = (live(number, seed, DAYS, around, watched=watched) for number in numbers)
    return sum(found, Figures(statuses=Counter()))


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.proof)])
def test_every_slot_has_one_row_and_at_most_one_effect(seed: int) -> None:
    found = months(seed)
    assert (found.missed, found.extra) == (0, 0)
    assert found.slots > 2000
    for status in (RunStatus.SUCCEEDED, RunStatus.SKIPPED, RunStatus.MISSED, RunStatus.ABORTED):
        assert found.statuses[status] > 0, status


def test_without_the_watchdog_slots_are_missed() -> None:
    assert months(1, watched=False).missed > 0


def test_without_the_claims_condition_slots_run_twice() -> None:
    assert months(1, claims=False).extra > 0

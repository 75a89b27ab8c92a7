"""Tasks live through whatever hypothesis thinks of: `make lives SEEDS=500` is more of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from orchestrator.local.aws.server import EmbeddedAws
from tests.faults.life import Life
from tests.faults.linked_life import LinkedLife
from tests.faults.world import World, world

#: How many lives; each has a number, from which all of it follows. Plain `make test` leaves all but the first one out.
SEEDS = int(os.environ.get("SEEDS", "20"))
FIRST = 1

#: The first example of a seed is the simplest one, in which nothing happens.
SETTINGS = settings(
    max_examples=2,
    stateful_step_count=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.fixture(scope="module")
def around(embedded_aws: EmbeddedAws) -> Iterator[World]:
    with world(embedded_aws, datetime.now(UTC)) as made:
        yield made


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[] if number < FIRST else pytest.mark.proof) for number in range(SEEDS)]
)
def test_whatever_happens_every_slot_is_explained_and_runs_at_most_once(around: World, number: int) -> None:
    one = seed(number)(type("Life", (Life,), {"world": around}))
    run_state_machine_as_test(one, settings=SETTINGS)


@pytest.mark.proof
@pytest.mark.parametrize("number", range(SEEDS))
def test_whatever_happens_no_slot_that_waits_runs_too_early_twice_or_never(around: World, number: int) -> None:
    one = seed(number)(type("LinkedLife", (LinkedLife,), {"world": around}))
    run_state_machine_as_test(one, settings=SETTINGS)

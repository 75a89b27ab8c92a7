"""What the tests of all state machines use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.local.aws.step_functions import jsonata
from orchestrator.local.aws.step_functions.jsonata import Evaluation


@pytest.fixture(scope="module")
def evaluations() -> Iterator[list[Evaluation]]:
    """Every expression that was evaluated while a module's scenarios ran."""
    seen: list[Evaluation] = []
    stop = jsonata.watch(seen.append)
    yield seen
    stop()

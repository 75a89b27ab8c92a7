"""The overview of a large stack in a real browser."""

from __future__ import annotations

import pytest

from tests.bench.console import drawn


@pytest.mark.proof
def test_two_thousand_tasks_and_seven_days_stay_fluid() -> None:
    seen = drawn(2000, 7)
    assert seen["rows"] == 2000
    assert seen["drawn"] < 3000
    # A frame has 17 ms at 60 of them a second; a machine that is busy has fewer.
    assert seen["median"] < 35
    assert seen["slow"] < 100
    assert seen["replaced"] < 1000

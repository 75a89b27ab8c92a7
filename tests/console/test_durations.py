"""How long runs take."""

from __future__ import annotations

import pytest

from orchestrator.console.durations import durations
from orchestrator.runs.run import Run, RunStatus


def run(seconds: float | None) -> Run:
    return Run(task_id="report", slot="2026-12-01T08:00:00Z", status=RunStatus.SUCCEEDED, duration_seconds=seconds)


def test_nothing_is_said_where_nothing_has_taken_time() -> None:
    assert durations([], []) is None
    assert durations([run(None)], [("limit", 5)]) is None


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    found = durations([run(float(second)) for second in range(100, 0, -1)], [])
    assert found is not None
    assert (found.median, found.percentile_95, found.longest) == (50.0, 95.0, 100.0)


def test_the_chart_goes_from_old_to_new_and_has_some_air_above_its_longest_run() -> None:
    found = durations([run(1.0), run(None), run(4.0)], [])
    assert found is not None
    assert [bar.height for bar in found.bars] == [pytest.approx(1 / 1.06), pytest.approx(0.25 / 1.06)]


def test_limits_are_lines_and_one_that_is_far_away_is_only_said() -> None:
    found = durations([run(10.0)], [("at least", 0), ("at most", 20), ("timeout", 900)])
    assert found is not None
    limits = [(line.name, line.seconds, line.height) for line in found.lines if line.kind == "limit"]
    assert limits == [("at most", 20.0, pytest.approx(1 / 1.06)), ("timeout", 900.0, None)]
    assert found.bars[0].height == pytest.approx(0.5 / 1.06)


def test_runs_that_took_no_time_have_no_height() -> None:
    found = durations([run(0.0)], [("at most", 20)])
    assert found is not None
    assert [bar.height for bar in found.bars] == [0.0]

"""How long runs take."""

from __future__ import annotations

from orchestrator.console.durations import durations
from orchestrator.runs.run import Run, RunStatus


def run(seconds: float | None) -> Run:
    return Run(task_id="report", slot="2026-12-01T08:00:00Z", status=RunStatus.SUCCEEDED, duration_seconds=seconds)


def test_nothing_is_said_where_nothing_has_taken_time() -> None:
    assert durations([], (0, 0)) is None
    assert durations([run(None)], (0, 0)) is None


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    found = durations([run(float(second)) for second in range(100, 0, -1)], (5, 90))
    assert found is not None
    assert (found.median, found.percentile_95, found.longest, found.bounds) == (50.0, 95.0, 100.0, (5, 90))


def test_the_chart_goes_from_old_to_new_and_its_longest_run_fills_it() -> None:
    found = durations([run(1.0), run(None), run(4.0)], (0, 0))
    assert found is not None
    assert [bar.height for bar in found.bars] == [1.0, 0.25]
    assert found.height(2.0) == 0.5


def test_runs_that_took_no_time_have_no_height() -> None:
    found = durations([run(0.0)], (0, 0))
    assert found is not None
    assert ([bar.height for bar in found.bars], found.height(0.0)) == ([0.0], 0.0)

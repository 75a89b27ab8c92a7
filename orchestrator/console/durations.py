"""How long a task's runs take: the median, the 95th percentile, and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from orchestrator.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One run in the chart."""

    run: Run
    #: Of the chart's height, from 0 to 1.
    height: float


@dataclass(frozen=True, kw_only=True)
class Durations:
    """The runs that have a duration, the oldest first, in seconds."""

    bars: tuple[Bar, ...]
    median: float
    percentile_95: float
    longest: float
    #: The task's own bounds; 0 is none.
    bounds: tuple[int, int]

    def height(self, seconds: float) -> float:
        """Returns the height of a line for ``seconds``: 0 is the bottom, 1 the top, and more is above the chart."""
        return seconds / self.longest if self.longest else 0.0


def durations(runs: Sequence[Run], bounds: tuple[int, int]) -> Durations | None:
    """``runs`` are the newest first. None where no run has taken any time yet."""
    timed = [(run, run.duration_seconds) for run in reversed(runs) if run.duration_seconds is not None]
    if not timed:
        return None
    seconds = sorted(taken for _, taken in timed)
    longest = seconds[-1]
    return Durations(
        bars=tuple(Bar(run=run, height=taken / longest if longest else 0.0) for run, taken in timed),
        median=_percentile(seconds, 50),
        percentile_95=_percentile(seconds, 95),
        longest=longest,
        bounds=bounds,
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest that at least ``percent`` of a hundred do not exceed: the nearest rank."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]

"""How long a task's runs take: the median, the 95th percentile, the task's own limits, and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from orchestrator.runs.run import Run

#: Above the highest bar or line, as a share of the chart.
_AIR = 0.06

#: A limit that is so many times as high as the longest run is said, not drawn: it would flatten the bars.
_FAR = 8


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One run in the chart."""

    run: Run
    #: Of the chart's height, from 0 to 1.
    height: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line across the chart."""

    name: str
    seconds: float
    #: Of the chart's height; None where it lies far above it.
    height: float | None
    #: How it is drawn: ``median``, ``percentile`` or ``limit``.
    kind: str


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Of the runs that have a duration, the oldest first. Seconds."""

    bars: tuple[Bar, ...]
    median: float
    percentile_95: float
    longest: float
    lines: tuple[Line, ...]


def durations(runs: Sequence[Run], limits: Sequence[tuple[str, int]]) -> Durations | None:
    """``runs`` are the newest first, ``limits`` names and seconds, of which 0 is none.

    None where no run has taken any time yet.
    """
    timed = [(run, run.duration_seconds) for run in reversed(runs) if run.duration_seconds is not None]
    if not timed:
        return None
    seconds = sorted(taken for _, taken in timed)
    longest = seconds[-1]
    median, percentile = _percentile(seconds, 50), _percentile(seconds, 95)
    bounds = [(name, float(bound)) for name, bound in limits if bound]
    near = [bound for _, bound in bounds if bound <= longest * _FAR]
    top = max(longest, *near, 0.0) * (1 + _AIR)
    drawn = [("median", median, "median"), ("95th percentile", percentile, "percentile")]
    drawn += [(name, bound, "limit") for name, bound in bounds]
    return Durations(
        bars=tuple(Bar(run=run, height=taken / top if top else 0.0) for run, taken in timed),
        median=median,
        percentile_95=percentile,
        longest=longest,
        lines=tuple(
            Line(name=name, seconds=value, height=value / top if top and value <= top else None, kind=kind)
            for name, value, kind in drawn
        ),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest that at least ``percent`` of a hundred do not exceed: the nearest rank."""
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]

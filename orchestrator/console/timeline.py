"""The timeline: which runs went on side by side, each a bar from its start to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.console.grid import Mark, mark_of
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import RunStatus

#: So many bars are drawn; of more, the page says how many.
MOST_BARS = 2000

#: And so many slots that wait are listed.
MOST_WAITING = 200


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A run, in hundredths of the span."""

    run: Outline
    mark: Mark
    left: float
    width: float
    #: Of its task: runs that overlap lie in different lanes.
    lane: int


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """The runs of one task."""

    task_id: str
    bars: tuple[Bar, ...]
    #: How many there were at once.
    most: int


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Runs from ``since`` until ``until``, by task."""

    since: datetime
    until: datetime
    tasks: tuple[Lanes, ...]
    #: Runs that are not drawn.
    left_out: int
    #: The most runs at once over all tasks, and when that began.
    peak: int
    peak_at: datetime | None
    #: What waits now, of the whole span, the longest first.
    waiting: tuple[Outline, ...]


def timeline(runs: Iterable[Outline], since: datetime, until: datetime, now: datetime) -> Timeline:
    """Lays out the runs that were active between ``since`` and ``until``; one that is still active ends ``now``."""
    spans = [(run, *ends) for run in runs if (ends := _ends(run, now)) and ends[0] < until and ends[1] >= since]
    spans.sort(key=lambda one: (one[1], one[0].task_id))
    drawn = spans[-MOST_BARS:]
    by_task: dict[str, list[tuple[Outline, datetime, datetime]]] = {}
    for span in drawn:
        by_task.setdefault(span[0].task_id, []).append(span)
    # What waits runs not.
    peak, peak_at = _peak([(begin, end) for run, begin, end in spans if run.status is not RunStatus.WAITING])
    return Timeline(
        since=since,
        until=until,
        tasks=tuple(_lanes(task_id, by_task[task_id], since, until) for task_id in sorted(by_task)),
        left_out=len(spans) - len(drawn),
        peak=peak,
        peak_at=peak_at,
        waiting=tuple(run for run, _, _ in spans if run.status is RunStatus.WAITING)[:MOST_WAITING],
    )


def _ends(run: Outline, now: datetime) -> tuple[datetime, datetime] | None:
    if run.hold is not None and run.status is RunStatus.WAITING:
        # It has no execution: the bar is the time for which it waits.
        begin = datetime.fromisoformat(run.hold.since).astimezone(UTC)
        return begin, max(begin, now)
    if run.started_at is None:
        return None
    begin = datetime.fromisoformat(run.started_at).astimezone(UTC)
    end = datetime.fromisoformat(run.ended_at).astimezone(UTC) if run.ended_at else now
    return begin, max(begin, end)


def _lanes(
    task_id: str, spans: Iterable[tuple[Outline, datetime, datetime]], since: datetime, until: datetime
) -> Lanes:
    free_at: list[datetime] = []
    bars: list[Bar] = []
    whole = until - since
    for run, begin, end in spans:
        lane = next((lane for lane, free in enumerate(free_at) if free <= begin), len(free_at))
        free_at[lane : lane + 1] = [max(end, begin + timedelta(microseconds=1))]
        left, right = ((max(since, min(moment, until)) - since) / whole * 100 for moment in (begin, end))
        bars.append(Bar(run=run, mark=mark_of(run), left=left, width=max(right - left, 0.15), lane=lane))
    return Lanes(task_id=task_id, bars=tuple(bars), most=len(free_at))


def _peak(spans: Iterable[tuple[datetime, datetime]]) -> tuple[int, datetime | None]:
    spans = list(spans)
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    at_once, most, most_at = 0, 0, None
    for moment, change in changes:
        at_once += change
        if at_once > most:
            most, most_at = at_once, moment
    return most, most_at

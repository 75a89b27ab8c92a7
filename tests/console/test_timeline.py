"""What ran side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.console import timeline as module
from orchestrator.console.grid import Mark
from orchestrator.console.timeline import timeline
from orchestrator.runs.outline import Outline
from tests.console.outlines import outline

SINCE = datetime(2026, 12, 1, 8, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=1)


def ran(begin: int, end: int | None, task_id: str = "report") -> Outline:
    """From and until so many minutes past eight."""
    started = f"{SINCE + timedelta(minutes=begin):%Y-%m-%dT%H:%M:%S.000Z}"
    ended = None if end is None else f"{SINCE + timedelta(minutes=end):%Y-%m-%dT%H:%M:%S.000Z}"
    status = "RUNNING" if end is None else "SUCCEEDED"
    return outline(started, status, task_id=task_id, started_at=started, ended_at=ended)


def test_runs_that_overlap_lie_in_different_lanes() -> None:
    found = timeline([ran(0, 30), ran(15, 45), ran(30, 60)], SINCE, UNTIL, UNTIL)
    (lanes,) = found.tasks
    assert [(bar.lane, bar.left, bar.width) for bar in lanes.bars] == [(0, 0, 50), (1, 25, 50), (0, 50, 50)]
    assert (lanes.most, found.peak, found.peak_at) == (2, 2, SINCE + timedelta(minutes=15))


def test_what_goes_on_ends_now_and_what_began_before_begins_at_the_edge() -> None:
    found = timeline([ran(-30, 15), ran(30, None)], SINCE, UNTIL, SINCE + timedelta(minutes=45))
    assert [(bar.left, bar.width, bar.mark) for bar in found.tasks[0].bars] == [
        (0, 25, Mark.SUCCEEDED),
        (50, 25, Mark.RUNNING),
    ]


def test_what_was_before_or_comes_after_or_never_started_is_not_drawn() -> None:
    others = [ran(-30, -10), ran(60, 70), outline("2026-12-01T08:10:00Z", "SKIPPED", reason="paused")]
    found = timeline(others, SINCE, UNTIL, UNTIL)
    assert (found.tasks, found.peak, found.peak_at) == ((), 0, None)


def test_runs_that_follow_each_other_are_one_at_once() -> None:
    assert timeline([ran(0, 10), ran(10, 20)], SINCE, UNTIL, UNTIL).peak == 1


def test_of_too_many_runs_the_newest_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BARS", 2)
    found = timeline([ran(minute, minute + 1, f"t{minute}") for minute in range(5)], SINCE, UNTIL, UNTIL)
    assert ([one.task_id for one in found.tasks], found.left_out) == (["t3", "t4"], 3)

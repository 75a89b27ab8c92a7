"""The day of a change: which slots it loses, and which run twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.deployment.slot_changes import slot_change
from orchestrator.tasks.slots import key
from tests.testbed.sample import task

FRIDAY = datetime(2026, 12, 4, 8, 30, tzinfo=UTC)
MONDAY = datetime(2026, 12, 7, 8, 30, tzinfo=UTC)


def at(hour: int, days: str = "* * ?") -> str:
    return f"cron(0 {hour} {days} *)"


WEEKDAYS = "? * MON-FRI"


@pytest.mark.parametrize(
    ("old", "new", "now", "lost", "doubled"),
    [
        (at(9), at(8), FRIDAY, ["2026-12-04T09:00:00Z"], []),
        (at(8), at(9), FRIDAY, [], ["2026-12-04T09:00:00Z"]),
        (at(9, WEEKDAYS), at(8, WEEKDAYS), MONDAY, ["2026-12-07T09:00:00Z"], []),
        (at(9, WEEKDAYS), at(8, WEEKDAYS), FRIDAY, ["2026-12-04T09:00:00Z"], []),
        (at(8, WEEKDAYS), at(9, WEEKDAYS), FRIDAY, [], ["2026-12-04T09:00:00Z"]),
        # moved, neither lost nor doubled
        (at(9), "cron(5 9 * * ? *)", FRIDAY, [], []),
        (at(7), at(6), FRIDAY, [], []),
        # another pace
        ("rate(1 hour)", at(6), FRIDAY, [], []),
        (at(6), "rate(1 hour)", FRIDAY, [], []),
    ],
)
def test_a_moved_schedule(old: str, new: str, now: datetime, lost: list[str], doubled: list[str]) -> None:
    change = slot_change(task("report", old), task("report", new), now)
    assert [key(moment) for moment in change.lost] == lost
    assert [key(moment) for moment in change.doubled] == doubled


def test_the_next_times_are_told_before_and_after() -> None:
    change = slot_change(task("report", at(9)), task("report", at(10)), FRIDAY)
    assert [key(moment)[:13] for moment in change.next_old] == ["2026-12-04T09", "2026-12-05T09", "2026-12-06T09"]
    assert [key(moment)[:13] for moment in change.next_new] == ["2026-12-04T10", "2026-12-05T10", "2026-12-06T10"]


def test_a_task_that_comes_or_goes_loses_nothing() -> None:
    assert slot_change(None, task("report", at(9)), FRIDAY).lost == ()
    gone = slot_change(task("report", at(9)), None, FRIDAY)
    assert (gone.lost, gone.next_new, len(gone.next_old)) == ((), (), 3)

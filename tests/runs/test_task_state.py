"""A record's pause: one rule says whether it keeps the task from running."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.runs.task_state import Pause, Record
from orchestrator.tasks.task import Target, TargetKind, Task

NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)
TASK = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"))


@pytest.mark.parametrize(
    ("until", "on"),
    [
        ("", True),
        ("2026-11-23T09:00:31Z", True),
        ("2026-11-23T09:00:30Z", False),
        ("2026-11-22T00:00:00Z", False),
        # A person may have written anything in the console; what can be no end is none, as TaskRunner has it.
        (" ", True),
        ("tomorrow", True),
    ],
)
def test_a_pause_is_on_until_its_end_has_come(until: str, on: bool) -> None:
    pause = Pause(who="ann", why="stocktaking", since="2026-11-20T00:00:00Z", until=until)
    assert Record(task=TASK, pause=pause).pause_at(NOW) == (pause if on else None)


def test_a_task_without_a_pause_is_not_paused() -> None:
    assert Record(task=TASK).pause_at(NOW) is None


def test_a_pause_covers_the_slots_between_its_beginning_and_its_end() -> None:
    pause = Pause(since="2026-11-23T09:00:30Z", until="2026-11-23T09:00:32Z")
    covered = [pause.covers(NOW + timedelta(seconds=seconds)) for seconds in (-1, 0, 1, 2)]
    assert covered == [False, True, True, False]


def test_a_pause_that_begins_within_a_second_covers_no_slot_before_it() -> None:
    """Its beginning has milliseconds, as of one that a person or another program has written; slots have none."""
    at = datetime(2026, 12, 1, 8, tzinfo=UTC)
    pause = Pause(since="2026-12-01T08:00:00.500Z", until="2026-12-01T09:00:00.500Z")
    assert not pause.covers(at)
    assert pause.covers(at + timedelta(seconds=1))
    assert pause.covers(at + timedelta(hours=1))
    assert not pause.over(at + timedelta(hours=1))
    assert pause.over(at + timedelta(hours=1, milliseconds=500))

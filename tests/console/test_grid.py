"""What the cells of the overview show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.console.grid import By, Filter, Mark, Row, Stretch, groups, mark_of, row
from orchestrator.console.rendering import outline as paths
from orchestrator.console.span import span
from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Pause, Record
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.console.outlines import outline

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
DAY = span("day", NOW)


def record(task_id: str = "report", *, pause: Pause | None = None, **fields: Any) -> Record:
    task = Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields)
    return Record(task=task, pause=pause)


def slots(*offsets: int, status: str = "SUCCEEDED") -> list[Any]:
    """A quarter of an hour is a column."""
    return [outline(f"{DAY.begin(offset):%Y-%m-%dT%H:%M:%SZ}", status) for offset in offsets]


def test_what_succeeded_late_is_marked_apart() -> None:
    assert mark_of(outline("2026-12-01T08:00:00Z", attention="late, recovered")) is Mark.WARNED
    assert mark_of(outline("2026-12-01T08:00:00Z", attention="recovered")) is Mark.SUCCEEDED
    assert mark_of(outline("2026-12-01T08:00:00Z", "FAILED", attention="late")) is Mark.FAILED


def test_neighbours_of_one_mark_are_one_stretch() -> None:
    found = row(record(), DAY, slots(3, 4, 5, 9) + slots(6, status="FAILED"), [])
    assert [(one.column, one.width, one.mark) for one in found.stretches] == [
        (3, 3, Mark.SUCCEEDED),
        (6, 1, Mark.FAILED),
        (9, 1, Mark.SUCCEEDED),
    ]


def test_a_cell_shows_the_worst_of_its_slots_and_every_slot_counts() -> None:
    found = row(record(), DAY, slots(3, 3) + slots(3, status="MISSED"), [DAY.begin(3)])
    assert [one.mark for one in found.stretches] == [Mark.MISSED]
    assert found.counts == {Mark.SUCCEEDED: 2, Mark.MISSED: 1, Mark.DUE: 1}
    assert found.worst is Mark.MISSED
    assert found.summary == "1 missed, 2 succeeded, 1 due"


def test_what_lies_outside_of_the_span_is_not_shown() -> None:
    outside = [outline("2026-11-01T08:00:00Z"), outline("2027-12-01T08:00:00Z", "FAILED")]
    found = row(record(), DAY, outside, [DAY.until + timedelta(hours=1)])
    assert (found.stretches, found.worst, found.summary) == ((), None, "no slots")


def test_filters_ask_for_owner_tag_and_every_word_of_a_text() -> None:
    one = record("nightly-report", owner="finance", tags=("pii",), description="Sends the Ledger")
    for taken in (Filter(), Filter(owner="finance"), Filter(tag="pii"), Filter(text="LEDGER night")):
        assert taken.takes(one), taken
    for refused in (Filter(owner="fin"), Filter(tag="p"), Filter(text="ledger daily")):
        assert not refused.takes(one), refused


def test_a_filter_by_status_asks_for_any_slot_of_that_mark_or_for_a_pause() -> None:
    failed: Row = row(record(), DAY, slots(1, status="FAILED"), [])
    paused: Row = row(record(pause=Pause(who="me")), DAY, slots(1), [])
    assert [Filter(status="failed").shows(one) for one in (failed, paused)] == [True, False]
    assert [Filter(status="paused").shows(one) for one in (failed, paused)] == [False, True]
    assert all(Filter().shows(one) for one in (failed, paused))


def test_rows_stand_by_owner_and_those_of_nobody_last() -> None:
    rows = [row(record(task_id, owner=owner), DAY, [], []) for task_id, owner in (("b", ""), ("c", "z"), ("a", "z"))]
    assert [(group.name, [one.record.task.id for one in group.rows]) for group in groups(rows)] == [
        ("z", ["a", "c"]),
        ("", ["b"]),
    ]


def test_rows_stand_by_their_first_tag_or_by_the_worst_of_their_slots() -> None:
    good, bad = (slots(1), slots(2, status="TIMED_OUT"))
    rows = [row(record("a"), DAY, [], []), row(record("b", tags=("z", "y")), DAY, good, [])]
    rows.append(row(record("c"), DAY, [*good, *bad], []))
    assert [(group.name, len(group.rows)) for group in groups(rows, By.TAG)] == [("z", 1), ("", 2)]
    assert [group.name for group in groups(rows, By.STATUS)] == ["timed out", "succeeded", ""]


def test_every_status_has_a_mark_and_every_mark_a_shape_of_its_own() -> None:
    marks = {mark_of(outline("2026-12-01T08:00:00Z", status)) for status in RunStatus}
    assert marks == set(Mark) - {Mark.WARNED, Mark.DUE}
    shapes = [drawn for mark in Mark for _, drawn in paths([Stretch(column=0, width=1, mark=mark)])]
    assert len(set(shapes)) == len(Mark)

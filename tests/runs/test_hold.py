"""What a held slot waits for."""

from __future__ import annotations

import pytest

from orchestrator.dynamodb import to_item
from orchestrator.errors import InvalidRow
from orchestrator.runs.hold import Hold
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.gates import HoldKind

KEY = {"taskId": "load", "slot": "2026-12-01T08:00:00Z", "status": "WAITING"}
LEAST = Hold(kind=HoldKind.POOL, since="2026-12-01T08:00:01.000Z")
MOST = Hold(
    kind=HoldKind.UPSTREAM,
    since="2026-12-01T08:00:01.000Z",
    why="waits for extract 2026-12-01T06:00:00Z",
    wake_at=1_796_112_000,
    deadline="2026-12-01T09:00:00Z",
    params='{"day": "same"}',
    fresh=("extract#2026-12-01T06:00:00Z",),
    fresh_since="2026-12-01T07:00:00.000Z",
)


@pytest.mark.parametrize("hold", [LEAST, MOST])
def test_a_row_gives_back_what_its_slot_waits_for(hold: Hold) -> None:
    item = to_item(KEY | {"hold": hold.to_value(), "linked": 1})
    run = Run.from_item(item)
    assert (run.hold, run.linked, run.status) == (hold, True, RunStatus.WAITING)
    assert Outline.from_item(item).hold == hold


@pytest.mark.parametrize("wrong", [{}, {"kind": "rain", "since": "x"}, {**MOST.to_value(), "deadline": "soon"}])
def test_a_row_that_waits_for_nothing_known_cannot_be_read(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidRow):
        Run.from_item(to_item(KEY | {"hold": wrong}))
    with pytest.raises(InvalidRow):
        Outline.from_item(to_item(KEY | {"hold": wrong}))

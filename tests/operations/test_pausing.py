"""What a pause has skipped, and what of it runs when it is over."""

from __future__ import annotations

import pytest

from orchestrator.operations.pausing import skipped
from orchestrator.runs.run import Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.task_state import Pause
from orchestrator.tasks.task import CatchUp

SINCE = "2026-11-23T09:00:30Z"
BEFORE, AT_ONCE, LATER = "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"


def run(slot: str, started_at: str | None, reason: SkipReason = SkipReason.PAUSED) -> Run:
    return Run(
        task_id="a",
        slot=slot,
        status=RunStatus.SKIPPED,
        trigger=Trigger.SCHEDULE,
        reason=reason,
        started_at=started_at,
    )


def test_what_was_delivered_late_within_the_pauses_own_second_is_not_forgotten() -> None:
    late = run(BEFORE, "2026-11-23T09:00:30.345Z")
    early = run(BEFORE, "2026-11-23T09:00:29.999Z")
    pause = Pause(since=SINCE, on_resume=CatchUp.ALL)
    assert skipped(pause, [late]) == [late]
    assert skipped(pause, [early]) == []


@pytest.mark.parametrize(
    ("on_resume", "slots"), [(CatchUp.NONE, []), (CatchUp.LATEST, [LATER]), (CatchUp.ALL, [AT_ONCE, LATER])]
)
def test_what_was_delivered_or_due_while_it_was_on_is_what_it_has_skipped(on_resume: CatchUp, slots: list[str]) -> None:
    runs = [
        run(LATER, None),
        run(AT_ONCE, "2026-11-23T09:00:45.123Z"),
        run(BEFORE, "2026-11-23T08:00:01.123Z"),
        run("2026-11-23T11:00:00Z", "2026-11-23T11:00:00.123Z", SkipReason.OVERLAP),
    ]
    pause = Pause(who="ann", why="migration", since=SINCE, on_resume=on_resume)
    assert [one.slot for one in skipped(pause, runs)] == slots

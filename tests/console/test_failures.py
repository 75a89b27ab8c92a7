"""What can be run again together."""

from __future__ import annotations

from orchestrator.console.failures import Stretch, stretches
from tests.console.outlines import outline


def test_several_slots_of_a_task_are_run_again_together_but_no_run_by_hand() -> None:
    runs = [outline(f"2026-12-0{day}T08:00:00Z", "FAILED") for day in (3, 1, 2)]
    runs += [outline("2026-12-04T08:00:00.123Z", "FAILED"), outline("2026-12-01T08:00:00Z", "FAILED", task_id="other")]
    (found,) = stretches(runs)
    assert found == Stretch(task_id="report", first="2026-12-01T08:00:00Z", last="2026-12-03T08:00:00Z", count=3)

"""What failed, brought together so that it can be run again together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.instants import order
from orchestrator.runs.outline import Outline

#: One slot has a button of its own.
_SEVERAL = 2


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Slots of one task, from the first to the last of which a backfill runs again what went badly."""

    task_id: str
    first: str
    last: str
    count: int


def stretches(runs: Iterable[Outline]) -> tuple[Stretch, ...]:
    """By task, where several slots of its schedules went badly; a run by hand or of an event is none."""
    by_task: dict[str, list[str]] = {}
    for run in runs:
        if not {".", "#"} & set(run.slot):
            by_task.setdefault(run.task_id, []).append(run.slot)
    return tuple(
        Stretch(task_id=task_id, first=min(slots, key=order), last=max(slots, key=order), count=len(slots))
        for task_id, slots in sorted(by_task.items())
        if len(slots) >= _SEVERAL
    )

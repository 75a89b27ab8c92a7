"""What a slot waits for: slots of other tasks, and what becomes of it when they have not gone well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SlotOf(StrEnum):
    """Which slot of another task a slot waits for; slots that are skipped on a closed day are passed over."""

    #: The one at the same moment, or else the latest before it.
    SAME = "same"
    #: The one before that.
    PREVIOUS = "previous"
    #: All on the same day, by the clock of the task that waits.
    SAME_DAY = "same day"
    #: The latest that is earlier.
    LATEST_BEFORE = "latest before"


class OnFailure(StrEnum):
    """What becomes of a slot when one that it waits for has not gone well."""

    #: It is skipped, and its row says so.
    SKIP = "skip"
    #: It runs all the same.
    RUN = "run"
    #: It goes on waiting: somebody may run the other one again.
    WAIT = "wait"


class OnDeadline(StrEnum):
    """What becomes of a slot that still waits at its deadline."""

    #: It expires, and people are told.
    EXPIRE = "expire"
    #: It runs all the same.
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Another task, or the same, for whose slots a slot waits."""

    task_id: str
    slot: SlotOf = SlotOf.SAME

"""What the slots of a task may have to wait for before they run, without an execution that is kept open."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class HoldKind(StrEnum):
    """What a slot waits for, in the order in which it is asked."""

    #: Slots of other tasks, which must have succeeded.
    UPSTREAM = "upstream"
    #: A person who says yes.
    APPROVAL = "approval"
    #: A moment: the end of a window of events, or what a handler has said that says "not yet".
    TIME = "time"
    #: A place in the task's pool. It is asked for last: whoever has one is to run at once.
    POOL = "pool"


def in_order(kinds: Iterable[HoldKind]) -> tuple[HoldKind, ...]:
    """As they are asked."""
    chosen = set(kinds)
    return tuple(kind for kind in HoldKind if kind in chosen)

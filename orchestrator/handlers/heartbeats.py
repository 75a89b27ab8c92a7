"""Signs of life of a handler: one that hangs is ended long before its timeout, so that its retry comes in time.

Nobody outside can do it: Step Functions ends a task without a sign of life only where the task has a token or is an
activity ("Task workflow state", HeartbeatSeconds), and a function that is called and waited for has neither. So the
process itself does, by a timer of the operating system whose signal interrupts what the main thread waits for, where
Lambda runs a handler. Code in C that neither waits nor returns to Python is not interrupted; the timeout ends it.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.errors import HeartbeatLost

#: Of the attempt that this process makes now; 0 where nobody listens.
_seconds = 0.0


def heartbeat() -> None:
    """Says that the attempt goes on: from now on the task's ``heartbeat`` counts anew. It may be called from any
    thread, as often as one likes, and does nothing for a task without ``heartbeat``.
    """
    if _seconds:
        signal.setitimer(signal.ITIMER_REAL, _seconds, _seconds)


@contextmanager
def watched(seconds: float | None) -> Iterator[None]:
    """Raises :class:`~orchestrator.errors.HeartbeatLost` in the block when for so long nobody has called
    :func:`heartbeat`; once more after the same time, if the block has caught it.

    Outside the main thread, where no signal arrives, and without ``seconds`` nothing is watched.
    """
    global _seconds
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return

    def lost(number: int, frame: FrameType | None) -> None:
        raise HeartbeatLost(seconds)

    before = signal.signal(signal.SIGALRM, lost)
    _seconds = seconds
    try:
        heartbeat()
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _seconds = 0.0
        signal.signal(signal.SIGALRM, before)

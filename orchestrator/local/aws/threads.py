"""Threads that are used again: to start one takes longer than most of what is done in one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from queue import SimpleQueue

from orchestrator.local.aws.clock import Clock

#: Idle ones beyond so many end.
_KEPT = 64

_idle: list[SimpleQueue[Callable[[], object]]] = []


def start(work: Callable[[], object]) -> None:
    """Does ``work`` in a thread of its own, which does not keep the process from ending.

    ``work`` deals with its own exceptions, as there is nobody to hear of one.
    """
    try:
        # To add to a list and to take from it are one step each.
        waiting = _idle.pop()
    except IndexError:
        waiting = SimpleQueue()
        threading.Thread(target=_serve, args=(waiting,), daemon=True, name="embedded-aws-work").start()
    waiting.put(work)


def start_busy(clock: Clock, work: Callable[[], object]) -> None:
    """The same; somebody is busy from now on, and not from when the thread comes to run.

    On a machine that has much to do a thread waits for milliseconds, in which virtual time would pass by minutes.
    """
    working = ExitStack()
    working.enter_context(clock.busy())

    def busily() -> None:
        with working:
            work()

    start(busily)


def idle() -> int:
    """How many threads wait for work."""
    return len(_idle)


def _serve(waiting: SimpleQueue[Callable[[], object]]) -> None:
    while True:
        work = waiting.get()
        work()
        del work
        if len(_idle) >= _KEPT:
            return
        _idle.append(waiting)

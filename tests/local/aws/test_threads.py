"""A thread that has done its work does the next."""

from __future__ import annotations

import threading

from orchestrator.local.aws import threads


def thread_of_work() -> threading.Thread:
    done = threading.Event()
    found: list[threading.Thread] = []

    def work() -> None:
        found.append(threading.current_thread())
        done.set()

    threads.start(work)
    assert done.wait(10)
    return found[0]


def test_it_is_used_again_and_keeps_nothing_running() -> None:
    seen = [thread_of_work() for _ in range(50)]
    assert len(set(seen)) < 50
    assert all(thread.daemon for thread in seen)


def test_work_that_waits_holds_up_nobody() -> None:
    go, together = threading.Event(), threading.Barrier(101)
    for _ in range(100):
        threads.start(lambda: (together.wait(10), go.wait(10)))
    together.wait(10)
    go.set()

"""A thread that has done its work does the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.local.aws import threads
from orchestrator.local.aws.clock import VirtualClock


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


def test_virtual_time_waits_for_a_thread_that_does_not_come_to_run_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Callable[[], object]] = []
    monkeypatch.setattr(threads, "start", begun.append)
    clock = VirtualClock(datetime(2026, 12, 1, tzinfo=UTC), speed=1_000_000)
    clock.sleep(1)
    threads.start_busy(clock, lambda: None)
    before = clock.now()
    time.sleep(0.02)
    assert clock.now() - before < timedelta(minutes=1)
    begun[0]()
    time.sleep(0.02)
    assert clock.now() - before > timedelta(hours=1)

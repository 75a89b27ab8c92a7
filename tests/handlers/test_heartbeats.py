"""A handler that is silent for too long is ended, wherever it waits, and one that gives signs of life is not."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from orchestrator.errors import HeartbeatLost
from orchestrator.handlers import heartbeat
from orchestrator.handlers.heartbeats import watched


def _in_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=5)


def _at_work() -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize("hang", [lambda: time.sleep(5), _in_a_lock, _at_work], ids=["sleep", "lock", "loop"])
def test_whoever_is_silent_is_ended(hang: Callable[[], None]) -> None:
    began = time.monotonic()
    with pytest.raises(HeartbeatLost, match=r"no sign of life for 0\.05 s"), watched(0.05):
        hang()
    assert time.monotonic() - began < 2


def test_each_sign_of_life_counts_anew_from_any_thread() -> None:
    with watched(0.2):
        for _ in range(4):
            time.sleep(0.08)
            thread = threading.Thread(target=heartbeat)
            thread.start()
            thread.join()


def test_whoever_swallows_it_is_ended_all_the_same() -> None:
    def swallow() -> None:
        with suppress(HeartbeatLost):
            time.sleep(5)
        time.sleep(5)

    with pytest.raises(HeartbeatLost), watched(0.03):
        swallow()


def test_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with watched(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before
    heartbeat()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_nobody_listens_where_no_signal_arrives() -> None:
    done = []

    def work() -> None:
        with watched(0.01):
            time.sleep(0.05)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done

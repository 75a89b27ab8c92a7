"""Virtual time leaps while nobody works, and never past what somebody waits for."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from orchestrator.local.aws.clock import FOREVER, RealClock, VirtualClock, Wake

START = datetime(2026, 11, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_sleeper_wakes_at_the_very_moment_however_fast_time_passes() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    woke = []
    with clock.busy():
        for hours in (1, 2, 30):
            clock.sleep_until(START + hours * HOUR, resting=True)
            woke.append(clock.now().replace(microsecond=0))
    assert woke == [START + HOUR, START + 2 * HOUR, START + 30 * HOUR]


def test_a_day_passes_in_less_than_a_second() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    began = time.monotonic()
    clock.sleep(86_400)
    assert time.monotonic() - began < 1
    assert clock.now() >= START + 24 * HOUR


def test_time_passes_as_it_really_does_while_somebody_is_busy() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    with clock.busy():
        before = clock.now()
        began = time.monotonic()
        clock.sleep(0.05)
        passed, real = (clock.now() - before).total_seconds(), time.monotonic() - began
    assert 0.05 <= passed <= real + 0.01


def test_several_can_be_busy_at_once() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    with clock.busy():
        with clock.busy():
            pass
        assert clock.now() - START < timedelta(seconds=1)


def test_time_begins_when_somebody_works_or_waits() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    time.sleep(0.001)
    assert clock.now() == START


def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    order: list[int] = []

    def sleep(hours: int) -> None:
        with clock.busy():
            clock.sleep_until(START + hours * HOUR, resting=True)
            order.append(hours)

    with clock.busy():
        threads = [threading.Thread(target=sleep, args=(hours,)) for hours in (5, 1, 3)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert order == [1, 3, 5]


def test_a_sleeper_can_be_woken_early() -> None:
    for clock in (VirtualClock(START, speed=1), RealClock()):
        wake = threading.Event()
        threading.Timer(0.02, wake.set).start()
        began = time.monotonic()
        clock.sleep(60, wake=wake)
        assert time.monotonic() - began < 5


def test_time_never_goes_back() -> None:
    clock = VirtualClock(START, speed=10_000)
    moments = [clock.now() for _ in range(1000)]
    assert moments == sorted(moments)


def test_whoever_is_woken_is_busy_from_the_moment_of_the_call() -> None:
    clock = VirtualClock(START, speed=1_000_000)
    wake, done = Wake(), threading.Event()

    def sleep() -> None:
        with clock.busy():
            clock.sleep_until(FOREVER, wake=wake, resting=True)
            done.wait()

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    while clock.now() - START < HOUR:
        time.sleep(0.001)
    wake.set()
    before = clock.now()
    time.sleep(0.02)
    assert clock.now() - before < timedelta(seconds=5)
    done.set()
    sleeper.join()


def test_a_wake_calls_once_whoever_asked_before_or_after_it_was_set() -> None:
    wake = Wake()
    called: list[str] = []
    wake.then(lambda: called.append("before"))
    wake.set()
    wake.set()
    wake.then(lambda: called.append("after"))
    assert called == ["before", "after"]

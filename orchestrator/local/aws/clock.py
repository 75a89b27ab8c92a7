"""The time that the embedded AWS lives in: real, or virtual and faster.

Virtual time passes quickly only while nobody works. While anything is busy it passes as real time does, so durations,
timeouts and leases keep their meaning however fast the days go by.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: How soon, in real seconds, a sleeper notices that it was woken by an event that is no :class:`Wake`.
_WAKE_SECONDS = 0.02

#: The longest that a sleeper waits before it looks again, in real seconds.
_LONG_SECONDS = 3600.0

#: Until when to sleep for something that has no time.
FOREVER = datetime.max.replace(tzinfo=UTC)


class Wake(threading.Event):
    """An event that wakes those who sleep for it at the moment it is set, and not when they next look.

    It is set once, and stays so.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Callable[[], None]] = []
        self._guard = threading.Lock()

    def set(self) -> None:
        with self._guard:
            super().set()
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def then(self, call: Callable[[], None]) -> None:
        """Calls ``call`` when it is set, or now if it is: more than once must do no harm."""
        with self._guard:
            if not self.is_set():
                self._calls.append(call)
                return
        call()


class Clock(ABC):
    """Tells the time, and lets others wait for it."""

    #: How many times as fast as the machine's own time it passes while nobody is busy.
    speed: float = 1.0

    @abstractmethod
    def now(self) -> datetime:
        """The time, aware, in UTC."""

    @abstractmethod
    def sleep_until(self, when: datetime, *, wake: threading.Event | None = None, resting: bool = False) -> None:
        """Returns when it is ``when``, or soon after ``wake`` is set.

        ``resting``: the caller is inside :meth:`busy`, and is not busy while it sleeps.
        """

    @contextmanager
    @abstractmethod
    def busy(self) -> Iterator[None]:
        """Lets time pass as it really does while somebody works. Many threads may enter it at once."""

    def sleep(self, seconds: float, *, wake: threading.Event | None = None, resting: bool = False) -> None:
        """:meth:`sleep_until` so many seconds from now."""
        self.sleep_until(self.now() + timedelta(seconds=seconds), wake=wake, resting=resting)


class RealClock(Clock):
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep_until(self, when: datetime, *, wake: threading.Event | None = None, resting: bool = False) -> None:
        wake = wake or threading.Event()
        while (seconds := (when - self.now()).total_seconds()) > 0 and not wake.wait(min(seconds, 3600)):
            pass

    @contextmanager
    def busy(self) -> Iterator[None]:
        yield


@dataclass(kw_only=True, eq=False, slots=True)
class _Sleeper:
    """Somebody who waits for a moment of virtual time."""

    when: datetime
    changed: threading.Condition
    asleep: bool = True


def _moment(sleeper: _Sleeper) -> datetime:
    return sleeper.when


class VirtualClock(Clock):
    """Starts at ``start`` and passes ``speed`` times as fast while nobody is busy.

    It never passes the moment that a sleeper waits for before that sleeper has woken: what is due at midnight happens
    at midnight, whatever the speed and however slow the machine.
    """

    def __init__(self, start: datetime, *, speed: float) -> None:
        self.speed = speed
        self._time = start
        self._read_at: float | None = None
        self._busy = 0
        self._lock = threading.RLock()
        #: In the order of their moments.
        self._sleepers: list[_Sleeper] = []

    def now(self) -> datetime:
        with self._lock:
            return self._advance()

    def sleep_until(self, when: datetime, *, wake: threading.Event | None = None, resting: bool = False) -> None:
        with self._lock:
            self._advance()
            sleeper = _Sleeper(when=when, changed=threading.Condition(self._lock))
            insort(self._sleepers, sleeper, key=_moment)
            self._work(-1 if resting else 0)

            def rise() -> None:
                # In one step under the lock, so that no time slips by between waking and being busy again.
                with self._lock:
                    if sleeper.asleep:
                        sleeper.asleep = False
                        self._advance()
                        self._remove(sleeper)
                        self._work(1 if resting else 0)
                        sleeper.changed.notify()

            if isinstance(wake, Wake):
                wake.then(rise)
            look = _WAKE_SECONDS if wake and not isinstance(wake, Wake) else _LONG_SECONDS
            while sleeper.asleep and (left := (when - self._advance()).total_seconds()) > 0:
                if wake and wake.is_set():
                    break
                # It is not the turn of others before the first has woken, which wakes the next.
                is_first = self._sleepers[0] is sleeper
                sleeper.changed.wait(min(left / self._rate, look) if is_first else look)
            rise()

    def _remove(self, sleeper: _Sleeper) -> None:
        at = bisect_left(self._sleepers, sleeper.when, key=_moment)
        while self._sleepers[at] is not sleeper:
            at += 1
        del self._sleepers[at]
        if at == 0:
            self._look()

    def _look(self) -> None:
        """Lets the first sleeper look anew for how long it still sleeps; nobody else needs to."""
        if self._sleepers:
            self._sleepers[0].changed.notify()

    @contextmanager
    def busy(self) -> Iterator[None]:
        with self._lock:
            self._advance()
            self._work(1)
        try:
            yield
        finally:
            with self._lock:
                self._advance()
                self._work(-1)

    @property
    def _rate(self) -> float:
        return 1.0 if self._busy > 0 else self.speed

    def _work(self, change: int) -> None:
        was = self._rate
        self._busy += change
        # Time begins to pass when somebody works or waits for the first time.
        self._read_at = self._read_at or time.monotonic()
        if self._rate > was:
            self._look()

    def _advance(self) -> datetime:
        if self._read_at is None:
            return self._time
        read_at = time.monotonic()
        passed = self._time + timedelta(seconds=(read_at - self._read_at) * self._rate)
        if self._sleepers:
            passed = min(passed, self._sleepers[0].when)
        self._time = max(self._time, passed)
        self._read_at = read_at
        return self._time

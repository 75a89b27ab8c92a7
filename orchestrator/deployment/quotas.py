"""How fast AWS lets us write: a token bucket for each API, so that a first sync is bounded and not throttled.

What is throttled all the same is retried by boto3, whose standard mode backs off exponentially with jitter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Writes a second to EventBridge Scheduler. CreateSchedule, UpdateSchedule and DeleteSchedule are throttled apart; this
#: is what the smallest Regions admit to each ("Quotas for EventBridge Scheduler").
SCHEDULE_WRITES = 250

#: Writes a second to the registry: a quarter of what a new on-demand table admits ("DynamoDB burst and adaptive
#: capacity"), because a record may take more than one write unit, and running tasks write it too.
REGISTRY_WRITES = 1000


class TokenBucket:
    """Holds callers back to ``per_second`` calls, whichever thread they come from; a second's worth may come at once.

    ``monotonic`` gives seconds, ``sleep`` waits for some.
    """

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = per_second
        self._filled_at = monotonic()

    def take(self) -> None:
        """Returns when the next call may be made."""
        with self._lock:
            now = self._monotonic()
            self._tokens = min(self._per_second, self._tokens + (now - self._filled_at) * self._per_second)
            self._filled_at = now
            # A debt is a place in the queue: who comes later waits longer.
            self._tokens -= 1
            wait = -self._tokens / self._per_second
        if wait > 0:
            self._sleep(wait)

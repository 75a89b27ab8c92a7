"""How a task is retried: the policy in its record, and the arithmetic that TaskRunner does with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with a cap and full jitter, in the words of a Step Functions retrier.

    TaskRunner retries with a loop of its own and not with ``Retry``, because ``Retry`` is part of the definition and
    this policy is part of the task.
    """

    #: How often the target may be called in all; 1 means no retry.
    max_attempts: int = 3
    #: Seconds before the second attempt.
    interval_seconds: int = 10
    #: What each further delay is multiplied by.
    backoff_rate: float = 2.0
    #: No delay is longer.
    max_delay_seconds: int = 300
    #: Errors, by name, that end the run at once.
    never_on: tuple[str, ...] = ()

    def longest_delay(self, attempt: int) -> int:
        """Seconds between attempt ``attempt`` (1, 2, …) and the next, before jitter takes a random share of them."""
        # 2 ** 64 seconds are past every cap; the bound keeps a large attempt from overflowing a float.
        growth = min(self.backoff_rate ** min(attempt - 1, 64), 2.0**64)
        return int(min(self.interval_seconds * growth, self.max_delay_seconds))

    def longest_run(self, timeout_seconds: int) -> int:
        """Seconds that all attempts and all delays can take together."""
        delays = sum(self.longest_delay(attempt) for attempt in range(1, self.max_attempts))
        return self.max_attempts * timeout_seconds + delays

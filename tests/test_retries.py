"""The arithmetic of retries, in Python and as TaskRunner does it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.task_runner.running import BACKOFF_SECONDS
from orchestrator.local import jsonata
from orchestrator.retries import RetryPolicy

policies = st.builds(
    RetryPolicy,
    interval_seconds=st.integers(0, 3600),
    backoff_rate=st.sampled_from([1.0, 1.5, 2.0, 3.0, 10.0]),
    max_delay_seconds=st.integers(0, 86_400),
)


def test_delays_grow_up_to_the_cap() -> None:
    policy = RetryPolicy(interval_seconds=10, backoff_rate=2, max_delay_seconds=60)
    assert [policy.longest_delay(attempt) for attempt in range(1, 6)] == [10, 20, 40, 60, 60]


@pytest.mark.parametrize("attempt", [64, 1000, 10**9])
def test_no_attempt_is_too_late_to_have_a_delay(attempt: int) -> None:
    assert RetryPolicy(backoff_rate=10, max_delay_seconds=300).longest_delay(attempt) == 300


def test_a_run_of_one_attempt_has_no_delays() -> None:
    assert RetryPolicy(max_attempts=1).longest_run(30) == 30
    assert RetryPolicy(max_attempts=3, interval_seconds=10).longest_run(30) == 3 * 30 + 10 + 20


@given(policies, st.integers(1, 19))
def test_task_runner_waits_no_longer_than_the_policy_says(policy: RetryPolicy, attempt: int) -> None:
    task = {
        "intervalSeconds": policy.interval_seconds,
        "backoffRate": policy.backoff_rate,
        "maxDelaySeconds": policy.max_delay_seconds,
    }
    longest = BACKOFF_SECONDS.replace("$random()", "0.999999999999")
    shortest = BACKOFF_SECONDS.replace("$random()", "0")
    # The variable already counts the attempt that is to come.
    bindings = {"task": task, "attempt": attempt + 1}
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert jsonata.evaluate(longest, bindings, now) == policy.longest_delay(attempt)
    assert jsonata.evaluate(shortest, bindings, now) == 0

"""A task as it is declared."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import LEASE_MARGIN_SECONDS, TARGET_PATTERN, Target, TargetKind, Task

lasting = st.builds(
    Task,
    id=st.just("report"),
    target=st.just(Target(kind=TargetKind.LAMBDA, name="work")),
    timeout_seconds=st.integers(1, 86_400),
    retry=st.builds(
        RetryPolicy,
        max_attempts=st.integers(1, 20),
        interval_seconds=st.integers(0, 3600),
        backoff_rate=st.sampled_from([1.0, 1.5, 2.0, 10.0]),
        max_delay_seconds=st.integers(0, 86_400),
    ),
)


@given(lasting)
def test_a_lease_outlasts_every_attempt_and_every_delay(task: Task) -> None:
    delays = sum(task.retry.longest_delay(attempt) for attempt in range(1, task.retry.max_attempts))
    assert task.lease_seconds - LEASE_MARGIN_SECONDS == task.retry.max_attempts * task.timeout_seconds + delays


@pytest.mark.parametrize("name", ["a:PROD", "a/b", "arn:aws:lambda:us-east-1:1:function:x", "", "x" * 33])
def test_a_target_cannot_lead_out_of_its_prefix(name: str) -> None:
    assert re.fullmatch(TARGET_PATTERN, name) is None

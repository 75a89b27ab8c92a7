"""The arithmetic of retries, in Python and as TaskRunner does it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.system.task_runner.running import (
    AMBIGUOUS,
    BACKOFF_SECONDS,
    LONGEST_DELAY,
    RETRY_ALLOWED,
    SERVICE_RETRY_ALLOWED,
)
from definitions.system.task_runner.variables import SERVICE
from orchestrator.asl.integrations import SERVICE_FAULTS
from orchestrator.local.aws.step_functions import jsonata
from orchestrator.tasks.retries import RetryPolicy

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
    # Calls beyond the policy do not make its delays longer.
    delay = evaluate(LONGEST_DELAY, task=task, attempt=attempt + 3, serviceRetries=3)
    assert delay == policy.longest_delay(attempt)
    assert evaluate(longest, longestDelay=delay) == delay
    assert evaluate(shortest, longestDelay=delay) == 0


def evaluate(expression: str, **bindings: Any) -> Any:
    return jsonata.evaluate(expression, bindings, datetime(2026, 12, 1, tzinfo=UTC))


FAULT, REFUSAL = "Lambda.ServiceException", "Lambda.TooManyRequestsException"
OWN = '{"errorMessage": "x", "errorType": "y"}'
FIVE, FOUR = (f"x (Service: AWSLambda; Status Code: {code}; Error Code: y)" for code in (500, 403))


@pytest.mark.parametrize(
    ("name", "cause", "idempotent", "decision"),
    [
        # What a handler raised is retried by the policy, whatever it calls its error.
        ("ValueError", OWN, False, "by the policy"),
        (FAULT, OWN, False, "by the policy"),
        (REFUSAL, OWN, False, "by the policy"),
        ("States.TaskFailed", OWN, False, "by the policy"),
        # Nothing has run.
        (REFUSAL, "Rate exceeded", False, "beyond the policy"),
        ("StepFunctions.ExecutionLimitExceededException", "x", False, "beyond the policy"),
        ("Lambda.AWSLambdaException", FOUR, False, "by the policy"),
        ("Lambda.ResourceNotFoundException", "no such function", False, "by the policy"),
        # What may have run is repeated only if it may be.
        *((name, "x", False, "not") for name in SERVICE_FAULTS),
        *((name, FIVE, True, "beyond the policy") for name in SERVICE_FAULTS),
        ("Lambda.EC2UnexpectedException", FIVE, False, "not"),
        *((name, cause, False, "not") for name in AMBIGUOUS for cause in (OWN, "", None)),
        *((name, OWN, True, "by the policy") for name in AMBIGUOUS),
        ("Never", OWN, True, "not"),
    ],
)
def test_what_is_tried_again_and_at_whose_expense(
    name: str, cause: str | None, idempotent: bool, decision: str
) -> None:
    output = {"Error": name} | ({} if cause is None else {"Cause": cause})
    task = {"maxAttempts": 2, "neverOn": ["Never"], "idempotent": idempotent}
    failure = {"name": name, "service": evaluate(SERVICE, states={"errorOutput": output})}
    bindings = {"failure": failure, "task": task, "attempt": 1}
    assert _decision(**bindings, serviceRetries=0) == decision
    # The bound of each, reached.
    assert _decision(**bindings | {"attempt": 7}, serviceRetries=5) == "not"
    once = bindings | {"task": task | {"maxAttempts": 1}}
    assert _decision(**once, serviceRetries=0) == ("not" if decision == "by the policy" else decision)


def _decision(**bindings: Any) -> str:
    if evaluate(SERVICE_RETRY_ALLOWED, **bindings):
        return "beyond the policy"
    return "by the policy" if evaluate(RETRY_ALLOWED, **bindings) else "not"

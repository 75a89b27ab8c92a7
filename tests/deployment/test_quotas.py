"""Token buckets: never faster than AWS admits, whoever calls."""

from __future__ import annotations

from orchestrator.deployment.quotas import TokenBucket


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_second_s_worth_comes_at_once_and_the_rest_at_the_rate() -> None:
    time = Time()
    bucket = TokenBucket(10, monotonic=lambda: time.now, sleep=time.sleep)
    taken = []
    for _ in range(30):
        bucket.take()
        taken.append(round(time.now, 6))
    assert taken[9] == 0
    assert taken[10:13] == [0.1, 0.2, 0.3]
    assert taken[-1] == 2.0


def test_rest_fills_the_bucket_no_further_than_full() -> None:
    time = Time()
    bucket = TokenBucket(10, monotonic=lambda: time.now, sleep=time.sleep)
    time.now = 1000
    for _ in range(11):
        bucket.take()
    assert round(time.now, 6) == 1000.1


def test_who_comes_later_waits_longer() -> None:
    waits: list[float] = []
    bucket = TokenBucket(1, monotonic=lambda: 0.0, sleep=waits.append)
    for _ in range(4):
        bucket.take()
    assert waits == [1, 2, 3]

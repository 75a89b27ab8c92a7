"""A task's record in the registry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tasks.records import DECLARED, OPTIONAL, item_of, task_of
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import (
    TARGET_PATTERN,
    TASK_ID_PATTERN,
    Alerting,
    CatchUp,
    OverlapPolicy,
    Target,
    TargetKind,
    Task,
    TaskSchedule,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

tasks = st.builds(
    Task,
    id=st.from_regex(TASK_ID_PATTERN, fullmatch=True),
    target=st.builds(Target, kind=st.sampled_from(TargetKind), name=st.from_regex(TARGET_PATTERN, fullmatch=True)),
    schedules=st.lists(st.builds(TaskSchedule, expression=st.text(), timezone=st.text()), max_size=3).map(tuple),
    params=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
    timeout_seconds=st.integers(1, 86_400),
    retry=st.builds(
        RetryPolicy,
        max_attempts=st.integers(1, 20),
        interval_seconds=st.integers(0, 3600),
        backoff_rate=st.sampled_from([1.0, 1.5, 2.0, 10.0]),
        max_delay_seconds=st.integers(0, 86_400),
        never_on=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    ),
    overlap=st.sampled_from(OverlapPolicy),
    idempotent=st.booleans(),
    grace_seconds=st.integers(60, 86_400),
    catch_up=st.sampled_from(CatchUp),
    catch_up_window_seconds=st.integers(0, 86_400),
    min_duration_seconds=st.integers(0, 86_400),
    max_duration_seconds=st.integers(0, 86_400),
    pause_after_failures=st.integers(0, 9),
    alerts=st.builds(Alerting, failures=st.integers(1, 10), of=st.integers(1, 10), quiet_seconds=st.integers(0, 9999)),
    owner=st.text(max_size=5),
    tags=st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
    description=st.text(max_size=5),
    runbook=st.text(max_size=5),
)


@given(tasks)
def test_a_record_gives_back_the_task_that_was_registered(task: Task) -> None:
    assert task_of(item_of(task)) == task


@given(tasks)
def test_a_registration_sets_the_declared_attributes_and_no_others(task: Task) -> None:
    assert set(item_of(task)) | OPTIONAL == DECLARED | {"taskId"}
    assert not DECLARED & {"lease", "pause", "lastStatus", "lastSlot", "consecutiveFailures"}

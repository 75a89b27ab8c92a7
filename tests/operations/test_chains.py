"""What is downstream of a slot runs again after it, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.operations.chains import Chains
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.task import TaskSchedule
from orchestrator.tasks.upstream import Upstream
from tests.testbed.task_runner import STACK, TaskRunner

DAY, NOW = "2026-11-23", datetime(2026, 11, 23, 12, tzinfo=UTC)
TASKS = {"extract": (6,), "load": (8, 10), "mail": (9,), "other": (9,)}
AFTER = {"load": "extract", "mail": "load"}


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    runner = TaskRunner(embedded_aws, handlers=("system.follower",))
    for task_id, hours in TASKS.items():
        schedules = tuple(TaskSchedule(expression=f"cron(0 {hour} * * ? *)") for hour in hours)
        after = (Upstream(task_id=AFTER[task_id]),) if task_id in AFTER else ()
        downstream = tuple(one for one, upstream in AFTER.items() if upstream == task_id)
        runner.register(task_id, schedules=schedules, after=after, downstream=downstream)
    yield runner
    embedded_aws.reset()


def slot(hour: int) -> str:
    return f"{DAY}T{hour:02}:00:00Z"


def found(runner: TaskRunner, task_id: str, hour: int) -> Run:
    run = runner.ledger.get(task_id, slot(hour))
    assert run is not None
    return run


def test_each_slot_downstream_waits_until_those_before_it_have_run_anew(runner: TaskRunner) -> None:
    chains = Chains(registry=runner.registry, ledger=runner.ledger)
    everything = [(task_id, hour) for task_id, hours in TASKS.items() for hour in hours]
    # One of them has never run.
    ran = [one for one in everything if one != ("load", 10)]
    for task_id, hour in ran:
        runner.run(task_id, slot(hour), trigger=Trigger.BACKFILL)
    before = {one: found(runner, *one) for one in ran}
    chain = chains.downstream([("extract", slot(6))], NOW)
    assert chain == {
        ("load", slot(8)): [("extract", slot(6))],
        ("load", slot(10)): [("extract", slot(6))],
        ("mail", slot(9)): [("load", slot(8))],
    }
    held = chains.hold(Recorder(runner.aws.client("dynamodb"), STACK), chain, datetime.now(UTC))
    assert [(run.task_id, run.slot) for run in held] == list(chain)
    assert runner.aws.event_sources.settled(60)
    # Their upstreams have succeeded, but not since.
    assert {found(runner, *one).status for one in (("load", 8), ("load", 10), ("mail", 9))} == {RunStatus.WAITING}
    again = runner.run("extract", slot(6), trigger=Trigger.RERUN, replaces=before["extract", 6].version)
    assert again.run is not None
    runner.until(lambda: all(found(runner, *one).status is RunStatus.SUCCEEDED for one in everything))
    starts = [found(runner, *one).started_at or "" for one in (("extract", 6), ("load", 8), ("mail", 9))]
    assert starts == sorted(starts)
    assert [len(found(runner, *one).history) for one in everything] == [1, 1, 0, 1, 0]
    assert found(runner, "mail", 9).history[0].started_at == before["mail", 9].started_at
    assert found(runner, "other", 9) == before["other", 9]

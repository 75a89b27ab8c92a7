"""The slots that arithmetic expects are the runs that happen, each once, where the clock is set and on closed days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

import definitions
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.functions import Function
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.taskfile.reader import load
from orchestrator.tasks.slots import expected, key
from orchestrator.tasks.task import OverlapPolicy, Target, TargetKind, Task, TaskSchedule
from tests.testbed import LAMBDAS

STACK = Stack(name="slots")

TASKS = """
defaults: {timezone: Europe/Berlin}
calendars:
  business-days: {weekdays: MON-FRI, closed: [2026-10-26, 2027-03-29]}
tasks:
  as-scheduler-does:
    {run: lambda/work, schedule: "cron(30 2 * * ? *)"}
  next-valid:
    {run: lambda/work, schedule: "cron(30 2 * * ? *)", nonexistent: next_valid}
  second:
    {run: lambda/work, schedule: "cron(30 2 * * ? *)", ambiguous: second}
  one-moment-twice:
    {run: lambda/work, schedules: ["cron(30 2 * * ? *)", "cron(0 3 * * ? *)"], nonexistent: next_valid}
  skipped:
    {run: lambda/work, schedule: "cron(0 8 * * ? *)", calendars: business-days}
  moved:
    {run: lambda/work, schedule: "cron(0 8 24-28 * ? *)", calendars: business-days, onClosed: next_business_day}
  moved-back:
    {run: lambda/work, schedule: "cron(0 8 ? * SUN *)", calendars: business-days, onClosed: previous_business_day}
  spread:
    {run: lambda/work, schedules: [rate(6 hours), "cron(0 12 * * ? *)"], spread: 30m}
"""


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    file = tmp_path / "tasks.yaml"
    file.write_text(TASKS)
    return list(load(file, today=date(2026, 10, 20)))


@pytest.mark.parametrize("begin", ["2026-10-23", pytest.param("2027-03-26", marks=pytest.mark.proof)])
def test_every_slot_that_is_expected_has_one_run_and_no_other_has(
    aws: EmbeddedAws, tasks: list[Task], begin: str
) -> None:
    opened = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    closed = opened + timedelta(days=5)
    clock = VirtualClock(opened, speed=200_000)
    application = Application(
        stack=STACK,
        definitions={"TaskRunner": definitions.ALL["TaskRunner"](STACK)},
        functions=(Function(name="work", module="work"),),
        lambdas=LAMBDAS,
    )
    with clock.busy(), aws.on(clock):
        deployment.apply(
            aws.client, application, tasks, deployer=deployment.Deployer(now=clock.now, sleep=lambda seconds: None)
        )
        clock.sleep_until(closed, resting=True)
        clock.sleep(600, resting=True)
        ledger = Ledger(aws.client("dynamodb"), STACK)
        runs = {(run.task_id, run.slot): run for task in tasks for run in ledger.runs(task.id, limit=1000)}
    due = {(task.id, key(slot.at)): slot for task in tasks for slot in expected(task, opened, closed)}
    assert runs.keys() == due.keys()
    for name, slot in due.items():
        run = runs[name]
        assert run.status is (RunStatus.SKIPPED if slot.skipped else RunStatus.SUCCEEDED), name
        assert run.cause == slot.skipped
        assert run.duplicates == 0


RATES = ("rate(1 minute)", "rate(7 minutes)")


def test_the_watch_of_a_task_begins_where_its_schedule_begins(aws: EmbeddedAws) -> None:
    """Whatever second it is deployed in, and however long that takes: nothing is missed that was never to come."""
    clock = VirtualClock(datetime(2026, 10, 23, 7, 57, tzinfo=UTC), speed=2000)
    application = Application(
        stack=STACK,
        definitions={"TaskRunner": definitions.ALL["TaskRunner"](STACK)},
        functions=(Function(name="work", module="work"),),
        lambdas=LAMBDAS,
    )
    target = Target(kind=TargetKind.LAMBDA, name="work")
    tasks: list[Task] = []
    with clock.busy(), aws.on(clock):
        for number, (rate, second) in enumerate(product(RATES, (1, 57))):
            minute = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
            clock.sleep_until(minute + timedelta(seconds=second), resting=True)
            schedules = (TaskSchedule(expression=rate),)
            tasks.append(Task(id=f"task-{number}", target=target, schedules=schedules, overlap=OverlapPolicy.ALLOW_ALL))
            deployment.apply(
                aws.client, application, tasks, deployer=deployment.Deployer(now=clock.now, sleep=lambda seconds: None)
            )
        clock.sleep(1000, resting=True)
        horizon, registry = clock.now(), Registry(aws.client("dynamodb"), STACK)
        clock.sleep(60, resting=True)
        ledger = Ledger(aws.client("dynamodb"), STACK)
        missing = {}
        for task in tasks:
            record = registry.get(task.id)
            assert record is not None
            assert record.checkpoint is not None
            begin = datetime.fromisoformat(record.checkpoint.checked_until)
            recorded = {run.slot for run in ledger.runs(task.id, limit=1000)}
            wanted = {key(slot.at) for slot in expected(task, begin, horizon)}
            missing[task.id] = sorted(wanted - recorded)
            assert len(wanted) >= 1
    assert {task_id: slots for task_id, slots in missing.items() if slots} == {}

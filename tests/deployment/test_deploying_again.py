"""Deploying again, after a change and without one: what is written, and what stays. One stack is for all tests here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.deployment import Applied, Deployer, StackSettings, apply
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack
from orchestrator.stores import schedule_group
from orchestrator.stores.registry import Registry
from orchestrator.tasks.schedule_names import schedule_name
from tests.testbed import sample
from tests.testbed.recorded import Recorded
from tests.testbed.sample import task

STACK = Stack()
# No rate: it would fire at once.
TASKS = [task("report", "cron(0 2 * * ? *)"), task("clean", "cron(0 3 * * ? *)")]

#: Of the lock, before and after whatever is written.
LOCK, FREE = "PutItem", "DeleteItem"

#: What was done to tasks, for whoever asks later.
KEPT = "PutItem"

#: When a schedule was last written: one tag of the group, whatever is created or updated.
RECORD = "TagResource"


@pytest.fixture(scope="module")
def aws(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    yield embedded_aws
    embedded_aws.reset()


@pytest.fixture(scope="module")
def clients(aws: EmbeddedAws) -> Recorded:
    return Recorded(aws)


@pytest.fixture(scope="module")
def deploy(clients: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Applied]:
    """Deploys into the stack: whatever a test has left of tasks there, the next one's first deployment puts right."""
    application = sample.application(tmp_path_factory.mktemp("sample"))

    def deploy(tasks: list[Any] = TASKS, **chosen: Any) -> Applied:
        clients.calls.clear()
        deployer = Deployer(now=lambda: datetime(2026, 12, 1, tzinfo=UTC))
        return apply(clients, application, tasks, settings=StackSettings(**chosen), deployer=deployer)

    return deploy


def schedules(aws: EmbeddedAws) -> set[str]:
    return {schedule["Name"] for schedule in aws.client("scheduler").list_schedules()["Schedules"]}


def environment(aws: EmbeddedAws, function: str) -> dict[str, str]:
    found: dict[str, str] = aws.client("lambda").get_function(FunctionName=f"orchestrator-dev-task-{function}")[
        "Configuration"
    ]["Environment"]["Variables"]
    return found


def test_a_changed_task_is_one_write(deploy: Callable[..., Applied], clients: Recorded) -> None:
    deploy()
    changed = task("report", "cron(0 2 * * ? *)", description="another")
    done = deploy([changed, TASKS[1]]).plan.reconciliation
    assert [str(operation) for operation in done.operations] == ["update task report"]
    assert clients.writes == [LOCK, "UpdateItem", KEPT, FREE]


def test_a_task_at_another_time_is_one_write_a_schedule_that_comes_and_one_that_goes(
    deploy: Callable[..., Applied], clients: Recorded
) -> None:
    deploy()
    deploy([task("report", "cron(0 5 * * ? *)"), TASKS[1]])
    assert clients.writes == [LOCK, "UpdateItem", "CreateSchedule", "DeleteSchedule", RECORD, KEPT, FREE]


def test_a_task_that_comes_or_goes_is_one_write_and_one_schedule(
    deploy: Callable[..., Applied], clients: Recorded
) -> None:
    deploy(TASKS[:1])
    deploy()
    assert clients.writes == [LOCK, "UpdateItem", "CreateSchedule", RECORD, KEPT, FREE]
    deploy(TASKS[:1])
    assert clients.writes == [LOCK, "DeleteSchedule", "DeleteItem", KEPT, FREE]


def test_a_schedule_that_somebody_has_disabled_is_one_write(
    deploy: Callable[..., Applied], clients: Recorded, aws: EmbeddedAws
) -> None:
    deploy()
    aws.backend("scheduler").get_schedule(STACK.schedule_group, min(schedules(aws))).state = "DISABLED"
    deploy()
    assert clients.writes == [LOCK, "UpdateSchedule", RECORD, FREE]


def test_what_is_read_grows_with_pages_and_not_with_tasks(
    deploy: Callable[..., Applied], clients: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_group, "LIST_PAGE_SIZE", 5)

    def reads(count: int) -> Counter[str]:
        tasks = [task(f"task-{number}", "cron(0 2 * * ? *)") for number in range(count)]
        deploy(tasks)
        assert not deploy(tasks).changed
        return Counter(clients.calls)

    few, many = reads(3), reads(11)
    assert many - few == {"ListSchedules": 2}
    assert few["ListSchedules"] == few["Scan"] == 1


def test_a_pause_survives_a_deployment(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    deploy()
    dynamodb = aws.client("dynamodb")
    dynamodb.update_item(
        TableName=STACK.tasks_table,
        Key={"taskId": {"S": "report"}},
        UpdateExpression="SET pause = :pause",
        ExpressionAttributeValues={":pause": {"M": {"who": {"S": "ann"}}}},
    )
    deploy([task("report", description="another")])
    record = Registry(dynamodb, STACK).get("report")
    assert record
    assert (record.pause, record.task.description) == (Pause(who="ann"), "another")


def test_a_task_that_is_no_longer_declared_loses_its_schedule_and_its_record(
    deploy: Callable[..., Applied], aws: EmbeddedAws
) -> None:
    deploy()
    deploy(TASKS[:1])
    assert schedules(aws) == {schedule_name("report", TASKS[0].schedules[0])}
    assert Registry(aws.client("dynamodb"), STACK).declared().keys() == {"report"}


def test_a_past_one_time_schedule_is_said_and_not_created(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    applied = deploy([task("report", "at(2026-11-30T00:00:00)")])
    assert [task_id for task_id, _ in applied.plan.reconciliation.over] == ["report"]
    assert schedules(aws) == set()


def test_the_sender_stays_until_another_is_given(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    deploy(mail_from="digest@example.com")
    assert not deploy().changed
    assert environment(aws, "echo")["MAIL_FROM"] == "digest@example.com"
    assert deploy(mail_from="other@example.com").stack_changed
    assert environment(aws, "echo")["MAIL_FROM"] == "other@example.com"

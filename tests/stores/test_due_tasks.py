"""Who is due: an index of the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from orchestrator.runs.task_state import Checkpoint
from orchestrator.stack import Stack
from orchestrator.stores.due_tasks import DueTasks
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task

STACK = Stack()
TASK = Task(id="daily-sales-report", target=Target(kind=TargetKind.LAMBDA, name="report-generator"))
CHECKPOINT = Checkpoint(checked_until="2026-12-01T08:00:00Z", next_run="2026-12-02T08:00:00Z")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def spread_as_before(dynamodb: Any) -> None:
    dynamodb.update_item(
        TableName=STACK.tasks_table,
        Key={"taskId": {"S": TASK.id}},
        UpdateExpression="SET #shard = :shard",
        ExpressionAttributeNames={"#shard": "shard"},
        ExpressionAttributeValues={":shard": {"N": "2"}},
    )


def test_only_tasks_whose_next_run_has_come_are_due(registry: Registry, dynamodb: Any) -> None:
    tasks = [replace(TASK, id=f"task-{number}") for number in range(20)]
    for day, task in enumerate(tasks, start=1):
        registry.register(task, replace(CHECKPOINT, next_run=f"2026-12-{day:02}T08:00:00Z"))
    registry.register(replace(TASK, id="ad-hoc"), replace(CHECKPOINT, next_run=None))
    due = DueTasks(dynamodb, STACK).ids(datetime(2026, 12, 12, 8, tzinfo=UTC))
    assert sorted(due) == sorted(task.id for task in tasks[:12])


def test_a_task_that_has_no_slot_any_more_is_not_due(registry: Registry, dynamodb: Any) -> None:
    registry.register(TASK, CHECKPOINT)
    registry.register(TASK, replace(CHECKPOINT, next_run=None), anew=True)
    assert list(DueTasks(dynamodb, STACK).ids(LATER)) == []


def test_tasks_are_due_where_an_earlier_release_has_put_them_until_there_are_none(
    registry: Registry, dynamodb: Any
) -> None:
    due = DueTasks(dynamodb, STACK)
    registry.register(TASK, CHECKPOINT)
    spread_as_before(dynamodb)
    assert list(due.ids(LATER)) == [TASK.id]
    assert list(due.ids(LATER)) == [TASK.id]
    registry.register(TASK, CHECKPOINT)
    assert list(due.ids(LATER)) == [TASK.id]
    # Nobody writes there any more, so that nobody looks there again.
    spread_as_before(dynamodb)
    assert list(due.ids(LATER)) == []
    assert list(DueTasks(dynamodb, STACK).ids(LATER)) == [TASK.id]

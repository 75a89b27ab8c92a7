"""The registry: what a registration writes, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import InvalidRecord
from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Checkpoint, Lease, Pause, Record
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry, registered_as
from orchestrator.tasks.records import item_of
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import CatchUp, Target, TargetKind, Task, TaskSchedule

STACK = Stack()
TASK = Task(
    id="daily-sales-report",
    target=Target(kind=TargetKind.LAMBDA, name="report-generator"),
    schedules=(TaskSchedule(expression="cron(0 2 * * ? *)", timezone="Europe/Berlin"),),
    params={"prefix": "orders/", "größe": 1.5},
    retry=RetryPolicy(max_attempts=4, backoff_rate=1.5, never_on=("MalformedOrders",)),
)


def set_run_time_state(dynamodb: Any, **attributes: Any) -> None:
    dynamodb.update_item(
        TableName=STACK.tasks_table,
        Key={"taskId": {"S": TASK.id}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
    )


def test_what_was_registered_is_there(registry: Registry) -> None:
    registry.register(TASK)
    assert registry.get(TASK.id) == Record(task=TASK)


def test_a_task_that_was_never_registered_is_not_there(registry: Registry) -> None:
    assert registry.get("nobody") is None


def test_a_record_tells_what_has_become_of_its_task(registry: Registry, dynamodb: Any) -> None:
    registry.register(TASK)
    set_run_time_state(
        dynamodb,
        lease={"M": {"executionArn": {"S": "arn:x"}, "expiresAt": {"N": "1767225600"}}},
        pause={"M": {"who": {"S": "ann"}, "why": {"S": "migration"}}},
        consecutiveFailures={"N": "3"},
        lastStatus={"S": "FAILED"},
        lastSlot={"S": "2026-12-01T08:00:00Z"},
    )
    assert registry.get(TASK.id) == Record(
        task=TASK,
        lease=Lease(execution_arn="arn:x", expires_at=1767225600),
        pause=Pause(who="ann", why="migration"),
        consecutive_failures=3,
        last_status=RunStatus.FAILED,
        last_slot="2026-12-01T08:00:00Z",
    )


def test_registering_again_changes_what_is_declared_and_leaves_run_time_state(
    registry: Registry, dynamodb: Any
) -> None:
    registry.register(TASK)
    set_run_time_state(dynamodb, pause={"M": {"why": {"S": "migration"}}}, consecutiveFailures={"N": "3"})
    changed = replace(TASK, timeout_seconds=60, schedules=())
    registry.register(changed)
    assert registry.get(TASK.id) == Record(task=changed, pause=Pause(why="migration"), consecutive_failures=3)


CHECKPOINT = Checkpoint(checked_until="2026-12-01T08:00:00Z", next_run="2026-12-02T08:00:00Z")


def test_a_new_task_is_watched_from_its_registration_and_a_known_one_from_where_it_was(registry: Registry) -> None:
    registry.register(TASK, CHECKPOINT)
    registry.register(replace(TASK, timeout_seconds=60), Checkpoint(checked_until="2027", next_run=None))
    assert registry.get(TASK.id) == Record(task=replace(TASK, timeout_seconds=60), checkpoint=CHECKPOINT)


def test_a_task_with_other_slots_is_watched_anew(registry: Registry) -> None:
    registry.register(TASK, replace(CHECKPOINT, suspected="2026-12-01T08:00:00Z"))
    registry.register(TASK, replace(CHECKPOINT, next_run=None), anew=True)
    assert registry.get(TASK.id) == Record(task=TASK, checkpoint=replace(CHECKPOINT, next_run=None))


def test_a_look_takes_no_step_from_where_a_deployment_has_moved_it(registry: Registry) -> None:
    registry.register(TASK, CHECKPOINT)
    after = replace(CHECKPOINT, checked_until="2026-12-02T08:00:00Z", suspected="2026-12-03T08:00:00Z", next_run=None)
    assert registry.advance(TASK.id, CHECKPOINT, after)
    assert registry.get(TASK.id) == Record(task=TASK, checkpoint=after)
    assert not registry.advance(TASK.id, CHECKPOINT, CHECKPOINT)
    assert registry.get(TASK.id) == Record(task=TASK, checkpoint=after)


def test_a_pause_says_who_why_and_until_when_and_ends(registry: Registry) -> None:
    pause = Pause(who="ann", why="migration", since="2026-12-01", until="2026-12-02", on_resume=CatchUp.ALL)
    registry.register(TASK, CHECKPOINT)
    assert registry.pause(TASK.id, pause, next_run="2026-12-02")
    assert registry.get(TASK.id) == Record(
        task=TASK, pause=pause, checkpoint=replace(CHECKPOINT, next_run="2026-12-02")
    )
    assert not registry.pause(TASK.id, Pause(who="bob"), unless_paused=True)
    assert registry.resume(TASK.id)
    assert not registry.resume(TASK.id)
    assert not registry.pause("nobody", pause)


def test_a_removed_task_is_gone_and_can_be_removed_again(registry: Registry) -> None:
    registry.register(TASK)
    registry.remove(TASK.id)
    registry.remove(TASK.id)
    assert registry.get(TASK.id) is None


def test_all_reads_more_than_a_page(registry: Registry) -> None:
    # A page of Scan ends after 1 MB.
    tasks = [replace(TASK, id=f"task-{number:03}", params={"text": "x" * 90_000}) for number in range(15)]
    for task in tasks:
        registry.register(task)
    assert sorted(record.task.id for record in registry.all()) == [task.id for task in tasks]
    assert sorted(registry.declared()) == [task.id for task in tasks]


def test_what_is_declared_says_nothing_of_run_time_state(registry: Registry, dynamodb: Any) -> None:
    registry.register(TASK)
    set_run_time_state(dynamodb, consecutiveFailures={"N": "3"})
    assert registry.declared() == {TASK.id: item_of(TASK)}


def test_a_record_that_no_registration_made_is_named(registry: Registry, dynamodb: Any) -> None:
    dynamodb.put_item(TableName=STACK.tasks_table, Item={"taskId": {"S": "by-hand"}, "kind": {"S": "lambda"}})
    with pytest.raises(InvalidRecord, match=r"'by-hand' cannot be read \(it lacks 'retry'\); deploy again"):
        registry.get("by-hand")
    assert registry.declared() == {"by-hand": {"taskId": {"S": "by-hand"}, "kind": {"S": "lambda"}}}


def test_a_record_with_a_wrong_value_is_named(registry: Registry, dynamodb: Any) -> None:
    dynamodb.put_item(TableName=STACK.tasks_table, Item=item_of(TASK) | {"kind": {"S": "rocket"}})
    with pytest.raises(InvalidRecord, match="'rocket' is not a valid TargetKind"):
        registry.get(TASK.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": {"S": "rocket"}},
        {"timeoutSeconds": {"S": "5"}},
        {"checkedUntil": {"S": "yesterday"}},
        {"schedules": {"L": [{"M": {name: {"S": "cron(x)"} for name in ("expression", "timezone")}}]}},
    ],
)
def test_one_record_that_cannot_be_read_is_reported_and_stepped_over(dynamodb: Any, wrong: dict[str, Any]) -> None:
    reported: list[str] = []
    registry = Registry(dynamodb, STACK, lambda fault: reported.append(fault.task_id))
    registry.register(replace(TASK, id="sound"))
    dynamodb.put_item(TableName=STACK.tasks_table, Item=item_of(TASK) | wrong)
    assert ([record.task.id for record in registry.all()], reported) == (["sound"], [TASK.id])


def test_the_same_number_written_otherwise_is_the_same_record() -> None:
    item = item_of(TASK) | {"timeoutSeconds": {"N": "300.0"}}
    assert registered_as(item, TASK)
    assert not registered_as(item | {"timeoutSeconds": {"N": "301"}}, TASK)
    assert not registered_as({"taskId": {"S": TASK.id}}, TASK)

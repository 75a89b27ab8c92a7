"""The registry: the table of tasks, a record each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import from_item, to_item, update
from orchestrator.errors import PauseContended
from orchestrator.runs.spending import Spending
from orchestrator.runs.task_state import CHECKPOINT_ATTRIBUTES, Checkpoint, Item, Pause, Record
from orchestrator.stack import Stack
from orchestrator.stores.due_tasks import SHARD
from orchestrator.stores.plain_pages import read_plainly
from orchestrator.stores.unreadable import Report, log, readable
from orchestrator.tasks.records import DECLARED, OPTIONAL, item_of, values_of
from orchestrator.tasks.task import Task

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: How often a pause is changed that somebody else changes at the same moment.
_CHANGE_ATTEMPTS = 5


class Registry:
    """Reads and writes the table through ``client``, boto3's low-level client of DynamoDB.

    Where records are read in bulk, one that cannot be read goes to ``report`` and is left out.
    """

    def __init__(self, client: DynamoDBClient, stack: Stack, report: Report = log) -> None:
        self._client = client
        self._report = report
        self._table = stack.tasks_table

    def register(
        self, task: Task, checkpoint: Checkpoint | None = None, *, anew: bool = False, is_new: bool = False
    ) -> None:
        """Writes what is declared: lease, pause and the other run-time state stay as they are. Of a task that is new,
        there is nothing to remove.

        The watchdog begins at ``checkpoint`` with a task that has none yet or, if ``anew``, with one whose slots have
        changed. It does not check a task without a checkpoint.
        """
        declared = {**values_of(task), "taskId": None, "shard": SHARD}
        values = checkpoint.to_values() if checkpoint else {}
        everything = {**declared, **values}
        unsaid = () if is_new else sorted(name for name in OPTIONAL if declared[name] is None)
        request = (
            update(everything, removes=[*_absent(values), *unsaid])
            if anew
            else update(declared, defaults=values, removes=unsaid)
        )
        self._client.update_item(TableName=self._table, Key=_key(task.id), **request)

    def advance(self, task_id: str, before: Checkpoint, after: Checkpoint) -> bool:
        """Moves the task's checkpoint. Returns False, and writes nothing, if a deploy has moved it since ``before``."""
        values = after.to_values()
        request = update(
            values,
            removes=_absent(values),
            values={"before": before.checked_until},
            condition="#checkedUntil = :before",
        )
        return self._update(task_id, request)

    def pause(self, task_id: str, pause: Pause, *, next_run: str | None = None, unless_paused: bool = False) -> bool:
        """Pauses the task; ``next_run`` is when the watchdog checks it next. Returns False, and writes nothing, if
        there is no such task or, with ``unless_paused``, if it is paused already.
        """
        condition = "attribute_exists(#taskId)" + (" AND attribute_not_exists(#pause)" if unless_paused else "")
        sets = {"pause": pause.to_value(), "nextRun": next_run or None}
        return self._update(task_id, update(sets, condition=condition))

    def change_pause(
        self, task_id: str, change: Callable[[Pause | None], Pause | None], *, ended: Pause | None = None
    ) -> tuple[Pause | None, Pause | None] | None:
        """Makes another pause of the one that the task has, or none, and nobody's change in between is lost; the
        watchdog looks at the task when the new one ends. The record keeps ``ended`` as the last one.

        Returns the pause before and after it, or None if there is no such task. Raises :class:`InvalidRecord`.
        """
        for _ in range(_CHANGE_ATTEMPTS):
            item = self._client.get_item(TableName=self._table, Key=_key(task_id), ConsistentRead=True).get("Item")
            if item is None:
                return None
            record = Record.from_item(item)
            after = change(record.pause)
            if after == record.pause:
                return record.pause, after
            if self._update(task_id, _pause_changed(item, record, after, ended)):
                return record.pause, after
        raise PauseContended(task_id)

    def resume(self, task_id: str, ended: Pause | None = None) -> bool:
        """Ends the task's pause, of which the record keeps ``ended``. Returns False if there is none."""
        sets = {"lastPause": ended.to_value()} if ended else {}
        return self._update(task_id, update(sets, removes=["pause"], condition="attribute_exists(#pause)"))

    def bounded(self) -> list[Record]:
        """The records of tasks with a budget, their own or their owner's; it reads the whole table."""
        items = self._scan(FilterExpression="attribute_exists(rates)")
        return list(readable(items, Record.from_item, self._report))

    def account(self, task_id: str, spending: Spending) -> bool:
        """Keeps what a task has spent. Returns False if there is no such task any more."""
        return self._update(task_id, update({"spending": spending.to_value()}, condition="attribute_exists(#taskId)"))

    def _update(self, task_id: str, request: Mapping[str, Any]) -> bool:
        try:
            self._client.update_item(TableName=self._table, Key=_key(task_id), **request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def remove(self, task_id: str) -> None:
        """Removes the record with its run-time state; nothing happens if there is none."""
        self._client.delete_item(TableName=self._table, Key=_key(task_id))

    def get(self, task_id: str) -> Record | None:
        """The record as it is now. Raises :class:`InvalidRecord`."""
        item = self._client.get_item(TableName=self._table, Key=_key(task_id), ConsistentRead=True).get("Item")
        return Record.from_item(item) if item else None

    def all(self) -> Iterator[Record]:
        """Every record that can be read, in no order: it reads the whole table."""
        return readable(self._scan(), Record.from_item, self._report)

    def declared(self) -> dict[str, Item]:
        """Returns the declared part of each record, by id, however wrong; it reads the whole table."""
        names = sorted(DECLARED | {"taskId"})
        items = self._scan(
            ProjectionExpression=", ".join(f"#{name}" for name in names),
            ExpressionAttributeNames={f"#{name}": name for name in names},
        )
        return {item["taskId"]["S"]: item for item in items}

    def _scan(self, **request: Any) -> Iterator[Item]:
        read_plainly(self._client)
        pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True, **request)
        for page in pages:
            yield from page["Items"]


def _pause_changed(item: Item, record: Record, after: Pause | None, ended: Pause | None) -> dict[str, Any]:
    """UpdateItem, on condition that the pause is still the one that was read."""
    sets: dict[str, Any] = {"lastPause": ended.to_value()} if ended else {}
    if after is not None:
        planned = record.checkpoint.next_run if record.checkpoint else None
        sets |= {
            "pause": after.to_value(),
            "nextRun": min(filter(None, [planned, after.until])) if after.until else None,
        }
    same = "#pause = :before" if "pause" in item else "attribute_not_exists(#pause)"
    request = update(sets, removes=[] if after else ["pause"], condition=f"attribute_exists(#taskId) AND {same}")
    if "pause" in item:
        request.setdefault("ExpressionAttributeValues", {})[":before"] = item["pause"]
    return request


def _key(task_id: str) -> dict[str, Any]:
    return to_item({"taskId": task_id})


def _absent(values: Mapping[str, str | None]) -> list[str]:
    return [name for name in CHECKPOINT_ATTRIBUTES if values.get(name) is None]


def registered_as(item: Item, task: Task) -> bool:
    """Whether a record's declared part is exactly ``task``. DynamoDB may write a number otherwise than it was given."""
    declared = item_of(task)
    # Mostly it writes it the same, and that is found out ten times as fast.
    return item == declared or from_item(item) == from_item(declared)

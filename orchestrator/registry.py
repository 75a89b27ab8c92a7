"""The registry: the table of tasks, a record each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestrator.errors import InvalidRecord
from orchestrator.runs import RunStatus
from orchestrator.settings import Stack
from orchestrator.tasks import DECLARED, Task
from orchestrator.updates import update

#: A record's declared part, as DynamoDB's low-level client has it.
Item = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The execution that runs the task now."""

    execution_arn: str
    #: Seconds since 1970: from then on another run may take the task, whatever became of this one.
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why the task does not run."""

    who: str = ""
    why: str = ""
    #: ISO 8601 in UTC, or nothing.
    since: str = ""
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A task as declared, and what has become of it."""

    task: Task
    lease: Lease | None = None
    pause: Pause | None = None
    #: Runs that have failed since the last that succeeded.
    consecutive_failures: int = 0
    last_status: RunStatus | None = None
    last_slot: str | None = None

    @classmethod
    def from_item(cls, item: Item) -> Record:
        """Raises :class:`InvalidRecord` if the item is not what a registration makes."""
        try:
            pause, status = item.get("pause"), item.get("lastStatus", {}).get("S")
            return cls(
                task=Task.from_item(item),
                lease=_lease(item["lease"]["M"]) if "lease" in item else None,
                pause=Pause(**_texts(pause.get("M", {}), ("who", "why", "since", "until"))) if pause else None,
                consecutive_failures=int(item.get("consecutiveFailures", {}).get("N", 0)),
                last_status=RunStatus(status) if status else None,
                last_slot=item.get("lastSlot", {}).get("S"),
            )
        except KeyError as fault:
            raise InvalidRecord(item["taskId"]["S"], f"it lacks {fault}") from fault
        except (ValueError, TypeError, AttributeError) as fault:
            raise InvalidRecord(item["taskId"]["S"], str(fault)) from fault


class Registry:
    """Reads and writes the table through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: Any, stack: Stack) -> None:
        self._client = client
        self._table = stack.tasks_table

    def register(self, task: Task) -> None:
        """Writes what is declared and nothing else: lease, pause and the other run-time state stay as they are."""
        item = task.to_item()
        key = {"taskId": item.pop("taskId")}
        self._client.update_item(TableName=self._table, Key=key, **update(item))

    def remove(self, task_id: str) -> None:
        """Removes the record with its run-time state; nothing happens if there is none."""
        self._client.delete_item(TableName=self._table, Key={"taskId": {"S": task_id}})

    def get(self, task_id: str) -> Record | None:
        """The record as it is now. Raises :class:`InvalidRecord`."""
        key = {"taskId": {"S": task_id}}
        item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return Record.from_item(item) if item else None

    def all(self) -> Iterator[Record]:
        """Every record, in no order: it reads the whole table. Raises :class:`InvalidRecord`."""
        return map(Record.from_item, self._scan())

    def declared(self) -> dict[str, Item]:
        """What each task was registered as, by its id, however wrong; the whole table is read."""
        names = sorted(DECLARED | {"taskId"})
        items = self._scan(
            ProjectionExpression=", ".join(f"#{name}" for name in names),
            ExpressionAttributeNames={f"#{name}": name for name in names},
        )
        return {item["taskId"]["S"]: item for item in items}

    def _scan(self, **request: Any) -> Iterator[Item]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True, **request)
        for page in pages:
            yield from page["Items"]


def registered_as(item: Item, task: Task) -> bool:
    """Whether a record's declared part is exactly ``task``. DynamoDB may write a number otherwise than it was given."""
    return bool(_plain(dict(item)) == _plain(task.to_item()))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"N"}:
            return Decimal(value["N"])
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _lease(attributes: Item) -> Lease:
    return Lease(execution_arn=attributes["executionArn"]["S"], expires_at=int(attributes["expiresAt"]["N"]))


def _texts(attributes: Item, names: tuple[str, ...]) -> dict[str, str]:
    return {name: attributes[name]["S"] for name in names if name in attributes}

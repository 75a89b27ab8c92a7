"""DynamoDB under concurrency.

moto copies both whole tables for every TransactWriteItems and takes no lock: concurrent writes are lost or fail, and
each run costs more the longer the ledger is. Here every request of a backend has its turn, and a transaction that fails
puts back the items that it touched, and no others.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.dynamodb import models
from moto.dynamodb.exceptions import ConditionalCheckFailed, MockValidationException, TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

_REQUESTS = (
    "batch_get_item", "create_table", "delete_item", "delete_table", "get_item", "put_item", "query", "scan",
    "transact_write_items", "update_item",
)  # fmt: skip

_locks_lock = threading.Lock()


def _lock_of(backend: Any) -> Any:
    with _locks_lock:
        return backend.__dict__.setdefault("turn", threading.RLock())


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        with _lock_of(self):
            return method(self, *arguments, **named)

    return call


def _key_of(table: Any, operation: dict[str, Any]) -> dict[str, Any]:
    if "Key" in operation:
        return dict(operation["Key"])
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    return {name: operation["Item"][name] for name in names}


def _put_back(table: Any, key: dict[str, Any], item: Any) -> None:
    """The item as it was before, or its absence."""
    values = [DynamoType(key[name]) for name in (table.hash_key_attr, table.range_key_attr) if name]
    if item is None:
        if len(values) == 2:
            table.items.get(values[0], {}).pop(values[1], None)
        else:
            table.items.pop(values[0], None)
    elif len(values) == 2:
        table.items[values[0]][values[1]] = item
    else:
        table.items[values[0]] = item


def _transact(whole: Callable[..., None]) -> Callable[..., None]:
    """Moto's transaction, whose copies of tables are no copies: the touched items are kept aside instead."""

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        before = []
        for entry in transact_items:
            operation = next(iter(entry.values()))
            table = self.tables.get(operation.get("TableName"))
            if table is not None:
                key = _key_of(table, operation)
                before.append((table, key, copy.deepcopy(self.get_item(operation["TableName"], key))))
        try:
            whole(self, transact_items)
        except (ConditionalCheckFailed, MockValidationException, TransactionCanceledException):
            for table, key, item in before:
                _put_back(table, key, item)
            raise

    return transact_write_items


def install(aws: EmbeddedAws) -> None:
    """Gives every request its turn, and transactions a cost that does not grow with the table."""
    # The whole tables that moto copies are the tables themselves: what was touched is put back here.
    models.copy = type("copy", (), {"copy": staticmethod(copy.copy), "deepcopy": staticmethod(_shallow_for_tables)})
    DynamoDBBackend.transact_write_items = _transact(DynamoDBBackend.transact_write_items)
    for name in _REQUESTS:
        setattr(DynamoDBBackend, name, _in_turn(getattr(DynamoDBBackend, name)))


def _shallow_for_tables(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)

"""DynamoDB under concurrency.

moto copies both whole tables for every TransactWriteItems and takes no lock: concurrent writes are lost or fail, and
each run costs more the longer the ledger is. Here every request has its turn, a transaction that fails puts back the
items that it touched, and no others, and one that is sent again with its token is not done again.
"""

from __future__ import annotations

import copy
import hashlib
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb import models
from moto.dynamodb.exceptions import DynamodbException, MockValidationException, TransactionCanceledException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from orchestrator.local.aws.dynamodb import partitions, streams
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: TransactWriteItems, in DynamoDB's API reference: how long a request is known by its token.
_TOKEN_LIFE = timedelta(minutes=10)

#: How those messages of an update begin that depend on the item that is there.
_OF_ITEM = (
    "An operand in the update expression has an incorrect data type",
    "Item size to update has exceeded the maximum allowed size",
    "The document path provided in the update expression is invalid for update",
    "The provided expression refers to an attribute that does not exist in the item",
)

_locks_lock = threading.Lock()


class IdempotentParameterMismatch(DynamodbException):
    """A token was used again for another transaction."""

    def __init__(self) -> None:
        name = "IdempotentParameterMismatchException"
        super().__init__(
            f"com.amazonaws.dynamodb.v20120810#{name}",
            "The request uses the same client token as a previous, but non-identical request.",
        )


def turn_of(backend: Any) -> Any:
    """The lock that a request holds while it reads and writes."""
    with _locks_lock:
        return backend.__dict__.setdefault("turn", threading.RLock())


def _in_turn(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Gives a whole request its turn: moto reads and writes items while it makes the reply, too."""

    def call_action(self: Any) -> Any:
        with turn_of(self.dynamodb_backend):
            return method(self)

    return call_action


def _key_of(table: Any, operation: dict[str, Any]) -> dict[str, Any]:
    source = operation["Key"] if "Key" in operation else operation["Item"]
    return {name: source[name] for name in table.table_key_attrs if name in source}


def _put_back(table: Any, key: dict[str, Any], item: Any) -> None:
    """The item as it was before, or its absence."""
    values = [DynamoType(key[name]) for name in table.table_key_attrs]
    (table.items[values[0]] if len(values) == 2 else table.items).pop(values[-1], None)
    if item is not None:
        table.items.keep(item)


def _transact(whole: Callable[..., None]) -> Callable[..., None]:
    """Moto's transaction, whose copies of tables are no copies: the touched items are kept aside instead."""

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        before = []
        for entry in transact_items:
            operation = next(iter(entry.values()))
            table = self.tables.get(operation.get("TableName"))
            if table is not None:
                key = _key_of(table, operation)
                before.append((table, key, copy.deepcopy(partitions.held(table, key))))

        def undo() -> None:
            for table, key, item in before:
                if len(key) == len(table.table_key_attrs):
                    _put_back(table, key, item)

        updates = [at for at, entry in enumerate(transact_items) if "Update" in entry]
        begun = 0

        def update_item(*arguments: Any, **named: Any) -> Any:
            nonlocal begun
            begun += 1
            return type(self).update_item(self, *arguments, **named)

        self.update_item = update_item
        try:
            _need_keys(self, transact_items)
            with streams.together():
                whole(self, transact_items)
        except MockValidationException as fault:
            undo()
            # What an update finds wrong with the item that is there is the transaction's, and told with its reasons.
            if begun and _of_item(fault.exception_msg):
                raise _cancelled(len(transact_items), updates[begun - 1], fault.exception_msg) from fault
            raise
        except Exception:
            undo()
            raise
        finally:
            del self.update_item

    return transact_write_items


def _of_item(message: str) -> bool:
    """Whether a refused update is so for the item that it met ("TransactWriteItems", Cancellation Reasons)."""
    return message.startswith(_OF_ITEM)


def _cancelled(count: int, at: int, message: str) -> TransactionCanceledException:
    """A transaction of so many operations, of which one was not valid."""
    reasons: list[tuple[str | None, str | None, None]] = [(None, None, None)] * count
    reasons[at] = ("ValidationError", message, None)
    return TransactionCanceledException(reasons)


def _need_keys(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    for at, entry in enumerate(transact_items):
        put = entry.get("Put", {})
        table = backend.tables.get(put.get("TableName"))
        for name in table.table_key_attrs if table is not None else ():
            if name not in put["Item"]:
                message = f"One or more parameter values were invalid: Missing the key {name} in the item"
                raise _cancelled(len(transact_items), at, message)


def _once(aws: Aws, whole: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The request of a transaction, unless it was answered before: an SDK sends it again when the reply is lost."""

    def transact_write_items(self: Any) -> Any:
        token, now = self.body.get("ClientRequestToken"), aws.clock.now()
        request = hashlib.sha256(
            json.dumps(self.body["TransactItems"], sort_keys=True, default=bytes.hex).encode()
        ).digest()
        known: dict[str, tuple[datetime, bytes]] = self.dynamodb_backend.__dict__.setdefault("transactions", {})
        while known and next(iter(known.values()))[0] + _TOKEN_LIFE < now:
            del known[next(iter(known))]
        if token in known:
            if known[token][1] != request:
                raise IdempotentParameterMismatch
            return ActionResult({})
        answer = whole(self)
        if token:
            known[token] = (now, request)
        return answer

    return transact_write_items


def _shallow_for_tables(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)


def install(aws: Aws) -> None:
    """Gives every request its turn, and transactions a cost that does not grow with the table."""
    # The whole tables that moto copies are the tables themselves: what was touched is put back here.
    shallow = {"copy": staticmethod(copy.copy), "deepcopy": staticmethod(_shallow_for_tables)}
    replaces(models, "copy", digest="6f5a6034e770")(type("copy", (), shallow))
    backend, handler = DynamoDBBackend, DynamoHandler
    replaces(backend, "transact_write_items", digest="881623ccb388")(_transact(backend.transact_write_items))
    replaces(handler, "transact_write_items", digest="5af0d4e3b718")(_once(aws, handler.transact_write_items))
    replaces(handler, "call_action", digest="3eb6510bc654")(_in_turn(handler.call_action))

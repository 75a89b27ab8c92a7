"""DynamoDB's items in order, so that a page costs what it holds.

moto goes through all items of a table, and sorts them, for every Query and every page of a Scan. Here a table's rows
are in order, by partition, and moto is shown only the items that the page can be made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table

from orchestrator.local.aws.dynamodb import capacity
from orchestrator.local.aws.dynamodb.places import LAST, between, place
from orchestrator.local.aws.dynamodb.rows import AT_ONCE, Schema
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: What a key of another table ends in.
_NO_KEY = (ArithmeticError, LookupError, TypeError)


def held(table: Any, key: Mapping[str, Any]) -> Any:
    """The item that a table has under a key, or None."""
    try:
        return table.items.get(key)
    except _NO_KEY:
        # No key of this table: moto says so when it comes to that.
        return None


def _first(limit: int | None) -> int:
    """How many items a page of so many wants at once: by the one more it knows that there are more."""
    return limit + 1 if limit else AT_ONCE


def _page(items: Iterator[Any], limit: int | None) -> tuple[list[Any], list[Any]]:
    """Takes the items of a page, and the first of the next page if there is one."""
    page: list[Any] = []
    size = 0
    beyond: list[Any] = []
    for item in items:
        more = item.size()
        if len(page) == limit or size + more > RESULT_SIZE_LIMIT:
            beyond = [item]
            break
        size += more
        page.append(item)
    capacity.read(size)
    return page, beyond


def _schema(table: Any, index_name: str | None) -> Schema | None:
    """Returns the key schema of a table or index; None where a key is made of several attributes."""
    if index_name is None:
        return table.hash_key_attr, table.range_key_attr
    index = next((index for index in table.all_indexes() if index.name == index_name), None)
    if index is None:
        return None
    names = [[key["AttributeName"] for key in index.schema if key["KeyType"] == kind] for kind in ("HASH", "RANGE")]
    if len(names[0]) != 1 or len(names[1]) > 1:
        return None
    return names[0][0], names[1][0] if names[1] else None


def _after(key: Mapping[str, Any], schema: Schema, table: Any) -> bytes:
    """Returns the place of an ExclusiveStartKey in the order of an index, without the partition."""
    own = (table.hash_key_attr, table.range_key_attr)
    start = b""
    for name in filter(None, schema[1:] if schema == own else (schema[1], *own)):
        if name not in key:
            break
        start += place(DynamoType(key[name]))
    return start


def _writes() -> None:
    update = DynamoDBBackend.update_item

    @replaces(DynamoDBBackend, "update_item", digest="bc918de3ea08")
    def update_item(self: Any, table_name: str, key: Any, *arguments: Any, **named: Any) -> Any:
        table = self.get_table(table_name)
        try:
            # It is changed where it lies, even by an update that fails half-way.
            item = update(self, table_name, key, *arguments, **named)
        except Exception:
            with suppress(*_NO_KEY):
                table.items.forget(key)
            raise
        table.items.keep(item)
        return item


def _reads() -> None:
    query, scan, all_items = Table.query, Table.scan, Table.all_items

    def on(table: Any, page: list[Any], read: Callable[[], Any]) -> Any:
        table.__dict__["page"] = page
        try:
            return read()
        finally:
            del table.__dict__["page"]

    @replaces(Table, "query", digest="e3d5d9ef495e")
    def query_page(
        self: Any,
        hash_key: Any,
        range_comparison: str | None,
        range_objs: list[Any],
        limit: int | None,
        exclusive_start_key: Any,
        scan_index_forward: bool,
        projection_expressions: Any,
        index_name: str | None = None,
        *arguments: Any,
        **named: Any,
    ) -> Any:
        def read() -> Any:
            return query(
                self, hash_key, range_comparison, range_objs, limit, exclusive_start_key, scan_index_forward,
                projection_expressions, index_name, *arguments, **named,
            )  # fmt: skip

        schema = _schema(self, index_name)
        # The old QueryFilter takes items out before they count.
        if schema is None or hash_key is None or named.keys() - {"hash_key_conditions", "range_key_conditions"}:
            return read()
        partition = place(hash_key)
        low, high = (partition + bound for bound in between(range_comparison, range_objs))
        forward = scan_index_forward is not False
        if exclusive_start_key:
            start = partition + _after(exclusive_start_key, schema, self)
            low, high = (max(low, start + b"\0"), high) if forward else (low, min(high, start))
        page, beyond = _page(self.items.between(schema, low, high, forward=forward, first=_first(limit)), limit)
        # By the one more moto knows that there are more.
        return on(self, [*page, *beyond], read)

    @replaces(Table, "scan", digest="f3d8df441f24")
    def scan_page(
        self: Any,
        filters: Any,
        limit: int | None,
        exclusive_start_key: Any,
        filter_expression: Any = None,
        index_name: str | None = None,
        consistent_read: bool = False,
        projection_expression: Any = None,
        segments: tuple[Any, Any] = (None, None),
    ) -> Any:
        if filters or index_name or segments != (None, None):
            return scan(
                self, filters, limit, exclusive_start_key, filter_expression, index_name, consistent_read,
                projection_expression, segments,
            )  # fmt: skip
        own = (self.hash_key_attr, self.range_key_attr)
        low = _after(exclusive_start_key, (None, None), self) + b"\0" if exclusive_start_key else b""
        # As moto does it, which adds up each item's size twice and copies the item, although nobody else has a turn.
        page, beyond = _page(self.items.between(own, low, LAST, first=_first(limit)), limit)
        items = [item for item in page if filter_expression.expr(item)] if filter_expression else page
        if projection_expression:
            items = [item.project(projection_expression) for item in items]
        return items, len(page), self._get_last_evaluated_key(page[-1], None) if beyond else None

    @replaces(Table, "all_items", digest="51e5fbae87a1")
    def items_of_page(self: Any) -> Any:
        return self.__dict__["page"] if "page" in self.__dict__ else all_items(self)


def install(aws: Aws) -> None:
    """Writes what an update has changed, and uses the order of rows where they are read."""
    _writes()
    _reads()

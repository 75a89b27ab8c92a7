"""DynamoDB's items in order, so that a page costs what it holds.

moto goes through all items of a table, and sorts them, for every Query and every page of a Scan. Here each table and
index is kept in order, by partition, and moto is shown only the items that the page can be made of.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table

from orchestrator.local.aws.dynamodb import capacity
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: A key's value as it sorts: its type and value, or nothing where there is no such key.
Sortable = tuple[Any, ...]

#: The attributes of a hash and a range key; a Scan's order is that of an index with no hash.
Schema = tuple[str | None, str | None]

#: Above the type of any key.
_LAST: Sortable = ("~",)


def _sortable(value: Any) -> Sortable:
    if value is None:
        return ()
    return (value.type, Decimal(value.value)) if value.type == "N" else (value.type, value.value)


def _key(entry: Sortable) -> Sortable:
    return entry[:3]


class Order:
    """The items of a table in the order of one index: by partition, by range key, and by the table's own key."""

    def __init__(self, schema: Schema, items: Iterable[Any]) -> None:
        self._hash, self._range = schema
        self._partitions: dict[Sortable, list[Sortable]] = {}
        for item in items:
            if place := self._place(item):
                self._partitions.setdefault(place[0], []).append((*place[1], item))
        for entries in self._partitions.values():
            entries.sort(key=_key)

    def add(self, item: Any) -> None:
        if place := self._place(item):
            partition, key = place
            entries = self._partitions.setdefault(partition, [])
            at = bisect_left(entries, key)
            if at == len(entries) or entries[at][:3] != key:
                entries.insert(at, (*key, item))

    def discard(self, item: Any) -> None:
        if place := self._place(item):
            partition, key = place
            entries = self._partitions.get(partition, [])
            at = bisect_left(entries, key)
            if at < len(entries) and entries[at][:3] == key:
                del entries[at]

    def between(
        self, partition: Any, low: Sortable, high: Sortable, start: Sortable | None, *, forward: bool
    ) -> Iterator[Any]:
        """Items of a partition from ``low`` up to ``high``, after ``start``, or the other way round."""
        entries = self._partitions.get(_sortable(partition), [])
        first, last = bisect_left(entries, low), bisect_right(entries, high)
        if start is not None and forward:
            first = max(first, bisect_right(entries, start, key=_key))
        elif start is not None:
            last = min(last, bisect_left(entries, start))
        indices = range(first, last) if forward else range(last - 1, first - 1, -1)
        return (entries[index][3] for index in indices)

    def start(self, key: Mapping[str, Any], table: Any) -> Sortable:
        """Returns the place of an ExclusiveStartKey in this order."""
        names = (self._range, table.hash_key_attr, table.range_key_attr)
        values = [DynamoType(key[name]) if name and name in key else None for name in names]
        return tuple(_sortable(value) for value in values)

    def _place(self, item: Any) -> tuple[Sortable, Sortable] | None:
        """An item's partition and its place there; None where the index does not hold it."""
        names = (self._hash, self._range)
        if any(name and name not in item.attrs for name in names):
            return None
        partition, by = (_sortable(item.attrs[name]) if name else () for name in names)
        return partition, (by, _sortable(item.hash_key), _sortable(item.range_key))


def _bounds(comparison: str | None, values: list[Any]) -> tuple[Sortable, Sortable]:
    """Returns bounds of the range keys that meet a condition. They may be too wide: moto compares again."""
    keys = [_sortable(value) for value in values]
    # moto keeps binary values in base64, which sorts otherwise.
    if comparison is None or any(key[0] == "B" for key in keys):
        return (), (_LAST,)
    (kind, value), last = keys[0], keys[-1]
    match comparison.upper():
        case "=" | "EQ" | "BETWEEN":
            return (keys[0],), (last, _LAST)
        case "<" | "LT":
            return ((kind,),), (last,)
        case "<=" | "LE":
            return ((kind,),), (last, _LAST)
        # An item too many at the beginning would be the page's, and the one beyond it would end the query.
        case ">" | "GT":
            return (keys[0], _LAST), (_LAST,)
        case ">=" | "GE":
            return (keys[0],), (_LAST,)
        case "BEGINS_WITH":
            return (keys[0],), ((kind, value + chr(0x10FFFF)), _LAST)
    return (), (_LAST,)


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


def _items(table: Any) -> Iterator[Any]:
    for held in list(table.items.values()):
        yield from held.values() if table.range_key_attr else (held,)


def _order(table: Any, schema: Schema) -> Order:
    orders: dict[Schema, Order] = table.__dict__.setdefault("orders", {})
    if schema not in orders:
        orders[schema] = Order(schema, _items(table))
    return orders[schema]


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


def held(table: Any, key: Mapping[str, Any]) -> Any:
    """The item that a table has under a key, or None; unlike moto's own look-up, it leaves nothing behind."""
    try:
        values = [DynamoType(key[name]) for name in table.table_key_attrs]
        partition = table.items.get(values[0])
        return partition.get(values[1]) if partition is not None and len(values) == 2 else partition
    except (ArithmeticError, LookupError, TypeError):
        # No key of this table: moto says so when it comes to that.
        return None


def enter(table: Any, item: Any) -> None:
    """Puts an item in its places."""
    for order in table.__dict__.get("orders", {}).values():
        order.add(item)


def leave(table: Any, item: Any) -> None:
    """Takes an item from its places, before it changes or goes."""
    for order in table.__dict__.get("orders", {}).values():
        if item is not None:
            order.discard(item)


def _writes() -> None:
    put, delete, update = Table.put_item, Table.delete_item, DynamoDBBackend.update_item

    @replaces(Table, "put_item", digest="b70d8baf72c2")
    def put_item(self: Any, item_attrs: Any, *arguments: Any, **named: Any) -> Any:
        before = held(self, item_attrs)
        item = put(self, item_attrs, *arguments, **named)
        leave(self, before)
        enter(self, item)
        return item

    @replaces(Table, "delete_item", digest="478586f94f31")
    def delete_item(self: Any, *arguments: Any, **named: Any) -> Any:
        item = delete(self, *arguments, **named)
        leave(self, item)
        return item

    @replaces(DynamoDBBackend, "update_item", digest="bc918de3ea08")
    def update_item(self: Any, table_name: str, key: Any, *arguments: Any, **named: Any) -> Any:
        table = self.get_table(table_name)
        # It is changed where it lies, even by an update that fails half-way.
        leave(table, held(table, key))
        try:
            return update(self, table_name, key, *arguments, **named)
        finally:
            if (item := held(table, key)) is not None:
                enter(table, item)


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
        order = _order(self, schema)
        start = order.start(exclusive_start_key, self) if exclusive_start_key else None
        low, high = _bounds(range_comparison, range_objs)
        page, beyond = _page(order.between(hash_key, low, high, start, forward=scan_index_forward is not False), limit)
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
        order = _order(self, (None, None))
        start = order.start(exclusive_start_key, self) if exclusive_start_key else None
        # As moto does it, which adds up each item's size twice and copies the item, although nobody else has a turn.
        page, beyond = _page(order.between(None, (), (_LAST,), start, forward=True), limit)
        items = [item for item in page if filter_expression.expr(item)] if filter_expression else page
        if projection_expression:
            items = [item.project(projection_expression) for item in items]
        return items, len(page), self._get_last_evaluated_key(page[-1], None) if beyond else None

    @replaces(Table, "all_items", digest="51e5fbae87a1")
    def items_of_page(self: Any) -> Any:
        return self.__dict__["page"] if "page" in self.__dict__ else all_items(self)


def install(aws: Aws) -> None:
    """Keeps order where items are written, and uses it where they are read."""
    _writes()
    _reads()

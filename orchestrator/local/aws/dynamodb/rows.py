"""The items of a table in a file, as AWS has them on a disk.

moto keeps each item as some fifty objects, 4 KB for a row of a ledger, so that a server that has run for long is as
large as all that was ever written. Here items lie packed in a database of SQLite, in order of the table's key and of
each index that was asked; the newest are at hand as moto's objects. The database goes with the table.
"""

from __future__ import annotations

import marshal
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from orchestrator.local.aws import unnamed
from orchestrator.local.aws.dynamodb.places import LAST, place
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: The attributes of a hash and a range key.
Schema = tuple[str | None, str | None]

#: Items of a table that are at hand as objects, and the largest of them, packed.
AT_HAND = 100
_LARGEST_AT_HAND = 8_192

#: Of a table, in memory.
_KILOBYTES = 1_000

#: Items that are taken from the file at a time.
AT_ONCE = 50


class Rows:
    """What stands for moto's dictionaries: items by hash key, or by hash key and range key."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._lock = threading.RLock()
        self._database = unnamed.database(self, kilobytes=_KILOBYTES)
        self._database.execute("CREATE TABLE items (place BLOB UNIQUE NOT NULL, item BLOB NOT NULL)")
        self._at_hand: dict[bytes, Any] = {}
        #: Of each index, the column of its places.
        self._columns: dict[Schema, str] = {schema: "place"}
        self._put = self._statement()

    def __len__(self) -> int:
        count: int = self._do("SELECT count(*) FROM items")[0][0]
        return count

    def __contains__(self, hash_key: DynamoType) -> bool:
        return self._found(place(hash_key)) is not None

    def __getitem__(self, hash_key: DynamoType) -> Any:
        if self._schema[1]:
            return _Partition(self, place(hash_key))
        return self.taken(place(hash_key))

    def __setitem__(self, hash_key: DynamoType, item: Any) -> None:
        self.keep(item)

    def __deepcopy__(self, memo: object) -> Rows:
        copy = Rows(self._schema)
        for item in self.under(b""):
            copy.keep(item)
        return copy

    def pop(self, hash_key: DynamoType, *default: Any) -> Any:
        """The item that goes. Raises KeyError, if there is neither one nor a default."""
        return self.removed(place(hash_key), *default)

    def get(self, key: Mapping[str, Any]) -> Any:
        """The item under a key, or None. Raises KeyError for a key of another table."""
        return self._found(self._key(key))

    def values(self) -> Iterable[Any]:
        """The items of a table with one key; else all in one, as moto wants its partitions only to look into them."""
        return [_Partition(self, b"")] if self._schema[1] else self.under(b"")

    def keep(self, item: Any) -> None:
        """Puts an item, new or changed, in its places."""
        key = self._place(self._schema, item)
        packed = marshal.dumps({name: _plain(value) for name, value in item.attrs.items()})
        assert key is not None
        with self._lock:
            places = (self._place(schema, item, key) for schema in list(self._columns)[1:])
            self._database.execute(self._put, (key, packed, *places))
            self._remember(key, item, len(packed))

    def forget(self, key: Mapping[str, Any]) -> None:
        """Has an item no longer at hand: an update that failed may have changed it."""
        with self._lock:
            self._at_hand.pop(self._key(key), None)

    def taken(self, key: bytes) -> Any:
        """The item at a place. Raises KeyError."""
        if (item := self._found(key)) is None:
            raise KeyError(key)
        return item

    def removed(self, key: bytes, *default: Any) -> Any:
        """The item that goes from a place. Raises KeyError, if there is neither one nor a default."""
        with self._lock:
            if (item := self._found(key)) is None:
                if default:
                    return default[0]
                raise KeyError(key)
            self._at_hand.pop(key, None)
            self._database.execute("DELETE FROM items WHERE place = ?", (key,))
            return item

    def between(
        self, schema: Schema, low: bytes, high: bytes, *, forward: bool = True, first: int = AT_ONCE
    ) -> Iterator[Any]:
        """Items in the order of an index, from the place ``low`` to before ``high``, or the other way round.

        ``first`` is how many are probably wanted.
        """
        column, direction = self._column(schema), "ASC" if forward else "DESC"
        # Names of columns are made here.
        where, order = f"{column} >= ? AND {column} < ?", f"{column} {direction}"
        statement = f"SELECT {column}, item FROM items WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        some = min(first, AT_ONCE)
        while found := self._do(statement, low, high, some):
            for _, packed in found:
                yield self._item(packed)
            if len(found) < some:
                return
            low, high = (found[-1][0] + b"\0", high) if forward else (low, found[-1][0])
            some = AT_ONCE

    def under(self, prefix: bytes) -> Iterator[Any]:
        """All items of a partition."""
        return self.between(self._schema, prefix, prefix + LAST)

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _found(self, key: bytes) -> Any:
        with self._lock:
            item = self._at_hand.pop(key, None)
            if item is not None:
                self._at_hand[key] = item
                return item
            for (packed,) in self._do("SELECT item FROM items WHERE place = ?", key):
                item = self._item(packed)
                self._remember(key, item, len(packed))
            return item

    def _item(self, packed: bytes) -> Any:
        item = object.__new__(Item)
        item.attrs = LimitedSizeDict()
        # It was packed here, and nowhere else.
        dict.update(item.attrs, {name: _value(plain) for name, plain in marshal.loads(packed).items()})  # noqa: S302
        hash_name, range_name = self._schema
        item.hash_key, item.range_key = item.attrs[hash_name], item.attrs[range_name] if range_name else None
        return item

    def _remember(self, key: bytes, item: Any, size: int) -> None:
        self._at_hand.pop(key, None)
        if size <= _LARGEST_AT_HAND:
            self._at_hand[key] = item
            if len(self._at_hand) > AT_HAND:
                del self._at_hand[next(iter(self._at_hand))]

    def _key(self, key: Mapping[str, Any]) -> bytes:
        return b"".join(place(DynamoType(key[name])) for name in self._schema if name)

    def _place(self, schema: Schema, item: Any, key: bytes = b"") -> bytes | None:
        """Where an index has an item; None where it does not hold it."""
        names = [name for name in schema if name]
        if any(name not in item.attrs for name in names):
            return None
        return b"".join(place(item.attrs[name]) for name in names) + key

    def _column(self, schema: Schema) -> str:
        """Each index that is asked for the first time gets its column."""
        with self._lock:
            if schema not in self._columns:
                column = f"place{len(self._columns)}"
                self._database.execute(f"ALTER TABLE items ADD COLUMN {column} BLOB")
                for item in self.under(b""):
                    key = self._place(self._schema, item) or b""
                    found = self._place(schema, item, key)
                    self._do(f"UPDATE items SET {column} = ? WHERE place = ?", found, key)  # noqa: S608
                self._database.execute(f"CREATE INDEX by_{column} ON items ({column}) WHERE {column} IS NOT NULL")
                self._columns[schema] = column
                self._put = self._statement()
            return self._columns[schema]

    def _statement(self) -> str:
        columns = ["place", "item", *list(self._columns.values())[1:]]
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
        insert = f"INSERT INTO items ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
        return f"{insert} ON CONFLICT (place) DO UPDATE SET {changes}"


class _Partition:
    """The items under a hash key, by range key."""

    def __init__(self, rows: Rows, prefix: bytes) -> None:
        self._rows, self._prefix = rows, prefix

    def __getitem__(self, range_key: DynamoType) -> Any:
        return self._rows.taken(self._prefix + place(range_key))

    def __setitem__(self, range_key: DynamoType, item: Any) -> None:
        self._rows.keep(item)

    def pop(self, range_key: DynamoType, *default: Any) -> Any:
        return self._rows.removed(self._prefix + place(range_key), *default)

    def values(self) -> Iterator[Any]:
        return self._rows.under(self._prefix)


def _plain(value: Any) -> Any:
    """A value as texts, lists and dictionaries."""
    inner = value.value
    if type(inner) is list:
        inner = [_plain(one) if type(one) is DynamoType else one for one in inner]
    elif type(inner) is dict:
        inner = {name: _plain(one) for name, one in inner.items()}
    return value.type, inner


def _value(plain: Any) -> Any:
    value = object.__new__(DynamoType)
    kind, inner = plain
    if kind == "L":
        inner = [_value(one) if type(one) is tuple else one for one in inner]
    elif kind == "M":
        inner = {name: _value(one) for name, one in inner.items()}
    value.type, value.value = kind, inner
    return value


def install(aws: Aws) -> None:
    """Gives every table a file."""
    make = Table.__init__

    @replaces(Table, "__init__", digest="918fc2250941")
    def make_table(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.items = Rows((self.hash_key_attr, self.range_key_attr))

    @replaces(Table, "__len__", digest="7334cbf0adca")
    def count(self: Any) -> int:
        return len(self.items)

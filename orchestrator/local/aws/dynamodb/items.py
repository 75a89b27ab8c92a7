"""DynamoDB's items at a cost that follows their length.

moto adds up all that an item holds each time that an attribute is put into it, so that a new item costs the square of
its attributes, and goes through ten kinds of values to copy or to read one. Here an item is added up once.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import intern
from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: As moto has it: the limit that AWS names is 400 KB, the one that was found is above it.
LARGEST_BYTES = 405_000


def _size(value: Any) -> int:
    return int(value.size() if type(value) is DynamoType else bytesize(str(value)))


def _total(attributes: Mapping[str, Any]) -> int:
    return sum(bytesize(name) + _size(value) for name, value in attributes.items())


def _read(self: Any, given: Any) -> None:
    """A value as it comes in a request, or another of its kind."""
    kind, value = (given.type, given.value) if type(given) is DynamoType else next(iter(given.items()))
    if kind == "L":
        value = [DynamoType(one) for one in value]
    elif kind == "M":
        value = {intern(name): DynamoType(one) for name, one in value.items()}
    self.type, self.value = kind, value


def _copied(self: Any, memo: object = None) -> Any:
    """A value of its own; what is in its leaves is never changed."""
    copy, value = object.__new__(DynamoType), self.value
    if type(value) is list:
        value = [_copied(one) if type(one) is DynamoType else one for one in value]
    elif type(value) is dict:
        value = {name: _copied(one) for name, one in value.items()}
    copy.type, copy.value = self.type, value
    return copy


def _copied_item(self: Any, memo: object = None) -> Any:
    copy = object.__new__(Item)
    copy.hash_key, copy.range_key = _copied(self.hash_key), self.range_key and _copied(self.range_key)
    copy.attrs = LimitedSizeDict()
    dict.update(copy.attrs, {name: _copied(value) for name, value in self.attrs.items()})
    return copy


def install(aws: Aws) -> None:
    """Reads, adds up and copies."""

    @replaces(LimitedSizeDict, "__setitem__", digest="2b0c4e2d4dbe")
    def set_item(self: Any, name: str, value: Any) -> None:
        if _total(self) + bytesize(name) + _size(value) > LARGEST_BYTES:
            raise ItemSizeTooLarge
        dict.__setitem__(self, intern(name), value)

    @replaces(Item, "__init__", digest="2cca06451657")
    def make(self: Any, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        # All rows of a table have the same names.
        values = {intern(name): DynamoType(value) for name, value in attrs.items()}
        if _total(values) > LARGEST_BYTES:
            raise ItemSizeTooLarge
        dict.update(self.attrs, values)

    replaces(DynamoType, "__init__", digest="1b0d4d79b733")(_read)
    replaces(Item, "__deepcopy__", digest="634f5066e9b0")(_copied_item)
    replaces(DynamoType, "__deepcopy__", digest="979b8c442d21")(_copied)

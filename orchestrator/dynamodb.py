"""Values of Python as DynamoDB's low-level API has them, and back; and the arguments of UpdateItem.

The API writes the type beside each value: text is ``{"S": "x"}``, a number ``{"N": "1"}`` ("Data types and naming rules
in Amazon DynamoDB"). boto3's own converter does the same and needs boto3, which the rules of this library do without;
tests hold the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

T = TypeVar("T", str, int, float, bool)

_NAME = re.compile(r"#(\w+)")


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """An item, a key, or the values of an expression; what is None is left out, as in maps below it.

    Raises :class:`TypeError` as :func:`to_attribute` does.
    """
    return {
        # Text, which is most of it, at once.
        name: {"S": value} if type(value) is str else to_attribute(value)
        for name, value in values.items()
        if value is not None
    }


def to_attribute(value: object) -> dict[str, Any]:
    """Text, whole and decimal numbers, booleans, None, lists, maps, and sets of text.

    Raises :class:`TypeError` for anything else, a float among them: DynamoDB's numbers are decimal.
    """
    # What there is most of comes first, and what is asked of abstract classes last: that takes ten times as long.
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Decimal():
            # Without an exponent, as DynamoDB returns it.
            return {"N": f"{value:f}"}
        case list() | tuple():
            return {"L": [to_attribute(element) for element in value]}
        case dict():
            return {"M": to_item(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": to_item(value)}
        case AbstractSet() if value and all(isinstance(element, str) for element in value):
            return {"SS": sorted(value)}
    raise TypeError(f"no attribute value of DynamoDB is made from {value!r}")


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item. Raises :class:`ValueError` as :func:`from_attribute` does."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """Numbers are :class:`~decimal.Decimal`, and sets are frozen.

    Raises :class:`ValueError` for what is no attribute value.
    """
    match list(attribute.items()):
        case [("S" | "BOOL" | "B", content)]:
            return content
        case [("NULL", _)]:
            return None
        case [("N", content)]:
            return _decimal(content)
        case [("M", content)]:
            return from_item(content)
        case [("L", content)]:
            return [from_attribute(element) for element in content]
        case [("SS" | "BS", content)]:
            return frozenset(content)
        case [("NS", content)]:
            return frozenset(map(_decimal, content))
    raise ValueError(f"{attribute!r} is no attribute value of DynamoDB")


class Fields:
    """The attributes of an item or a map, read by name and type: whoever may write to a table can write anything."""

    #: By the type that is asked for, the one that DynamoDB writes, and its name.
    _TYPES: Mapping[type, tuple[str, str]] = {
        str: ("S", "text"),
        int: ("N", "a number"),
        float: ("N", "a number"),
        bool: ("BOOL", "a boolean"),
        dict: ("M", "a map"),
        list: ("L", "a list"),
        frozenset: ("SS", "a set of text"),
    }

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item

    def __contains__(self, name: str) -> bool:
        return name in self._item

    def get(self, name: str, kind: type[T]) -> T:
        """The attribute, as ``str``, ``int``, ``float`` or ``bool``.

        Raises :class:`KeyError` if there is none, and :class:`ValueError` if it is of another type.
        """
        return kind(self._content(name, kind))

    def find(self, name: str, kind: type[T]) -> T | None:
        """The same; None if there is none, or one of another type, such as DynamoDB's null.

        Raises :class:`ValueError` if a number is not whole that should be.
        """
        tag, _ = self._TYPES[kind]
        return kind(self._item[name][tag]) if tag in self._item.get(name, {}) else None

    def map(self, name: str) -> Fields:
        """Raises as :meth:`get` does."""
        return Fields(self._content(name, dict))

    def maps(self, name: str) -> tuple[Fields, ...]:
        """A list of maps. Raises as :meth:`get` does."""
        return tuple(Fields({name: element}).map(name) for element in self._content(name, list))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts. Raises as :meth:`get` does."""
        return tuple(Fields({name: element}).get(name, str) for element in self._content(name, list))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers. Raises as :meth:`get` does."""
        return tuple(Fields({name: element}).get(name, float) for element in self._content(name, list))

    def text_set(self, name: str) -> tuple[str, ...]:
        """A set of text, sorted; empty if there is none, for DynamoDB keeps no empty sets."""
        return tuple(sorted(self._item.get(name, {}).get("SS", ())))

    def _content(self, name: str, kind: type) -> Any:
        tag, said = self._TYPES[kind]
        attribute = self._item[name]
        if not isinstance(attribute, Mapping) or tag not in attribute:
            raise ValueError(f"{name} is not {said}")
        return attribute[tag]


def update(
    sets: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None = None,
    adds: Mapping[str, Any] | None = None,
    deletes: Mapping[str, Any] | None = None,
    removes: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    condition: str | None = None,
) -> dict[str, Any]:
    """The arguments of UpdateItem that say what changes, written from plain values.

    ``sets`` replaces attributes, but one that is None stays as it is; ``defaults`` sets those that are absent; ``adds``
    adds to numbers and sets; ``deletes`` takes elements out of sets; ``removes`` names the attributes to delete. The
    ``condition`` uses ``#lease`` for the attribute ``lease``, and ``:me`` for what ``values`` calls ``me``.

    Every attribute goes by a placeholder, because many good names (``status``, ``result``, ``ttl``) are reserved words
    ("Reserved words in DynamoDB").
    """
    set_, unset, added, deleted = (to_item(one or {}) for one in (sets, defaults, adds, deletes))
    clauses = {
        "SET": [*map(_set, set_), *(f"#{name} = if_not_exists(#{name}, :{name})" for name in unset)],
        "ADD": [f"#{name} :{name}" for name in added],
        "REMOVE": [f"#{name}" for name in removes],
        "DELETE": [f"#{name} :{name}" for name in deleted],
    }
    return _arguments(clauses, set_ | unset | added | deleted | to_item(values or {}), condition=condition)


def raw_update(
    sets: Mapping[str, Any],
    *,
    adds: Mapping[str, Any] | None = None,
    removes: Iterable[str] = (),
    names: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
    condition: str | None = None,
) -> dict[str, Any]:
    """The same from attribute values, for definitions, whose values are expressions: ``{"S": jsonata("$slot")}``.

    ``names`` are attributes that the caller adds to the expression.
    """
    clauses = {
        "SET": [*map(_set, sets)],
        "ADD": [f"#{name} :{name}" for name in adds or {}],
        "REMOVE": [f"#{name}" for name in removes],
    }
    return _arguments(clauses, {**sets, **(adds or {}), **(values or {})}, names=names, condition=condition)


def _arguments(
    clauses: Mapping[str, list[str]], values: Mapping[str, Any], *, names: Iterable[str] = (), condition: str | None
) -> dict[str, Any]:
    expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)
    arguments: dict[str, Any] = {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {
            f"#{name}": name
            for name in dict.fromkeys([*_NAME.findall(expression), *_NAME.findall(condition or ""), *names])
        },
    }
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return arguments | ({"ConditionExpression": condition} if condition else {})


def _set(name: str) -> str:
    return f"#{name} = :{name}"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as fault:
        raise ValueError(f"{text!r} is no number") from fault

"""Conditions and filters of DynamoDB, whose text is read once.

moto reads the text of a condition anew for every request, and three times for each operation of a transaction, with
patterns that it compiles each time: that was a sixth of the time of a run. What a text says depends on the names that
stand for attributes, and not on the values; these are put in when it is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_VALUE = ConditionExpressionParser.Kind.EXPRESSION_ATTRIBUTE_VALUE


class _AnyValue(dict[str, Any]):
    """Stands for the values while the text is read: every name has one."""

    def __missing__(self, name: str) -> Any:
        return {"NULL": True}


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A condition that was read: moto's tree, and its names and values in moto's order."""

    tree: Any
    names: tuple[str, ...]
    values: tuple[str, ...]


def _reader(parse: Callable[[Any], Any]) -> Callable[[str, tuple[tuple[str, str], ...] | None], _Text]:
    """Reads a text with the part of moto's parser that comes before values are looked at."""

    class Reader(ConditionExpressionParser):
        tree: Any = None

        def _make_op_condition(self, node: Any) -> Any:
            self.tree = node

    @lru_cache(1024)
    def read(text: str, names: tuple[tuple[str, str], ...] | None) -> _Text:
        reader = Reader(text, None if names is None else dict(names), _AnyValue())
        parse(reader)
        names_used, values = tuple(reader.expr_attr_names_found), tuple(reader.expr_attr_values_found)
        return _Text(tree=reader.tree, names=names_used, values=values)

    return read


def _of(names: Mapping[str, str] | None) -> tuple[tuple[str, str], ...] | None:
    return None if names is None else tuple(names.items())


def install(aws: Aws) -> None:
    """Reads each text once. One that moto refuses, or whose values are not all there, is refused by moto."""
    whole, make_operand = ConditionExpressionParser.parse, ConditionExpressionParser._make_operand
    read = _reader(whole)

    @replaces(ConditionExpressionParser, "parse", digest="916854ff105a")
    def parse(self: Any) -> Any:
        values = self.expression_attribute_values
        if not self.condition_expression:
            return whole(self)
        try:
            text = read(self.condition_expression, _of(self.expression_attribute_names))
        except Exception:
            return whole(self)
        if text.values and (values is None or not values.keys() >= set(text.values)):
            return whole(self)
        self.expr_attr_names_found.extend(text.names)
        self.expr_attr_values_found.extend(text.values)
        return self._make_op_condition(text.tree)

    @replaces(ConditionExpressionParser, "_make_operand", digest="f7fdaa981823")
    def operand(self: Any, node: Any) -> Any:
        if node.kind == _VALUE:
            return AttributeValue(self.expression_attribute_values[node.text])
        return make_operand(self, node)

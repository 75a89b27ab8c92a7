"""moto reads a condition anew for each request; what a text says is the same each time, and its values are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb import comparisons
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import Item

from orchestrator.local.aws.server import adapt
from tests.testbed.pristine import as_it_comes

adapt()

TEXTS = (
    "#a = :v",
    "#a <> :v AND #b > :w",
    "attribute_not_exists(#a) OR #a = :v",
    "NOT contains(#a, :v) AND (size(#b) < :w OR #b.#a = :v)",
    "#a BETWEEN :v AND :w",
    "#a IN (:v, :w) OR begins_with(#b, :v)",
    "attribute_type(#a, :v)",
    # What moto refuses.
    "((#a = :v))",
    "#a = ",
    "name = :v",
    "#a = :absent",
    "#absent = :v",
)
NAMES = {"#a": "first", "#b": "second"}

values = st.one_of(
    st.sampled_from(["", "x", "xy", "S"]).map(lambda text: {"S": text}),
    st.integers(0, 3).map(lambda number: {"N": str(number)}),
    st.booleans().map(lambda truth: {"BOOL": truth}),
    st.just({"NULL": True}),
    st.just({"SS": ["x", "y"]}),
    st.just({"M": {"first": {"S": "x"}}}),
)


PLAIN = as_it_comes(comparisons).ConditionExpressionParser


def outcome(parser: Any, item: Item | None) -> object:
    try:
        condition = parser.parse()
        found = condition.expr(item)
    except Exception as fault:
        return type(fault).__name__, str(fault)
    return repr(condition), bool(found), parser.expr_attr_names_found, parser.expr_attr_values_found


@pytest.mark.parametrize("text", TEXTS)
@given(
    given_values=st.fixed_dictionaries({":v": values, ":w": values}),
    attributes=st.dictionaries(st.sampled_from(list(NAMES.values())), values),
)
def test_a_condition_holds_where_it_does_for_moto(
    text: str, given_values: Mapping[str, Any], attributes: dict[str, Any]
) -> None:
    item = Item(hash_key=None, range_key=None, attrs=attributes) if attributes else None
    plain, ours = (kind(text, dict(NAMES), dict(given_values)) for kind in (PLAIN, ConditionExpressionParser))
    assert outcome(ours, item) == outcome(plain, item)


def test_the_same_text_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "#a = :v AND attribute_exists(#b)"
    ConditionExpressionParser(text, NAMES, {":v": {"S": "1"}}).parse()

    def read(_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(ConditionExpressionParser, "_lex_condition_expression", read)
    again = ConditionExpressionParser(text, NAMES, {":v": {"S": "2"}}).parse()
    assert repr(again) == "((first = '2') AND attribute_exists(second))"

"""Bytes sort as the keys of DynamoDB do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.models.dynamo_type import DynamoType

from orchestrator.local.aws.dynamodb.places import between, place

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
# Few characters, so that one text is often the beginning of another.
texts = st.text(alphabet="\0\x01aé\U0001f600\udcff\uffff", max_size=4)


def number(value: Any) -> DynamoType:
    return DynamoType({"N": str(value)})


def text(value: str) -> DynamoType:
    return DynamoType({"S": value})


@given(numbers, numbers)
def test_numbers_sort_by_their_value(one: Decimal, other: Decimal) -> None:
    assert (place(number(one)) < place(number(other))) == (one < other)
    assert (place(number(one)) == place(number(other))) == (one == other)


@pytest.mark.parametrize(
    "ascending",
    [
        [
            "-9.99E125",
            "-100",
            "-99",
            "-1.5",
            "-1",
            "-1E-130",
            "0",
            "1E-130",
            "0.1",
            "1",
            "1.05",
            "1.5",
            "9",
            "10",
            "1E38",
        ],
        [f"{'1' * 37}1", f"{'1' * 37}2", f"{'1' * 36}20"],
    ],
)
def test_numbers_of_all_sizes_are_in_order(ascending: list[str]) -> None:
    assert sorted(ascending, key=lambda one: place(number(one))) == ascending


@pytest.mark.parametrize("same", [("1", "1.0", "01", "1E0", "+1"), ("0", "-0", "0.00"), ("1200", "1.2E3")])
def test_a_number_is_the_same_however_it_is_written(same: tuple[str, ...]) -> None:
    assert len({place(number(one)) for one in same}) == 1


@pytest.mark.parametrize("no_number", ["NaN", "Infinity", "ten"])
def test_what_is_no_number_has_no_place(no_number: str) -> None:
    with pytest.raises(ArithmeticError):
        place(number(no_number))


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_texts_sort_one_after_the_other(one: tuple[str, str], other: tuple[str, str]) -> None:
    places = [b"".join(place(text(part)) for part in parts) for parts in (one, other)]
    as_bytes = [tuple(part.encode("utf-8", "surrogatepass") for part in parts) for parts in (one, other)]
    assert (places[0] < places[1]) == (as_bytes[0] < as_bytes[1])


CONDITIONS: list[tuple[str, list[str], list[str]]] = [
    ("=", ["b"], ["b"]),
    ("<", ["b"], ["", "a", "a\0", "aa"]),
    ("<=", ["b"], ["", "a", "a\0", "aa", "b"]),
    (">", ["b"], ["b\0", "ba", "c"]),
    (">=", ["b"], ["b", "b\0", "ba", "c"]),
    ("BETWEEN", ["a\0", "b"], ["a\0", "aa", "b"]),
    ("begins_with", ["a"], ["a", "a\0", "aa"]),
    ("begins_with", [""], ["", "a", "a\0", "aa", "b", "b\0", "ba", "c"]),
]


@pytest.mark.parametrize(("comparison", "values", "met"), CONDITIONS)
def test_bounds_hold_exactly_what_meets_a_condition(comparison: str, values: list[str], met: list[str]) -> None:
    low, high = between(comparison, [text(value) for value in values])
    # Behind the range key comes the table's own.
    places = {one: place(text(one)) + place(text("key")) for one in ["", "a", "a\0", "aa", "b", "b\0", "ba", "c"]}
    assert [one for one, where in places.items() if low <= where < high] == met

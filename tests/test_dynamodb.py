"""Values as DynamoDB has them, and UpdateItem's arguments, written from what changes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as some

from orchestrator.dynamodb import Fields, from_attribute, from_item, raw_update, to_attribute, to_item, update

TEXT = some.text(max_size=8)
NUMBERS = some.integers(-(10**37), 10**37) | some.decimals(-1_000_000, 1_000_000, places=3)
SCALARS = TEXT | some.booleans() | NUMBERS
VALUES: some.SearchStrategy[Any] = some.recursive(
    SCALARS | some.frozensets(TEXT, min_size=1, max_size=3),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def in_order(attribute: Any) -> Any:
    """boto3 writes the elements of a set in any order."""
    match attribute:
        case {"SS": elements}:
            return {"SS": sorted(elements)}
        case dict():
            return {name: in_order(inner) for name, inner in attribute.items()}
        case list():
            return [in_order(inner) for inner in attribute]
    return attribute


@given(VALUES)
def test_a_value_is_written_and_read_as_boto3_does_it(value: Any) -> None:
    attribute = to_attribute(value)
    assert attribute == in_order(TypeSerializer().serialize(value))
    assert from_attribute(attribute) == TypeDeserializer().deserialize(attribute)
    assert from_attribute(attribute) == value


@pytest.mark.parametrize(
    "attribute", [{"NULL": True}, {"B": b"x"}, {"BS": [b"x", b"y"]}, {"NS": ["1", "2.5"]}, {"L": [{"NULL": True}]}]
)
def test_what_others_have_written_is_read_as_boto3_does_it(attribute: dict[str, Any]) -> None:
    assert from_attribute(attribute) == TypeDeserializer().deserialize(attribute)


@pytest.mark.parametrize("value", [1.5, set(), {1}, object(), [1.5]])
def test_what_dynamodb_has_no_type_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no attribute value"):
        to_attribute(value)


@pytest.mark.parametrize("attribute", [{}, {"X": "x"}, {"S": "a", "N": "1"}, {"N": "x"}])
def test_what_is_no_attribute_value_is_not_read(attribute: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no attribute value|no number"):
        from_attribute(attribute)


def test_none_is_left_out() -> None:
    assert to_item({"a": None, "b": {"c": None, "d": ""}}) == {"b": {"M": {"d": {"S": ""}}}}
    assert from_item({"b": {"M": {"d": {"S": ""}}}}) == {"b": {"d": ""}}


ITEM = to_item({"id": "x", "n": 2, "half": Decimal("0.5"), "on": True, "tags": {"b", "a"}, "way": ["c", "a"]})


def test_an_attribute_is_read_by_name_and_type() -> None:
    fields = Fields(ITEM | {"lease": to_attribute({"n": 1}), "all": to_attribute([{"n": 1}, {"n": 2}])})
    assert (fields.get("id", str), fields.get("n", int), fields.get("half", float)) == ("x", 2, 0.5)
    assert fields.get("on", bool) is True
    assert fields.map("lease").get("n", int) == 1
    assert [one.get("n", int) for one in fields.maps("all")] == [1, 2]
    assert (fields.text_set("tags"), fields.texts("way"), fields.text_set("none")) == (("a", "b"), ("c", "a"), ())


def test_an_attribute_of_another_type_is_told_from_an_absent_one_unless_it_may_be_absent() -> None:
    fields = Fields(ITEM)
    with pytest.raises(KeyError, match="gone"):
        fields.get("gone", str)
    with pytest.raises(ValueError, match="n is not text"):
        fields.get("n", str)
    with pytest.raises(ValueError, match=r"0\.5"):
        fields.get("half", int)
    assert (fields.find("gone", str), fields.find("n", str), fields.find("n", int)) == (None, None, 2)


def test_every_attribute_goes_by_a_placeholder() -> None:
    assert update({"status": "x", "ttl": 1, "absent": None}) == {
        "UpdateExpression": "SET #status = :status, #ttl = :ttl",
        "ExpressionAttributeNames": {"#status": "status", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":status": {"S": "x"}, ":ttl": {"N": "1"}},
    }


def test_all_kinds_of_change_stand_together_with_a_condition() -> None:
    assert update(
        {"a": "x"},
        defaults={"since": "s"},
        adds={"n": 1},
        deletes={"tasks": {"t"}},
        removes=["lease"],
        values={"me": "y"},
        condition="#owner = :me AND #a < :a",
    ) == {
        "UpdateExpression": "SET #a = :a, #since = if_not_exists(#since, :since) ADD #n :n REMOVE #lease"
        " DELETE #tasks :tasks",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("a", "since", "n", "lease", "tasks", "owner")},
        "ExpressionAttributeValues": {
            ":a": {"S": "x"},
            ":since": {"S": "s"},
            ":n": {"N": "1"},
            ":tasks": {"SS": ["t"]},
            ":me": {"S": "y"},
        },
        "ConditionExpression": "#owner = :me AND #a < :a",
    }


def test_a_definition_gives_attribute_values_and_names_of_its_own() -> None:
    assert raw_update({"a": {"S": "{% $x %}"}}, names=["b"]) == {
        "UpdateExpression": "SET #a = :a",
        "ExpressionAttributeNames": {"#a": "a", "#b": "b"},
        "ExpressionAttributeValues": {":a": {"S": "{% $x %}"}},
    }


def test_no_values_are_named_where_there_are_none() -> None:
    assert "ExpressionAttributeValues" not in update({}, removes=["lease"])

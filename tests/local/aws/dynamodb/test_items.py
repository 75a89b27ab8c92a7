"""Items are read, added up and copied as moto does it, at another cost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import dynamo_type
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.pristine import as_it_comes

VALUES = st.recursive(
    st.builds(lambda text: {"S": text}, st.text(max_size=5))
    | st.builds(lambda number: {"N": str(number)}, st.integers())
    | st.builds(lambda yes: {"BOOL": yes}, st.booleans())
    | st.just({"NULL": True})
    | st.just({"SS": ["a", "ä"]})
    | st.just({"B": "AP8="}),
    lambda inner: (
        st.builds(lambda values: {"L": values}, st.lists(inner, max_size=3))
        | st.builds(lambda values: {"M": values}, st.dictionaries(st.text(max_size=3), inner, max_size=3))
    ),
    max_leaves=8,
)


def leaves(value: Any) -> Any:
    """A value's types and values, whichever class it is of."""
    if isinstance(value, list):
        return [leaves(one) for one in value]
    if isinstance(value, dict):
        return {name: leaves(one) for name, one in value.items()}
    return (value.type, leaves(value.value)) if hasattr(value, "type") else value


@given(value=VALUES)
def test_a_value_is_read_and_copied_as_moto_does_it(embedded_aws: EmbeddedAws, value: dict[str, Any]) -> None:
    theirs = as_it_comes(dynamo_type).DynamoType(value)
    ours = DynamoType(value)
    assert leaves(ours) == leaves(theirs)
    assert leaves(DynamoType(ours)) == leaves(theirs)
    assert leaves(copy.deepcopy(ours)) == leaves(theirs)


def test_a_copy_of_an_item_does_not_change_with_it(embedded_aws: EmbeddedAws) -> None:
    item = Item(DynamoType({"S": "a"}), None, {"id": {"S": "a"}, "map": {"M": {"list": {"L": [{"N": "1"}]}}}})
    before = copy.deepcopy(item)
    item.attrs["map"].value["list"].value.append(DynamoType({"N": "2"}))
    item.attrs["more"] = DynamoType({"S": "x"})
    assert before.to_json() == {"Attributes": {"id": {"S": "a"}, "map": {"M": {"list": {"L": [{"N": "1"}]}}}}}


@pytest.mark.parametrize(("length", "fits"), [(404_994, True), (404_995, False)])
def test_an_item_is_as_large_as_moto_lets_it_be(embedded_aws: EmbeddedAws, length: int, fits: bool) -> None:
    def refuses(kind: Any, fault: type[Exception]) -> bool:
        try:
            kind.Item(kind.DynamoType({"S": "a"}), None, {"id": {"S": "a"}, "é": {"S": "x" * length}, "y": {"S": ""}})
        except fault:
            return True
        return False

    theirs = as_it_comes(dynamo_type)
    assert refuses(dynamo_type, ItemSizeTooLarge) == refuses(theirs, ItemSizeTooLarge) == (not fits)
    item = Item(DynamoType({"S": "a"}), None, {"id": {"S": "a"}, "é": {"S": "x" * 404_000}})
    with pytest.raises(ItemSizeTooLarge):
        item.attrs["z"] = DynamoType({"S": "x" * 1_000})

"""Updates of whole attributes do to an item what moto's own do, and are refused as those are."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing import executors, validators
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from orchestrator.local.aws.server import adapt

ITEM = {"id": {"S": "a"}, "words": {"S": "x"}, "amount": {"N": "3"}, "box": {"M": {"inner": {"N": "1"}}}}
VALUES: dict[str, Any] = {":v": {"S": "new"}, ":n": {"N": "1"}, ":m": {"M": {"a": {"L": [{"S": "b"}]}}}}
TABLE = SimpleNamespace(
    table_key_attrs=["id"],
    attribute_keys=["id", "dueOn"],
    attr=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "dueOn", "AttributeType": "S"}],
)


def outcome(validator: Any, executor: Any, expression: str, values: Mapping[str, Any]) -> Any:
    """The item afterwards, and what it was refused with; #a stands for a."""
    names = {word: word[1:] for word in re.findall(r"#\w+", expression) if word != "#undefined"}
    item = Item(DynamoType(ITEM["id"]), None, copy.deepcopy(ITEM))
    try:
        checked = validator(UpdateExpressionParser.make(expression), names, values, item, TABLE).validate()
        checked.normalize()
        executor(checked, item, names).execute()
    except Exception as fault:
        return type(fault), str(fault)
    return item.to_json()["Attributes"]


def both(expression: str, values: Mapping[str, Any] = VALUES) -> tuple[Any, Any]:
    """What the embedded AWS makes of an update, and what moto's own classes do."""
    adapt()
    return (
        outcome(models.UpdateExpressionValidator, models.UpdateExpressionExecutor, expression, values),
        outcome(validators.UpdateExpressionValidator, executors.UpdateExpressionExecutor, expression, values),
    )


ATTRIBUTES = ("#words", "words", "#amount", "absent", "#absent", "#id", "#undefined", "dueOn", "#dueOn", "name")
OPERANDS = (*VALUES, ":undefined", "#words", "gone")
ACTIONS = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(ATTRIBUTES), st.sampled_from(OPERANDS)),
    st.builds("{0} = if_not_exists({0}, {1})".format, st.sampled_from(ATTRIBUTES), st.sampled_from([*VALUES])),
    st.just("#box.#inner = :v"),
    st.just("#amount = #amount + :n"),
)


@settings(max_examples=150)
@given(sets=st.lists(ACTIONS, max_size=3), removes=st.lists(st.sampled_from([*ATTRIBUTES, "#box.#inner"]), max_size=2))
def test_every_update_has_the_outcome_that_it_has_with_moto(sets: list[str], removes: list[str]) -> None:
    clauses = (f"{word} {', '.join(actions)}" for word, actions in (("SET", sets), ("REMOVE", removes)) if actions)
    if expression := " ".join(clauses):
        ours, theirs = both(expression)
        assert ours == theirs


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("SET #a = :v SET #b = :v", "can only be used once"),
        ("SET #a = :large", "Item size"),
        ("SET #id = :v", "part of the key"),
        ("SET #words = :v, words = :n", "overlap"),
        ("SET dueOn = :n", "Type mismatch"),
    ],
)
def test_what_moto_refuses_is_refused_in_its_words(expression: str, said: str) -> None:
    ours, theirs = both(expression, {**VALUES, ":large": {"S": "x" * 405_000}})
    assert ours == theirs
    assert said in str(ours)


def test_a_value_that_was_put_in_is_not_the_request_s() -> None:
    adapt()
    item = Item(DynamoType(ITEM["id"]), None, copy.deepcopy(ITEM))
    for _ in range(2):
        tree = UpdateExpressionParser.make("SET #m = :m")
        checked = models.UpdateExpressionValidator(tree, {"#m": "m"}, VALUES, item, TABLE).validate()
        models.UpdateExpressionExecutor(checked, item, {"#m": "m"}).execute()
        item.attrs["m"]["a"].value.append(DynamoType({"S": "c"}))
    assert len(item.attrs["m"]["a"].value) == 2

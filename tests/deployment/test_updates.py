"""The updates between two templates: one index at a time, and none is missed by code that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import pytest

from orchestrator.deployment.updates import POLL_SECONDS, Template, first, notes, then, wait_until_filled
from orchestrator.errors import IndexNotFilled

NAMES = ("Colour", "Place", "Weight")
SUBSETS = [subset for count in range(4) for subset in combinations(NAMES, count)]


def template(indexes: Sequence[str], *, more: Sequence[str] = (), holds: str = "ALL") -> dict[str, Any]:
    """A table with indexes, a role that may read them, a function whose code does, and ``more`` tables."""
    return {
        "Resources": {
            "Shelf": table("shelf", indexes, holds),
            **{name: table(name.lower(), ()) for name in more},
            "Reader": {"Type": "AWS::Lambda::Function", "Properties": {"Code": f"reads {indexes}"}},
            "ReaderRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Policies": [
                        {
                            "PolicyName": "permissions",
                            "PolicyDocument": {"Statement": [statement("table/shelf"), *map(reading, indexes)]},
                        }
                    ]
                },
            },
        }
    }


def table(name: str, indexes: Sequence[str], holds: str = "ALL") -> dict[str, Any]:
    definitions = [
        {
            "IndexName": index,
            "KeySchema": [{"AttributeName": index.lower(), "KeyType": "HASH"}],
            "Projection": {"ProjectionType": holds},
        }
        for index in indexes
    ]
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": name,
            "AttributeDefinitions": [
                {"AttributeName": one, "AttributeType": "S"} for one in sorted(["id", *map(str.lower, indexes)])
            ],
            "DeletionProtectionEnabled": True,
            **({"GlobalSecondaryIndexes": definitions} if indexes else {}),
        },
    }


def statement(resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": ["dynamodb:Query"], "Resource": {"Fn::Sub": f"arn:aws:dynamodb:::{resource}"}}


def reading(index: str) -> dict[str, Any]:
    return statement(f"table/shelf/index/{index}")


def indexes_of(made: Template) -> list[str]:
    return [one["IndexName"] for one in made["Resources"]["Shelf"]["Properties"].get("GlobalSecondaryIndexes", [])]


def attributes_of(made: Template) -> list[str]:
    return [one["AttributeName"] for one in made["Resources"]["Shelf"]["Properties"]["AttributeDefinitions"]]


def readable(made: Template) -> set[str]:
    """The indexes that the role may read."""
    (policy,) = made["Resources"]["ReaderRole"]["Properties"]["Policies"]
    return {name for name in NAMES if reading(name) in policy["PolicyDocument"]["Statement"]}


def read(made: Template) -> set[str]:
    """The indexes that the function's code reads."""
    return {name for name in NAMES if f"'{name}'" in made["Resources"]["Reader"]["Properties"]["Code"]}


def way(before: Template, after: Template) -> list[Template]:
    return [*first(before, after), *then(before, after)]


CASES = [(template(old), template(new)) for old in SUBSETS for new in SUBSETS]


def test_each_update_creates_or_deletes_one_index_at_most_and_the_last_makes_the_template() -> None:
    for before, after in CASES:
        steps = [before, *way(before, after)]
        assert steps[-1] == after
        for one, other in pairwise(steps):
            assert len(set(indexes_of(one)) ^ set(indexes_of(other))) <= 1
            # DynamoDB refuses attributes that are no key's.
            assert attributes_of(other) == sorted(["id", *map(str.lower, indexes_of(other))])


def test_a_new_index_is_all_that_the_first_updates_change() -> None:
    for before, after in CASES:
        for made in first(before, after):
            others = {name for name, one in made["Resources"].items() if one != before["Resources"][name]}
            assert others == {"Shelf"}


def test_whatever_code_is_there_reads_an_index_that_was_there_before_its_update_and_may_be_read() -> None:
    """A role is changed before the function that refers to it, and so before its code."""
    for before, after in CASES:
        for one, other in pairwise([before, *way(before, after)]):
            needed = read(one) | read(other)
            assert needed <= readable(other)
            assert needed <= set(indexes_of(one)) & set(indexes_of(other))


def test_a_deployment_that_ended_anywhere_on_the_way_is_continued_by_the_next() -> None:
    for before, after in CASES:
        steps = way(before, after)
        for count, made in enumerate(steps[:-1], start=1):
            rest = way(made, after)
            assert rest[-1] == after
            assert len(rest) <= len(steps) - count + 1
            assert changes([made, *rest]) == changes(steps[count - 1 :])


def changes(steps: Sequence[Template]) -> list[set[str]]:
    """The indexes of each template that has others than the one before."""
    indexes = [set(indexes_of(one)) for one in steps]
    return [other for one, other in pairwise(indexes) if one != other]


def test_a_table_is_created_before_it_is_protected_also_where_an_index_goes() -> None:
    before, after = template(["Colour"]), template(["Weight"], more=["Box"])
    protected = [
        one["Resources"]["Box"]["Properties"].get("DeletionProtectionEnabled", False)
        for one in way(before, after)
        if "Box" in one["Resources"]
    ]
    assert protected == [False, True, True]
    assert way({}, after) == [*then({}, after)]
    assert len(way({}, after)) == 2
    assert way(after, after) == [after]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (["Colour"], ["Colour"], []),
        (
            ["Colour"],
            ["Weight"],
            [
                "indexes of shelf change, in 3 updates of the stack: Weight is filled (a write unit for each record,"
                " $0.625 a million), then read; Colour is deleted when nothing reads it any more; until then a record"
                " whose place changes is written in both"
            ],
        ),
        (["Colour", "Weight"], ["Weight"], ["indexes of shelf change, in 2 updates of the stack: Colour is deleted"]),
        ([], ["Weight"], ["indexes of shelf change, in 2 updates of the stack: Weight is filled"]),
    ],
)
def test_what_becomes_of_indexes_is_told_beforehand(old: list[str], new: list[str], said: list[str]) -> None:
    told = list(notes(template(old), template(new)))
    assert len(told) == len(said)
    assert all(one.startswith(begin) for one, begin in zip(told, said, strict=True)), told


def test_an_index_that_holds_less_is_told_to_cost_less() -> None:
    (told,) = notes(template(["Colour"]), template(["Weight"], holds="KEYS_ONLY"))
    assert told.endswith("; then a write that changes no place costs a unit less")


CREATING, BOTH = {"Colour": "ACTIVE", "Weight": "CREATING"}, {"Colour": "ACTIVE", "Weight": "ACTIVE"}


class Table:
    """DynamoDB's client, which describes one table as it is, look by look, and then as it was at last."""

    def __init__(self, *looks: tuple[str, dict[str, str]]) -> None:
        self._looks = list(looks)

    def describe_table(self, **_: str) -> Any:
        status, indexes = self._looks[0] if len(self._looks) == 1 else self._looks.pop(0)
        described = [{"IndexName": name, "IndexStatus": status} for name, status in indexes.items()]
        return {"Table": {"TableStatus": status, "GlobalSecondaryIndexes": described}}


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([("ACTIVE", BOTH)], []),
        (
            # Right after the update of the stack there may be nothing of the index.
            [("ACTIVE", {"Colour": "ACTIVE"}), ("UPDATING", CREATING), ("ACTIVE", CREATING), ("ACTIVE", BOTH)],
            ["Weight is not there", "it is UPDATING, Weight is CREATING", "Weight is CREATING"],
        ),
        ([("ACTIVE", {**BOTH, "Place": "DELETING"}), ("ACTIVE", BOTH)], ["Place is DELETING"]),
    ],
)
def test_an_update_begins_when_all_indexes_of_the_one_before_can_be_read(
    looks: list[tuple[str, dict[str, str]]], said: list[str]
) -> None:
    waited: list[float] = []
    lines: list[str] = []
    client: Any = Table(*looks)
    wait_until_filled(client, template(["Colour", "Weight"]), {"shelf"}, sleep=waited.append, progress=lines.append)
    assert lines == [f"waiting for table shelf: {one}" for one in said]
    assert waited == [POLL_SECONDS] * len(said)


def test_an_index_that_is_not_filled_is_given_up_at_last_and_can_be_waited_for_again() -> None:
    client: Any = Table(("ACTIVE", CREATING))
    waited: list[float] = []
    with pytest.raises(IndexNotFilled, match=r"table shelf: Weight is CREATING after two hours; deploy again"):
        wait_until_filled(
            client, template(["Colour", "Weight"]), {"shelf"}, sleep=waited.append, progress=lambda line: None
        )
    assert sum(waited) == 2 * 3600

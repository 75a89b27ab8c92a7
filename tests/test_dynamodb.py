"""UpdateItem's arguments, written from what changes."""

from __future__ import annotations

from orchestrator.dynamodb import update


def test_every_attribute_goes_by_a_placeholder() -> None:
    assert update({"status": {"S": "x"}, "ttl": {"N": "1"}}) == {
        "UpdateExpression": "SET #status = :status, #ttl = :ttl",
        "ExpressionAttributeNames": {"#status": "status", "#ttl": "ttl"},
        "ExpressionAttributeValues": {":status": {"S": "x"}, ":ttl": {"N": "1"}},
    }


def test_sets_adds_and_removes_stand_together_with_a_condition() -> None:
    found = update(
        {"a": {"S": "x"}},
        adds={"n": {"N": "1"}},
        removes=["lease"],
        names=["owner", "a"],
        values={"me": {"S": "y"}},
        condition="#owner = :me",
    )
    assert found == {
        "UpdateExpression": "SET #a = :a ADD #n :n REMOVE #lease",
        "ExpressionAttributeNames": {"#a": "a", "#n": "n", "#lease": "lease", "#owner": "owner"},
        "ExpressionAttributeValues": {":a": {"S": "x"}, ":n": {"N": "1"}, ":me": {"S": "y"}},
        "ConditionExpression": "#owner = :me",
    }


def test_no_values_are_named_where_there_are_none() -> None:
    assert "ExpressionAttributeValues" not in update({}, removes=["lease"])

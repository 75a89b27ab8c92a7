"""moto reads expressions and answers at a cost of their own; what they mean stays."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamo_type, utilities
from moto.dynamodb.models.dynamo_type import DynamoType

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.pristine import as_it_comes

KEY = {"id": {"S": "a"}}
ITEM: dict[str, Any] = {
    **KEY,
    "text": {"S": "x"},
    "empty": {"S": ""},
    "number": {"N": "3"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "bytes": {"B": b"\x00\xff"},
    "blobs": {"BS": [b"a"]},
    "names": {"SS": ["b", "c"]},
    "list": {"L": [{"N": "1"}, {"S": "two"}, {"B": b"3"}]},
    "map": {"M": {"inner": {"M": {"n": {"N": "1.5"}}}, "other": {"L": []}}},
}


@pytest.fixture
def client(aws: EmbeddedAws) -> Any:
    """A table ``things`` with one item."""
    client = aws.client("dynamodb")
    client.create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    client.put_item(TableName="things", Item=ITEM)
    return client


def update(client: Any, expression: str, **values: Any) -> Any:
    """The item afterwards; a word that begins with # is the attribute of that name."""
    names = {word: word[1:] for word in re.findall(r"#\w+", expression)}
    request: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    answer = client.update_item(
        TableName="things", Key=KEY, UpdateExpression=expression, ReturnValues="ALL_NEW", **request
    )
    return answer["Attributes"]


def test_every_kind_of_value_comes_back_as_it_was_written(client: Any) -> None:
    assert client.get_item(TableName="things", Key=KEY)["Item"] == ITEM
    assert client.scan(TableName="things")["Items"] == [ITEM]


@pytest.mark.parametrize("attribute", sorted(ITEM))
def test_of_an_item_the_named_attributes_are_answered(client: Any, attribute: str) -> None:
    projection = {"ProjectionExpression": "#a, #b", "ExpressionAttributeNames": {"#a": attribute, "#b": "absent"}}
    assert client.scan(TableName="things", **projection)["Items"] == [{attribute: ITEM[attribute]}]
    assert client.get_item(TableName="things", Key=KEY, **projection)["Item"] == {attribute: ITEM[attribute]}


def test_of_an_attribute_what_is_named_within_is_answered(client: Any) -> None:
    projection = {
        "ProjectionExpression": "#m.#i, #t",
        "ExpressionAttributeNames": {"#m": "map", "#i": "inner", "#t": "text"},
    }
    (found,) = client.scan(TableName="things", **projection)["Items"]
    assert found == {"map": {"M": {"inner": ITEM["map"]["M"]["inner"]}}, "text": {"S": "x"}}


def test_what_is_answered_is_no_part_of_the_table(client: Any) -> None:
    projection = {"ProjectionExpression": "#m", "ExpressionAttributeNames": {"#m": "map"}}
    client.scan(TableName="things", **projection)["Items"][0]["map"]["M"].clear()
    assert client.get_item(TableName="things", Key=KEY)["Item"] == ITEM


def test_one_text_means_what_its_values_say_each_time(client: Any) -> None:
    text = "SET #number = #number + :by, #list = list_append(#list, :more), #new = if_not_exists(#new, :by)"
    first = update(client, text, by={"N": "1"}, more={"L": [{"S": "a"}]})
    again = update(client, text, by={"N": "5"}, more={"L": [{"S": "b"}]})
    assert (first["number"], again["number"]) == ({"N": "4"}, {"N": "9"})
    assert again["list"]["L"][-2:] == [{"S": "a"}, {"S": "b"}]
    assert again["new"] == {"N": "1"}


def test_clauses_of_each_kind_are_done_together(client: Any) -> None:
    found = update(
        client,
        "SET #text = :t, #map.#other = :l REMOVE #list[0], #empty ADD #number :one DELETE #names :gone",
        t={"S": "y"},
        l={"L": [{"N": "1"}]},
        one={"N": "1"},
        gone={"SS": ["b"]},
    )
    assert found["text"] == {"S": "y"}
    assert found["map"]["M"]["other"] == {"L": [{"N": "1"}]}
    assert found["list"] == {"L": ITEM["list"]["L"][1:]}
    assert (found["number"], found["names"]) == ({"N": "4"}, {"SS": ["c"]})
    assert "empty" not in found


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("SET #a = :v SET #b = :v", 'The "SET" section can only be used once'),
        ("SET #a = :v, #b = :v, #a = :v", "Two document paths overlap"),
        ("SET #id = :v", "This attribute is part of the key"),
        ("SET #a = #b, #c = :v", "attribute that does not exist in the item"),
        ("SET #a = :v,", "Invalid UpdateExpression: Syntax error"),
    ],
)
def test_what_cannot_be_done_is_refused_each_time(client: Any, expression: str, said: str) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match=said):
            update(client, expression, v={"S": "x"})
    assert client.get_item(TableName="things", Key=KEY)["Item"] == ITEM


def test_an_update_costs_in_proportion_to_its_length(client: Any) -> None:
    def cost(attributes: int) -> float:
        """The least that one update has taken, in seconds."""
        text = "SET " + ", ".join(f"#a{number} = :v" for number in range(attributes))
        taken = []
        for _ in range(8):
            began = time.perf_counter()
            update(client, text, v={"S": "x"})
            taken.append(time.perf_counter() - began)
        return min(taken)

    assert cost(80) < 8 * cost(20)


def test_values_are_of_the_size_that_moto_has_and_become_what_it_makes_of_them() -> None:
    plain_types, plain = (as_it_comes(module) for module in (dynamo_type, utilities))
    item = {**ITEM, "umlaut": {"S": "ä€"}, "numbers": {"NS": ["1", "2.5"]}, "deep": {"M": {"ä": {"L": [{"S": "ß"}]}}}}
    for value in item.values():
        assert DynamoType(value).size() == plain_types.DynamoType(value).size()
        assert utilities.dynamo_to_dict(DynamoType(value)) == plain.dynamo_to_dict(DynamoType(value))
    assert utilities.dynamo_to_dict({"Count": 1, "Items": [item]}) == plain.dynamo_to_dict(
        {"Count": 1, "Items": [item]}
    )

"""Pages of a Scan, read as the JSON that they are.

boto3 goes through every value of every item by the model of the API, to find the binary ones: that is two thirds of
what it takes to read a large table. In a page without a binary value it changes nothing, so there its items are taken
from the JSON at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: The types of binary values, and how they stand in JSON; a text that looks so only costs what it would cost anyway.
_BINARY = (b'"B"', b'"BS"')


def read_plainly(client: DynamoDBClient) -> None:
    """Lets a client read the pages of its scans so; it makes no difference to what it answers."""
    client.meta.events.register("before-parse.dynamodb.Scan", _take_items, unique_id="orchestrator-plain-pages")


def _take_items(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or any(kind in body for kind in _BINARY):
        return
    answer = json.loads(body)
    # What is put here takes the place of what boto3 would have read.
    customized_response_dict["Items"] = answer.pop("Items", [])
    response_dict["body"] = json.dumps(answer).encode()

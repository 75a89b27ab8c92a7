"""What DynamoDB refuses in a request before it looks at any item, and what it leaves out of an answer.

moto takes values that no expression uses, reserved words as names of keys, numbers that are too long and tokens that
are too long, and fails with a 500 on a binary value that is no base64. Sources: "Limits and quotas in DynamoDB"
("Naming rules and data types"), "Reserved words in DynamoDB", TransactWriteItems in DynamoDB's API reference, and AWS's
own sentences as users of its SDKs report them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from moto.core import parse
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ConditionalCheckFailed, DynamodbException, MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords
from moto.dynamodb.responses import DynamoHandler

from orchestrator.local.aws.dynamodb import capacity
from orchestrator.local.aws.dynamodb.partitions import held
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_TOKEN_LENGTH = 36
_DIGITS = 38
_LARGEST = Decimal("9.9999999999999999999999999999999999999E+125")
_TRANSACTION_BYTES = 4 * 1024 * 1024

_EXPRESSIONS = (
    "ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression",
)  # fmt: skip

#: Expressions in which moto takes reserved words for names.
_UNGUARDED = ("KeyConditionExpression", "ProjectionExpression")

#: Words of an expression that are no names: those that begin with a sign, and functions.
_NAMES = re.compile(r"(?<![#:\w])[A-Za-z_]\w*(?!\w|\s*\()", re.ASCII)
_SYNTAX = {"AND", "BETWEEN"}

#: Where a request has attribute values.
_VALUES = ("ExclusiveStartKey", "ExpressionAttributeValues", "Item", "Key")

#: What is answered only if "ReturnConsumedCapacity" or "ReturnItemCollectionMetrics" asks for it.
_ON_DEMAND = {"ConsumedCapacity": "ReturnConsumedCapacity", "ItemCollectionMetrics": "ReturnItemCollectionMetrics"}


class NoBase64(bytes):
    """A request holds a binary value that is not base64."""


def blob(text: str) -> bytes:
    """A binary value of a request in JSON."""
    try:
        return base64.b64decode(text)
    except (TypeError, ValueError):
        # moto reads a request where no error can be answered yet.
        return NoBase64()


def check(request: Mapping[str, Any]) -> None:
    """Raises moto's exceptions for a request of one operation, or for each of a transaction."""
    operations = [operation for entry in request.get("TransactItems", []) for operation in entry.values()]
    if len(request.get("ClientRequestToken") or "") > _TOKEN_LENGTH:
        raise MockValidationException(
            f"1 validation error detected: Value '{request['ClientRequestToken']}' at 'clientRequestToken' failed to"
            f" satisfy constraint: Member must have length less than or equal to {_TOKEN_LENGTH}"
        )
    for operation in (request, *operations):
        for field in _VALUES:
            for value in (operation.get(field) or {}).values():
                _check_value(value)
        if problem := unused(operation) or reserved(operation):
            raise MockValidationException(problem)
    whole = sum(size(operation["Item"]) for operation in operations if "Item" in operation)
    if whole > _TRANSACTION_BYTES:
        raise MockValidationException("The aggregate size of the items in the transaction exceeds 4 MB")


def unused(operation: Mapping[str, Any]) -> str | None:
    """Returns DynamoDB's complaint about names or values that no expression uses; None if all are used."""
    text = " ".join(operation[field] for field in _EXPRESSIONS if operation.get(field))
    for field, sign in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
        declared = operation.get(field)
        if not declared:
            continue
        if not text:
            return f"{field} can only be specified when using expressions"
        used = set(re.findall(rf"{sign}\w+", text, re.ASCII))
        if left := [name for name in declared if name not in used]:
            return f"Value provided in {field} unused in expressions: keys: {{{', '.join(left)}}}"
    return None


def reserved(operation: Mapping[str, Any]) -> str | None:
    """Returns DynamoDB's complaint about a reserved word that is used as a name; None if there is none."""
    for field in _UNGUARDED:
        for name in _NAMES.findall(operation.get(field) or ""):
            word = name.upper()
            if word not in _SYNTAX and word in ReservedKeywords.get_reserved_keywords():
                return f"Invalid {field}: Attribute name is a reserved keyword; reserved keyword: {name}"
    return None


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Type and value of each scalar in an attribute value."""
    for kind, inner in value.items() if isinstance(value, dict) else ():
        if kind == "M" and isinstance(inner, dict):
            for one in inner.values():
                yield from _leaves(one)
        elif kind == "L" and isinstance(inner, list):
            for one in inner:
                yield from _leaves(one)
        elif kind in {"SS", "NS", "BS"} and isinstance(inner, list):
            yield from ((kind[0], one) for one in inner)
        else:
            yield kind, inner


def _check_value(value: Any) -> None:
    for kind, inner in _leaves(value):
        if kind == "B" and isinstance(inner, NoBase64):
            raise DynamodbException("com.amazon.coral.service#SerializationException", "A Binary value must be base64")
        if kind == "N":
            _check_number(str(inner))


def _check_number(text: str) -> None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        # moto says what is wrong with it.
        return
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > _DIGITS:
        raise MockValidationException("Attempting to store more than 38 significant digits in a Number")
    if abs(number) > _LARGEST:
        raise MockValidationException(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )


def size(item: Mapping[str, Any]) -> int:
    """Returns an item's size in bytes: names and values ("DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + DynamoType(value).size() for name, value in item.items())


def _of_schema(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Shortens what BatchWriteItem says of a missing key: less than PutItem does; recorded by LocalStack."""

    def request(self: Any) -> Any:
        try:
            return answer(self)
        except MockValidationException as fault:
            if "Missing the key" in fault.exception_msg:
                raise MockValidationException("The provided key element does not match the schema") from None
            raise

    return request


def _checked(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def request(self: Any) -> Any:
        check(self.body)
        return _on_demand(answer)(self)

    return request


def _on_demand(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def request(self: Any) -> Any:
        result = answer(self)
        if isinstance(result, ActionResult) and isinstance(result.result, dict):
            capacity.counted(self.body, result.result)
            for name, wanted in _ON_DEMAND.items():
                if self.body.get(wanted, "NONE") == "NONE":
                    result.result.pop(name, None)
        return result

    return request


def _measured(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """GetItem, which reads the whole item, or nothing, which costs as much as a small one."""

    def request(self: Any) -> Any:
        result = answer(self)
        if self.body.get("ReturnConsumedCapacity", "NONE") != "NONE":
            table = self.dynamodb_backend.get_table(self.body["TableName"])
            item = held(table, self.body["Key"])
            capacity.read(item.size() if item is not None else 0)
        return result

    return request


def install(aws: Aws) -> None:
    """Checks each request before moto reads it."""
    replaces(parse, "default_blob_parser", digest="8096c8fc55df")(blob)
    handler = DynamoHandler
    replaces(handler, "batch_get_item", digest="673c1e6f55a6")(_on_demand(handler.batch_get_item))
    replaces(handler, "batch_write_item", digest="c5c6a0ddb152")(_on_demand(_of_schema(handler.batch_write_item)))
    replaces(handler, "delete_item", digest="374c0dbf92d1")(_checked(handler.delete_item))
    replaces(handler, "get_item", digest="46d7820bc4f4")(_checked(_measured(handler.get_item)))
    replaces(handler, "put_item", digest="6d9c958ebd70")(_checked(handler.put_item))
    replaces(handler, "query", digest="89acc8d6ced1")(_checked(handler.query))
    replaces(handler, "scan", digest="5706e73b09bd")(_checked(handler.scan))
    replaces(handler, "transact_write_items", digest="5af0d4e3b718")(_checked(handler.transact_write_items))
    replaces(handler, "update_item", digest="e5ef13d54f52")(_checked(handler.update_item))

    failed = ConditionalCheckFailed.__init__

    @replaces(ConditionalCheckFailed, "__init__", digest="74a070c9cd4b")
    def __init__(self: Any, msg: str | None = None, item: dict[str, Any] | None = None) -> None:  # noqa: N807
        failed(self, msg, item)
        if item:
            # Recorded by LocalStack: with an item the sentence has a capital.
            said = json.loads(self.description)
            self.description = json.dumps({"Message": said.pop("message"), **said})

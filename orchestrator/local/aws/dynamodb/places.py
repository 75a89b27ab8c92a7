"""Keys of DynamoDB as bytes that sort as DynamoDB sorts the keys, so that a file can keep items in order.

No key's bytes begin with those of another. So the bytes of several keys, one after the other, sort as the keys do, and
what begins with the bytes of a partition is what lies in it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

#: Above whatever follows in any key.
LAST = b"\xff"

#: Ends a text; a zero within a text is followed by another byte.
_END, _ZERO = b"\0\x01", b"\0\xff"

#: The larger the digits of a negative number, the smaller it is.
_TURNED = bytes(range(255, -1, -1))

#: Before the exponents of negative numbers, zero, and positive ones.
_NEGATIVE, _NONE, _POSITIVE = b"\x7f", b"\x80", b"\x81"

#: Makes every exponent positive: they are between -130 and 125.
_ABOVE = 0x4000


def place(value: DynamoType | None) -> bytes:
    """Returns the bytes of one attribute; none of one that is absent.

    Raises ArithmeticError for what is no number. moto has binary values in base64, and sorts them as that.
    """
    if value is None:
        return b""
    if value.type == "N":
        return b"N" + _number(value.value)
    return beginning(value) + _END


def beginning(value: DynamoType) -> bytes:
    """Returns the bytes with which every text begins that begins with this one."""
    text = str(value.value)
    kind: str = value.type
    return kind.encode() + text.encode("utf-8", "surrogatepass").replace(b"\0", _ZERO)


def between(comparison: str | None, values: list[DynamoType]) -> tuple[bytes, bytes]:
    """Returns bounds of the range keys that meet a condition: the first place that does, and one above the last.

    They may be too wide: moto compares again.
    """
    # moto has binary values in base64, which sorts otherwise.
    if comparison is None or any(value.type == "B" for value in values):
        return b"", LAST
    first, last, kind = place(values[0]), place(values[-1]), values[0].type.encode()
    match comparison.upper():
        case "=" | "EQ" | "BETWEEN":
            return first, last + LAST
        case "<" | "LT":
            return kind, last
        case "<=" | "LE":
            return kind, last + LAST
        # An item too many at the beginning would be the page's, and the one beyond it would end the query.
        case ">" | "GT":
            return first + LAST, LAST
        case ">=" | "GE":
            return first, LAST
        case "BEGINS_WITH":
            return beginning(values[0]), beginning(values[0]) + LAST
    return b"", LAST


def _number(text: Any) -> bytes:
    number = Decimal(text)
    if not number.is_finite():
        raise ArithmeticError(text)
    if not number:
        return _NONE
    sign, digits, _ = number.as_tuple()
    significant = "".join(map(str, digits)).strip("0").encode()
    size = (number.adjusted() + _ABOVE).to_bytes(2, "big") + significant + b"\0"
    return _NEGATIVE + size.translate(_TURNED) if sign else _POSITIVE + size

"""Sizes and units as DynamoDB's pages count them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.pricing.items import item_bytes, read_units, write_units


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "täglich"}, 8),
        ({"N": "1830160406"}, 6),
        ({"N": "-0.5"}, 3),
        ({"N": "1000000"}, 2),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 8),
        ({"M": {"who": {"S": "ann"}}}, 10),
    ],
)
def test_an_attribute_has_its_name_and_its_value(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"name": value}) == 4 + size


def test_a_write_is_counted_by_the_kilobyte_and_a_read_by_four() -> None:
    assert [write_units(size) for size in (0, 1, 1024, 1025, 4096)] == [1, 1, 1, 2, 4]
    assert [read_units(size) for size in (0, 4096, 4097)] == [1, 1, 2]

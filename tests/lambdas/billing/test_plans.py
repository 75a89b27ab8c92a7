"""A plan that could charge wrongly is refused, with everything that is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lambdas.billing.errors import InvalidPlan
from lambdas.billing.plans import Plan


def tiers(*bounds: tuple[str, str | None]) -> dict[str, Any]:
    """Meters with one that has tiers of these bounds."""
    listed = [{"from": begin, "unitPrice": "1"} | ({"to": end} if end else {}) for begin, end in bounds]
    return {"calls": {"tiers": listed}}


def plan(**fields: Any) -> Plan:
    return Plan.read("p", {"planId": "p", "currency": "EUR", **fields})


def test_a_plan_keeps_its_prices_exactly() -> None:
    found = plan(flatFee="0.10", meters={"calls": {"unitPrice": "0.000000001"}}, taxRate=Decimal("0.19"))
    assert found.flat_fee == Decimal("0.10")
    assert found.meters["calls"].unit_price == Decimal("0.000000001")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"meters": tiers(("0", "10"), ("9", None))}, "tier 2 begins at 9 and overlaps the one before"),
        ({"meters": tiers(("0", None), ("10", None))}, "tier 2 begins at 10 and overlaps the one before"),
        (
            {"meters": tiers(("0", "10"), ("11", None))},
            "tier 2 begins at 11, and nothing prices what is below, from 10",
        ),
        ({"meters": tiers(("5", None))}, "tier 1 begins at 5, and nothing prices what is below, from 0"),
        ({"meters": tiers(("0", "10"))}, "the last tier ends at 10, and nothing prices what is above"),
        ({"meters": tiers(("0", "0"), ("0", None))}, "tier 1 ends at 0, where it begins or before"),
        ({"meters": {"calls": {}}}, "expected unitPrice or tiers, not both"),
        ({"meters": {"calls": {"unitPrice": "-1"}}}, "meters.calls.unitPrice"),
        ({"meters": {"calls": {"unitPrice": 0.1}}}, "meters.calls.unitPrice"),
        ({"currency": "XXX"}, "currency 'XXX' is none of"),
        ({"taxRate": "19"}, "taxRate"),
        ({"rounding": "up"}, "rounding"),
        ({"flatFree": "1"}, "flatFree"),
    ],
)
def test_a_plan_that_is_wrong_says_where(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidPlan) as caught:
        plan(**fields)
    assert str(caught.value).startswith("the price plan 'p' is wrong: ")
    assert problem in str(caught.value)


def test_every_mistake_is_found_at_once() -> None:
    with pytest.raises(InvalidPlan) as caught:
        plan(taxRate="2", minimum="-1")
    assert "taxRate" in str(caught.value)
    assert "minimum" in str(caught.value)

"""Charges agree with sums done by hand, and each invoice's lines with its total, to the cent."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from lambdas.billing.charges import Charge, charge
from lambdas.billing.errors import NoPrice
from lambdas.billing.plans import Plan

#: from 0 at 0.10, from 100 at 0.08, from 1,000 at 0.05
TIERED = {
    "calls": {
        "tiers": [
            {"from": "0", "to": "100", "unitPrice": "0.10"},
            {"from": "100", "to": "1000", "unitPrice": "0.08"},
            {"from": "1000", "unitPrice": "0.05"},
        ]
    }
}
EACH = {"calls": {"unitPrice": "0.015"}}


def of(usage: dict[str, str], **fields: Any) -> Charge:
    plan = Plan.read("p", {"planId": "p", "currency": "EUR", **fields})
    return charge("c", "2026-11", plan, {meter: Decimal(quantity) for meter, quantity in usage.items()})


@pytest.mark.parametrize(
    ("fields", "usage", "amounts", "tax", "total"),
    [
        # by the unit
        ({"meters": EACH}, {"calls": "100"}, [150], 0, 150),
        ({"meters": EACH}, {"calls": "101"}, [152], 0, 152),
        ({"meters": EACH, "rounding": "half_even"}, {"calls": "101"}, [152], 0, 152),
        ({"meters": EACH, "rounding": "half_even"}, {"calls": "103"}, [154], 0, 154),
        ({"meters": EACH}, {"calls": "103"}, [155], 0, 155),
        ({"meters": EACH}, {"calls": "0.25"}, [0], 0, 0),
        # by tiers, each pricing its own stretch
        ({"meters": TIERED}, {"calls": "100"}, [1000], 0, 1000),
        ({"meters": TIERED}, {"calls": "101"}, [1000, 8], 0, 1008),
        ({"meters": TIERED}, {"calls": "2500"}, [1000, 7200, 7500], 0, 15700),
        ({"meters": TIERED}, {"calls": "0"}, [], 0, 0),
        # flat fee, minimum, tax
        ({"flatFee": "9.99"}, {}, [999], 0, 999),
        ({"flatFee": "9.99", "meters": EACH}, {"calls": "100"}, [999, 150], 0, 1149),
        ({"minimum": "5.00", "meters": EACH}, {"calls": "100"}, [150, 350], 0, 500),
        ({"minimum": "1.50", "meters": EACH}, {"calls": "100"}, [150], 0, 150),
        ({"flatFee": "10.00", "taxRate": "0.19"}, {}, [1000], 190, 1190),
        ({"flatFee": "9.99", "taxRate": "0.19"}, {}, [999], 190, 1189),
        ({"flatFee": "0.03", "taxRate": "0.5"}, {}, [3], 2, 5),
        ({"flatFee": "0.03", "taxRate": "0.5", "rounding": "half_even"}, {}, [3], 2, 5),
        ({"flatFee": "0.05", "taxRate": "0.5", "rounding": "half_even"}, {}, [5], 2, 7),
        # other coins
        ({"currency": "JPY", "flatFee": "1500", "taxRate": "0.1"}, {}, [1500], 150, 1650),
        ({"currency": "KWD", "flatFee": "1.5", "taxRate": "0.05"}, {}, [1500], 75, 1575),
        # two meters, in the order of their names
        (
            {"meters": {**EACH, "storage": {"unitPrice": "0.021"}}},
            {"storage": "12.5", "calls": "10"},
            [15, 26],
            0,
            41,
        ),
        ({}, {}, [], 0, 0),
    ],
)
def test_a_charge_is_what_a_person_computes(
    fields: dict[str, Any], usage: dict[str, str], amounts: list[int], tax: int, total: int
) -> None:
    found = of(usage, **fields)
    assert [line.amount for line in found.lines] == amounts
    assert (found.tax, found.total) == (tax, total)


def test_what_a_plan_has_no_price_for_is_no_gift() -> None:
    with pytest.raises(NoPrice, match=r"c used 'sms', for which the price plan 'p' has no price"):
        of({"sms": "1"}, meters=EACH)


def test_a_charge_survives_json_and_its_hash_is_that_of_its_content() -> None:
    found = of({"calls": "2500"}, meters=TIERED, taxRate="0.19")
    assert Charge.from_value(found.to_value()) == found
    assert Charge.from_value(found.to_value()).inputs_hash == found.inputs_hash
    assert of({"calls": "2501"}, meters=TIERED, taxRate="0.19").inputs_hash != found.inputs_hash
    assert all(isinstance(line["amount"], str) for line in found.to_value()["lines"])


@pytest.mark.proof
def test_over_a_hundred_thousand_invoices_totals_are_the_sums_of_lines_to_the_cent() -> None:
    chance = random.Random(20_261_123)
    plans = [
        Plan.read("p", {"planId": "p", "currency": "EUR", **fields})
        for rounding in ("half_up", "half_even")
        for fields in (
            {"rounding": rounding, "meters": EACH, "taxRate": "0.19", "flatFee": "3.33"},
            {"rounding": rounding, "meters": TIERED, "taxRate": "0.077", "minimum": "20.00"},
            {"rounding": rounding, "currency": "KWD", "meters": TIERED, "taxRate": "0.081"},
        )
    ]
    every_line = every_tax = every_total = 0
    for number in range(100_000):
        plan = plans[number % len(plans)]
        quantity = Decimal(chance.randrange(5_000_000)) / 1000
        found = charge("c", "2026-11", plan, {"calls": quantity})
        assert found.total == sum(line.amount for line in found.lines) + found.tax
        digits = 3 if plan.currency == "KWD" else 2
        # The tax as a fraction, which rounds nothing.
        exact = Fraction(found.subtotal) * Fraction(plan.tax_rate)
        assert abs(found.tax - exact) <= Fraction(1, 2)
        priced = sum(
            Fraction(Decimal(line.quantity)) * Fraction(Decimal(line.unit_price)) * 10**digits
            for line in found.lines
            if line.quantity
        )
        metered = sum(line.amount for line in found.lines if line.quantity)
        assert abs(metered - priced) <= Fraction(len(found.lines), 2)
        every_line += sum(line.amount for line in found.lines)
        every_tax += found.tax
        every_total += found.total
    assert every_total == every_line + every_tax

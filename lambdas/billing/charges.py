"""What a customer is charged for a period: the lines of an invoice, the tax, the total, and the hash of all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lambdas.billing.errors import NoPrice
from lambdas.billing.money import EXACT, MINOR_DIGITS, minor_units
from lambdas.billing.plans import Meter, Plan


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of an invoice."""

    text: str
    #: Empty where nothing is counted.
    quantity: str = ""
    unit_price: str = ""
    #: In minor units.
    amount: int


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A customer's charge for a period; amounts are in minor units of the currency."""

    customer_id: str
    period: str
    plan_id: str
    currency: str
    lines: tuple[Line, ...]
    tax_rate: str
    tax: int

    @property
    def subtotal(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        return self.subtotal + self.tax

    @property
    def inputs_hash(self) -> str:
        """The same for the same charge, and for no other."""
        return hashlib.sha256(json.dumps(self.to_value(), sort_keys=True).encode()).hexdigest()

    def to_value(self) -> dict[str, Any]:
        """Returns it as JSON; amounts are text, so that no reader makes floats of them."""
        return {
            "customerId": self.customer_id,
            "period": self.period,
            "planId": self.plan_id,
            "currency": self.currency,
            "lines": [
                {
                    "text": line.text,
                    "quantity": line.quantity,
                    "unitPrice": line.unit_price,
                    "amount": str(line.amount),
                }
                for line in self.lines
            ],
            "taxRate": self.tax_rate,
            "tax": str(self.tax),
        }

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> Charge:
        return cls(
            customer_id=value["customerId"],
            period=value["period"],
            plan_id=value["planId"],
            currency=value["currency"],
            lines=tuple(
                Line(
                    text=line["text"],
                    quantity=line["quantity"],
                    unit_price=line["unitPrice"],
                    amount=int(line["amount"]),
                )
                for line in value["lines"]
            ),
            tax_rate=value["taxRate"],
            tax=int(value["tax"]),
        )


def charge(customer_id: str, period: str, plan: Plan, usage: Mapping[str, Decimal]) -> Charge:
    """Prices usage by a plan, meter by meter. Raises :class:`NoPrice` for a meter that the plan does not know.

    Each line is rounded once, by the plan's rule; their sum is exact; the tax on the sum is rounded once.
    """
    lines = tuple(_lines(customer_id, plan, usage))
    subtotal = Decimal(sum(line.amount for line in lines)).scaleb(-MINOR_DIGITS[plan.currency], context=EXACT)
    return Charge(
        customer_id=customer_id,
        period=period,
        plan_id=plan.plan_id,
        currency=plan.currency,
        lines=lines,
        tax_rate=f"{plan.tax_rate.normalize():f}",
        tax=_minor(EXACT.multiply(subtotal, plan.tax_rate), plan),
    )


def _lines(customer_id: str, plan: Plan, usage: Mapping[str, Decimal]) -> Iterator[Line]:
    amount = 0
    if plan.flat_fee:
        line = Line(text="Flat fee", amount=_minor(plan.flat_fee, plan))
        amount += line.amount
        yield line
    for name in sorted(usage):
        if name not in plan.meters:
            raise NoPrice(customer_id, plan.plan_id, name)
        for text, quantity, price in _stretches(name, plan.meters[name], usage[name]):
            exact = EXACT.multiply(quantity, price)
            line = Line(text=text, quantity=f"{quantity:f}", unit_price=f"{price:f}", amount=_minor(exact, plan))
            amount += line.amount
            yield line
    minimum = _minor(plan.minimum, plan)
    if amount < minimum:
        yield Line(text="Up to the minimum charge", amount=minimum - amount)


def _stretches(name: str, meter: Meter, quantity: Decimal) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Yields the parts of a quantity: label, amount and unit price of each."""
    if meter.unit_price is not None:
        yield name, quantity, meter.unit_price
        return
    for tier in meter.tiers:
        end = quantity if tier.to is None else min(quantity, tier.to)
        if end > tier.from_:
            to = "" if tier.to is None else f" to {tier.to:f}"
            yield f"{name}, from {tier.from_:f}{to}", end - tier.from_, tier.unit_price


def _minor(amount: Decimal, plan: Plan) -> int:
    return minor_units(amount, plan.currency, plan.rounding)

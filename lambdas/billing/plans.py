"""Price plans: what a customer pays for, and how it is rounded and taxed."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from lambdas.billing.errors import InvalidPlan
from lambdas.billing.money import MINOR_DIGITS, Rounding

#: Text, as DynamoDB and JSON keep it exactly; a float is refused.
Price = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=9)]
Quantity = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Tier(_Model):
    """A stretch of the quantity and the price of each unit in it; the last has no end."""

    from_: Quantity = Field(alias="from")
    to: Quantity | None = None
    unit_price: Price


class Meter(_Model):
    """The price of one unit of a meter: always the same, or by tiers, each of which prices its own stretch."""

    unit_price: Price | None = None
    tiers: tuple[Tier, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> Meter:
        if (self.unit_price is None) == (not self.tiers):
            raise ValueError("expected unitPrice or tiers, not both")
        end: Decimal | None = Decimal(0)
        for number, tier in enumerate(self.tiers, start=1):
            if end is None or tier.from_ < end:
                raise ValueError(f"tier {number} begins at {tier.from_} and overlaps the one before")
            if tier.from_ > end:
                raise ValueError(f"tier {number} begins at {tier.from_}, and nothing prices what is below, from {end}")
            if tier.to is not None and tier.to <= tier.from_:
                raise ValueError(f"tier {number} ends at {tier.to}, where it begins or before")
            end = tier.to
        if self.tiers and end is not None:
            raise ValueError(f"the last tier ends at {end}, and nothing prices what is above")
        return self


class Plan(_Model):
    """A price plan. Amounts are in the currency's major unit, as text: ``"0.0025"``."""

    plan_id: str
    currency: str
    flat_fee: Price = Decimal(0)
    #: What a customer pays at least, before tax.
    minimum: Price = Decimal(0)
    #: 0.19 is 19 %.
    tax_rate: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)] = Decimal(0)
    rounding: Rounding = Rounding.HALF_UP
    meters: dict[str, Meter] = {}

    @model_validator(mode="after")
    def _known_currency(self) -> Plan:
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"currency {self.currency!r} is none of {', '.join(MINOR_DIGITS)}")
        return self

    @classmethod
    def read(cls, plan_id: str, record: dict[str, Any]) -> Plan:
        """The plan that a record of the table says. Raises :class:`InvalidPlan` with everything that is wrong."""
        try:
            return cls.model_validate(_texts(record))
        except ValidationError as fault:
            problems = [
                f"{'.'.join(map(str, error['loc'])) or 'plan'}: {error['msg'].removeprefix('Value error, ')}"
                for error in fault.errors()
            ]
            raise InvalidPlan(plan_id, problems) from None


def _texts(value: Any) -> Any:
    """A float would have lost digits already, so it becomes no amount but a mistake that is reported."""
    if isinstance(value, float):
        return f"the float {value}"
    if isinstance(value, dict):
        return {name: _texts(inner) for name, inner in value.items()}
    return [_texts(inner) for inner in value] if isinstance(value, list) else value

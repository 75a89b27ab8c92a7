"""Amounts of money: whole minor units of a currency, as its smallest coin counts them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, Inexact
from enum import StrEnum

#: Digits after the point, of the currencies that plans may have ("ISO 4217").
MINOR_DIGITS: Mapping[str, int] = {
    "AUD": 2,
    "CAD": 2,
    "CHF": 2,
    "DKK": 2,
    "EUR": 2,
    "GBP": 2,
    "JPY": 0,
    "KWD": 3,
    "NOK": 2,
    "PLN": 2,
    "SEK": 2,
    "USD": 2,
}

#: Products and sums before they are rounded: wide enough for a quantity, a price and a tax, and if not, it says so.
EXACT = Context(prec=64, traps=[Inexact])


class Rounding(StrEnum):
    """The ways to round to whole minor units. A line is rounded once, and so is the tax; their sums never are."""

    #: 0.5 becomes 1: what most laws on VAT expect.
    HALF_UP = "half_up"
    #: 0.5 becomes 0, 1.5 becomes 2: over many lines it favours nobody.
    HALF_EVEN = "half_even"


_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.HALF_EVEN: ROUND_HALF_EVEN}


def minor_units(amount: Decimal, currency: str, rounding: Rounding) -> int:
    """``amount``, in the currency's major unit, as whole minor units: 12.345 EUR is 1235 or 1234."""
    scaled = amount.scaleb(MINOR_DIGITS[currency], context=EXACT)
    return int(scaled.quantize(Decimal(1), rounding=_MODES[rounding], context=Context(prec=64)))


def written(minor: int, currency: str) -> str:
    """An amount for a reader: ``1,234.50 EUR``."""
    digits = MINOR_DIGITS[currency]
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency}"

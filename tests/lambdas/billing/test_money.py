"""Money is whole minor units, rounded by a rule that is written down."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lambdas.billing.money import Rounding, minor_units, written


@pytest.mark.parametrize(
    ("amount", "currency", "half_up", "half_even"),
    [
        ("12.345", "EUR", 1235, 1234),
        ("12.335", "EUR", 1234, 1234),
        ("0.004999999", "EUR", 0, 0),
        ("0.005", "EUR", 1, 0),
        ("99.5", "JPY", 100, 100),
        ("98.5", "JPY", 99, 98),
        ("1.2345", "KWD", 1235, 1234),
        ("123456789012345678.99", "USD", 12345678901234567899, 12345678901234567899),
    ],
)
def test_an_amount_is_rounded_to_the_smallest_coin(amount: str, currency: str, half_up: int, half_even: int) -> None:
    assert minor_units(Decimal(amount), currency, Rounding.HALF_UP) == half_up
    assert minor_units(Decimal(amount), currency, Rounding.HALF_EVEN) == half_even


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(123450, "EUR", "1,234.50 EUR"), (5, "USD", "0.05 USD"), (1500, "JPY", "1,500 JPY"), (1, "KWD", "0.001 KWD")],
)
def test_an_amount_is_written_with_its_currencys_digits(minor: int, currency: str, text: str) -> None:
    assert written(minor, currency) == text

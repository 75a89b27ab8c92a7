"""Orders as CSV lines, and what they add up to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal, Inexact
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from lambdas.report_generator.errors import MalformedOrders

COLUMNS = ("region", "product", "quantity", "unit_price")

#: A returned article has a negative quantity.
_QUANTITY = re.compile(r"-?[0-9]{1,9}")
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")

#: More than any sum of such numbers needs: 10 ** 36 orders fit. If that should be wrong, it fails instead of rounding.
_EXACT = Context(prec=64, traps=[Inexact])

_NOTHING = Decimal("0.00")

#: No honest line is longer; one without an end would fill the memory.
_LONGEST_LINE_BYTES = 65_536


class Order(NamedTuple):
    """One line. A tuple, since there are millions of them."""

    region: str
    product: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, kw_only=True)
class Sum:
    """The sum of the orders of one product in one region; an empty name stands for all."""

    region: str = ""
    product: str = ""
    orders: int = 0
    quantity: int = 0
    total: Decimal = _NOTHING

    def __add__(self, other: Sum) -> Sum:
        """The group, with ``other`` counted in."""
        return replace(
            self,
            orders=self.orders + other.orders,
            quantity=self.quantity + other.quantity,
            total=_EXACT.add(self.total, other.total),
        )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The sums of a day's orders."""

    #: By region, then by product.
    sums: tuple[Sum, ...] = ()

    @property
    def orders(self) -> int:
        return sum(one.orders for one in self.sums)

    @property
    def total(self) -> Decimal:
        return sum(self.sums, Sum()).total

    @property
    def regions(self) -> tuple[Sum, ...]:
        """One sum for each region."""
        return tuple(sum(group, Sum(region=name)) for name, group in groupby(self.sums, attrgetter("region")))

    @property
    def products(self) -> tuple[Sum, ...]:
        """One sum for each product."""
        by_product = sorted(self.sums, key=attrgetter("product"))
        return tuple(sum(group, Sum(product=name)) for name, group in groupby(by_product, attrgetter("product")))


def summarise(orders: Iterable[Order]) -> Summary:
    """The exact sums of ``orders``, which may be any number."""
    sums: dict[tuple[str, str], tuple[int, int, Decimal]] = {}
    for region, product, quantity, unit_price in orders:
        count, pieces, total = sums.get((region, product), (0, 0, _NOTHING))
        amount = _EXACT.multiply(Decimal(quantity), unit_price)
        sums[region, product] = count + 1, pieces + quantity, _EXACT.add(total, amount)
    return Summary(
        sums=tuple(
            Sum(region=region, product=product, orders=count, quantity=pieces, total=total)
            for (region, product), (count, pieces, total) in sorted(sums.items())
        )
    )


def read_orders(key: str, stream: io.RawIOBase) -> Iterator[Order]:
    """The orders of a CSV file in UTF-8 whose first line names the columns, at least :data:`COLUMNS`.

    ``key`` says in errors whose file it is; ``stream`` is closed at the end. Raises :class:`MalformedOrders` at the
    first line that is none.
    """
    rows = csv.reader(_lines(key, stream), strict=True)
    try:
        header = next(rows, None)
        if header is None:
            return
        if missing := [name for name in COLUMNS if name not in header]:
            raise MalformedOrders(key, 1, f"no column {', '.join(missing)}; found {', '.join(header)[:200]}")
        places = [header.index(name) for name in COLUMNS]
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise MalformedOrders(key, rows.line_num, f"{len(row)} columns, expected {len(header)}")
            yield _order(key, rows.line_num, *(row[place] for place in places))
    except csv.Error as fault:
        raise MalformedOrders(key, rows.line_num, str(fault)) from fault


def _order(key: str, line: int, region: str, product: str, quantity: str, unit_price: str) -> Order:
    for column, value in (("region", region), ("product", product)):
        if not value.strip():
            raise MalformedOrders(key, line, f"{column} is empty")
    if not _QUANTITY.fullmatch(quantity):
        raise MalformedOrders(key, line, f"quantity is {quantity[:40]!r}, expected a whole number like 3")
    if not _PRICE.fullmatch(unit_price):
        raise MalformedOrders(key, line, f"unit_price is {unit_price[:40]!r}, expected a number like 12.50")
    return Order(region, product, int(quantity), Decimal(unit_price))


def _lines(key: str, stream: io.RawIOBase) -> Iterator[str]:
    with io.BufferedReader(stream, 65_536) as buffered:
        number = 0
        while line := buffered.readline(_LONGEST_LINE_BYTES):
            number += 1
            if len(line) == _LONGEST_LINE_BYTES and not line.endswith(b"\n"):
                raise MalformedOrders(key, number, f"longer than {_LONGEST_LINE_BYTES} bytes")
            try:
                # Each by itself, so that an error is at the line where it is. A byte order mark may stand before the
                # first one: spreadsheets write it.
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as fault:
                raise MalformedOrders(key, number, "not UTF-8") from fault

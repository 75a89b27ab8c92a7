"""The report: exact totals of any number of orders, and clear errors."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from lambdas.report_generator import ReportParams, handler, reported_day
from lambdas.report_generator.errors import MalformedOrders
from lambdas.report_generator.orders import Summary, read_orders, summarise
from lambdas.report_generator.rendering import to_csv, to_pdf
from orchestrator.errors import InvalidParameters
from orchestrator.testing.invocation import invoke
from tests.lambdas.conftest import BUCKET
from tests.testbed import ROOT

HEADER = "order_id,ordered_at,region,product,quantity,unit_price\n"
SAMPLES = ROOT / "samples" / "orders"


def put_orders(s3: Any, text: str | bytes, key: str = "orders/2026-11-30.csv") -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=text)


def body(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def read(text: str | bytes) -> Summary:
    content = text.encode() if isinstance(text, str) else text
    return summarise(read_orders("orders/day.csv", io.BytesIO(content)))  # type: ignore[arg-type]


def test_the_sample_day_is_reported_exactly(s3: Any) -> None:
    text = (SAMPLES / "2026-11-30.csv").read_text()
    put_orders(s3, text)
    rows = list(csv.DictReader(io.StringIO(text)))
    total = sum(int(row["quantity"]) * Fraction(row["unit_price"]) for row in rows)
    result = invoke(handler, task="daily-sales-report")
    assert result == {
        "day": "2026-11-30",
        "orders": len(rows),
        "total": f"{float(total):.2f}",
        "pdf": "reports/daily-sales-report/2026-11-30.pdf",
        "csv": "reports/daily-sales-report/2026-11-30.csv",
    }
    reported = list(csv.DictReader(io.StringIO(body(s3, result["csv"]).decode())))
    assert sum(Fraction(row["total"]) for row in reported) == total
    assert sum(int(row["orders"]) for row in reported) == len(rows)
    assert f"{len(rows)} orders, total {float(total):,.2f}" in pdf_text(body(s3, result["pdf"]))


def test_a_report_has_a_line_for_each_product_in_each_region(s3: Any) -> None:
    lines = ["1,t,north,Lamp,2,10.10", "2,t,south,Lamp,1,10.10", "3,t,north,Pen,3,0.335", "4,t,north,Lamp,-1,10.10"]
    put_orders(s3, HEADER + "\n".join(lines))
    result = invoke(handler)
    assert body(s3, result["csv"]).decode() == (
        "region,product,orders,quantity,total\nnorth,Lamp,2,1,10.10\nnorth,Pen,1,3,1.005\nsouth,Lamp,1,1,10.10\n"
    )
    assert result["total"] == "21.205"


def test_a_summary_has_sums_of_regions_and_of_products() -> None:
    summary = read(HEADER + "1,t,north,Lamp,2,10\n2,t,south,Lamp,1,10\n3,t,south,Pen,1,1\n")
    assert [(one.region, one.orders, one.total) for one in summary.regions] == [
        ("north", 1, Decimal(20)),
        ("south", 2, Decimal(11)),
    ]
    assert [(one.product, one.quantity, one.total) for one in summary.products] == [
        ("Lamp", 3, Decimal(30)),
        ("Pen", 1, Decimal(1)),
    ]


@pytest.mark.parametrize("text", [None, "", HEADER, HEADER + "\n\n"], ids=["absent", "empty", "header", "blank lines"])
def test_a_day_without_orders_has_a_report_that_says_so(s3: Any, text: str | None) -> None:
    if text is not None:
        put_orders(s3, text)
    result = invoke(handler)
    assert (result["orders"], result["total"]) == (0, "0.00")
    assert "No orders on 2026-11-30." in pdf_text(body(s3, result["pdf"]))
    assert body(s3, result["csv"]) == b"region,product,orders,quantity,total\n"


def test_a_second_attempt_writes_the_same_bytes(s3: Any) -> None:
    put_orders(s3, HEADER + "1,t,north,Lamp,2,10.10\n")
    first = invoke(handler)
    written = [body(s3, first[kind]) for kind in ("pdf", "csv")]
    second = invoke(handler, attempt=2)
    assert (second, [body(s3, second[kind]) for kind in ("pdf", "csv")]) == (first, written)


def test_a_pdf_is_dated_by_its_slot_and_not_by_its_making(s3: Any) -> None:
    result = invoke(handler, slot="2026-12-01T00:00:00Z")
    metadata = PdfReader(io.BytesIO(body(s3, result["pdf"]))).metadata
    assert metadata is not None
    assert metadata.creation_date == datetime.fromisoformat("2026-12-01T00:00:00Z")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("3,t,north,Lamp,2", "5 columns, expected 6"),
        ("3,t,north,Lamp,two,1.00", "quantity is 'two'"),
        ("3,t,north,Lamp,1.5,1.00", "quantity is '1.5'"),
        ("3,t,north,Lamp,٣,1.00", "quantity is"),
        ("3,t,north,Lamp,2,1e3", "unit_price is '1e3'"),
        ("3,t,north,Lamp,2,NaN", "unit_price is 'NaN'"),
        ("3,t,north,Lamp,2,-1", "unit_price is '-1'"),
        ('3,t,north,Lamp,2,"1,00"', "unit_price is '1,00'"),
        ("3,t, ,Lamp,2,1.00", "region is empty"),
        ("3,t,north,,2,1.00", "product is empty"),
        ('3,t,north,"La"mp,2,1.00', "expected after"),
        ("3,t,north," + "x" * 70_000 + ",2,1.00", "longer than 65536 bytes"),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(line: str, problem: str) -> None:
    text = HEADER + "1,t,north,Lamp,1,1.00\n" + line + "\n4,t,north,Lamp,1,1.00\n"
    with pytest.raises(MalformedOrders) as fault:
        read(text)
    assert (fault.value.key, fault.value.line) == ("orders/day.csv", 3)
    assert problem in str(fault.value)
    assert "orders/day.csv, line 3:" in str(fault.value)


def test_a_line_that_is_not_utf_8_is_named() -> None:
    with pytest.raises(MalformedOrders, match="line 3: not UTF-8"):
        read(HEADER.encode() + b"1,t,north,Lamp,1,1\n2,t,north,L\xe4mp,1,1\n")


def test_a_quote_without_an_end_is_refused() -> None:
    with pytest.raises(MalformedOrders, match="unexpected end of data"):
        read(HEADER + '1,t,north,"Lamp,1,1.00\n')


def test_a_missing_column_is_named() -> None:
    with pytest.raises(
        MalformedOrders, match="line 1: no column unit_price; found order_id, region, product, quantity"
    ):
        read("order_id,region,product,quantity\n")


def test_columns_may_stand_in_any_order_after_a_byte_order_mark() -> None:
    summary = read("unit_price,note,region,product,quantity\r\n1.50,x,north,Lamp,2\r\n".encode("utf-8-sig"))
    assert [(one.region, one.product, one.total) for one in summary.sums] == [("north", "Lamp", Decimal("3.00"))]


def test_a_malformed_file_writes_no_report(s3: Any) -> None:
    put_orders(s3, HEADER + "1,t,north,Lamp,many,1.00\n")
    with pytest.raises(MalformedOrders, match=r"orders/2026-11-30\.csv, line 2"):
        invoke(handler)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="reports/")


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=8).filter(str.strip)
prices = st.decimals(min_value=0, max_value=999_999_999_999, places=6, allow_nan=False)
orders = st.lists(st.tuples(names, names, st.integers(-999_999_999, 999_999_999), prices), max_size=30)


@settings(max_examples=60, deadline=None)
@given(orders)
def test_totals_are_exactly_the_sum_of_the_lines(rows: list[tuple[str, str, int, Decimal]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["region", "product", "quantity", "unit_price"])
    writer.writerows([region, product, quantity, f"{price:f}"] for region, product, quantity, price in rows)
    summary = read(text.getvalue())
    expected: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for region, product, quantity, price in rows:
        expected[region, product] += quantity * Fraction(price)
    assert {(one.region, one.product): Fraction(one.total) for one in summary.sums} == expected
    assert Fraction(summary.total) == sum(expected.values())
    for groups in (summary.regions, summary.products):
        assert sum(Fraction(one.total) for one in groups) == sum(expected.values())
    reported = csv.DictReader(io.StringIO(to_csv(summary).decode(), newline=""))
    assert {(row["region"], row["product"]): Fraction(row["total"]) for row in reported} == expected


def test_even_the_largest_numbers_are_not_rounded() -> None:
    line = "north,Lamp,999999999,999999999999.999999\n"
    summary = read("region,product,quantity,unit_price\n" + line * 1000)
    assert Fraction(summary.total) == 1000 * 999_999_999 * Fraction("999999999999.999999")


class Generated(io.RawIOBase):
    """A stream of so many lines, none of which exists before it is read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        line = next(self._lines, b"")
        buffer[: len(line)] = line
        self.size += len(line)
        return len(line)


def test_memory_does_not_follow_the_size_of_the_file() -> None:
    def lines() -> Iterator[bytes]:
        yield HEADER.encode()
        for number in range(12_000):
            yield f"{number},{'x' * 400},region-{number % 4},product-{number % 5},1,0.10\n".encode()

    stream = Generated(lines())
    tracemalloc.start()
    try:
        summary = summarise(read_orders("k", stream))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stream.size > 5_000_000
    assert (summary.orders, summary.total) == (12_000, Decimal("1200.00"))
    assert peak < 500_000


@pytest.mark.parametrize(
    ("slot", "day", "timezone", "reported"),
    [
        ("2026-12-01T00:00:00+00:00", "previous", "UTC", date(2026, 11, 30)),
        ("2026-12-01T00:00:00+00:00", "same", "UTC", date(2026, 12, 1)),
        ("2026-11-30T23:00:00+00:00", "previous", "Europe/Berlin", date(2026, 11, 30)),
        ("2026-12-01T00:00:00+00:00", "previous", "America/New_York", date(2026, 11, 29)),
        ("2027-01-01T00:00:00.345+00:00", "previous", "UTC", date(2026, 12, 31)),
    ],
)
def test_the_day_is_counted_in_the_time_zone(slot: str, day: Any, timezone: str, reported: date) -> None:
    params = ReportParams.model_construct(day=day, timezone=ZoneInfo(timezone))
    assert reported_day(datetime.fromisoformat(slot), params) == reported


def test_the_params_choose_file_and_day(s3: Any) -> None:
    put_orders(s3, HEADER + "1,t,north,Lamp,2,10.10\n", key="orders/shop/2026-11-29.csv")
    params: dict[str, Any] = {"prefix": "orders/shop/", "timezone": "America/New_York"}
    result = invoke(handler, **params)
    assert (result["day"], result["orders"]) == ("2026-11-29", 1)


@pytest.mark.parametrize("params", [{"day": "tomorrow"}, {"timezone": "Mars/Olympus"}, {"prefixes": "orders/"}])
def test_wrong_params_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match=rf"params\.{next(iter(params))}: "):
        invoke(handler, **params)


def test_a_name_that_the_pdf_cannot_show_stays_itself_in_the_table() -> None:
    summary = read(HEADER + "1,t,north,Čaj ☕,1,2.50\n")
    shown = pdf_text(to_pdf(summary, day=date(2026, 11, 30), created=datetime.fromisoformat("2026-12-01T00:00:00Z")))
    assert "?aj ?" in shown
    assert "Čaj ☕" in to_csv(summary).decode()

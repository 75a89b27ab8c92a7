"""The sample data is what the handlers read."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from lambdas.report_generator.orders import read_orders, summarise
from tests.testbed import ROOT

SAMPLES = ROOT / "samples"


@pytest.mark.parametrize(("day", "count", "total"), [("2026-11-29", 187, "12865.95"), ("2026-11-30", 204, "19235.35")])
def test_a_day_of_sample_orders_adds_up(day: str, count: int, total: str) -> None:
    file = SAMPLES / "orders" / f"{day}.csv"
    with file.open("rb", buffering=0) as stream:
        summary = summarise(read_orders(file.name, stream))
    assert (summary.orders, summary.total) == (count, Decimal(total))


def test_some_samples_are_older_than_a_month_and_some_are_not() -> None:
    stale = json.loads((SAMPLES / "stale.json").read_text())
    assert {entry["ageDays"] > 30 for entry in stale["objects"]} == {True, False}
    assert {entry["ageDays"] > 30 for entry in stale["sessions"]} == {True, False}
    assert all(entry["key"].startswith("tmp/") for entry in stale["objects"])
    assert len({entry["id"] for entry in stale["sessions"]}) == len(stale["sessions"])

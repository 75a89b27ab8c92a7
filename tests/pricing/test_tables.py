"""The bill as the documentation shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy import PROJECT
from orchestrator.deployment import billed
from orchestrator.pricing import cost_tables
from orchestrator.stack import Stack
from tests.testbed import ROOT

DOCS = ROOT / "docs" / "explanation" / "cost.md"


@pytest.fixture(scope="module")
def tables() -> str:
    application = PROJECT.application(Stack())
    return cost_tables(billed(application), application.template)


def test_the_tables_are_what_was_last_looked_at(tables: str, golden: Callable[[str, str], None]) -> None:
    golden("cost.md", tables)


def test_the_documentation_holds_them(tables: str) -> None:
    assert not DOCS.exists() or tables in DOCS.read_text(encoding="utf-8")


def test_each_sum_is_the_sum_of_its_lines(tables: str) -> None:
    rows = [line.strip("|").split("|") for line in tables.splitlines() if line.startswith("|") and "---" not in line]
    found, sums = 0.0, []
    for name, *_, dollars in rows:
        if "sum" in name:
            sums.append((found, float(dollars.strip(" *"))))
            found = 0.0
        elif dollars.strip().replace(".", "").isdigit():
            found = found + float(dollars)
        else:
            found = 0.0
    # The table in between, of tasks, has none.
    assert len(sums) == 3
    assert all(abs(one - other) < 0.06 for one, other in sums)

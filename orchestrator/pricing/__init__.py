"""Dollars: what AWS bills for runs, tasks and a stack, counted from what is deployed."""

from __future__ import annotations

from orchestrator.pricing.prices import PRICES
from orchestrator.pricing.runs import ASSUMED_SECONDS, ROUND_SECONDS, Billed, Expected, monthly
from orchestrator.pricing.stack import fixed_lines
from orchestrator.pricing.tables import cost_tables
from orchestrator.pricing.usage import total

__all__ = [
    "ASSUMED_SECONDS",
    "PRICES",
    "ROUND_SECONDS",
    "Billed",
    "Expected",
    "cost_tables",
    "fixed_lines",
    "monthly",
    "total",
]

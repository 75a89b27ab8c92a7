"""Usage of AWS, in the units that AWS bills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from orchestrator.pricing.prices import PRICES, Prices

#: An average month has 730 hours, which is what AWS's calculator counts with.
MONTH_HOURS = 730
MONTH_DAYS = Decimal(MONTH_HOURS) / 24


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Amounts used; :class:`~orchestrator.pricing.prices.Prices` has the unit of each."""

    state_transition: Decimal = Decimal(0)
    express_request: Decimal = Decimal(0)
    express_gb_second: Decimal = Decimal(0)
    lambda_request: Decimal = Decimal(0)
    lambda_gb_second: Decimal = Decimal(0)
    write_unit: Decimal = Decimal(0)
    read_unit: Decimal = Decimal(0)
    stored_gb: Decimal = Decimal(0)
    recoverable_gb: Decimal = Decimal(0)
    scheduler_invocation: Decimal = Decimal(0)
    metric_hour: Decimal = Decimal(0)
    log_gb: Decimal = Decimal(0)
    kept_log_gb: Decimal = Decimal(0)
    trace: Decimal = Decimal(0)
    queue_request: Decimal = Decimal(0)
    custom_event: Decimal = Decimal(0)
    alarm: Decimal = Decimal(0)
    dashboard: Decimal = Decimal(0)
    key: Decimal = Decimal(0)
    key_request: Decimal = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __mul__(self, times: Decimal) -> Usage:
        return Usage(**{field.name: getattr(self, field.name) * times for field in fields(self)})

    def dollars(self, prices: Prices = PRICES) -> Decimal:
        parts = (getattr(self, field.name) * getattr(prices, field.name) for field in fields(self))
        return sum(parts, Decimal(0))

    def parts(self) -> dict[str, Decimal]:
        """The units of which anything is used, by name."""
        return {field.name: used for field in fields(self) if (used := getattr(self, field.name))}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a bill."""

    what: str
    usage: Usage


def total(lines: Iterable[Line]) -> Usage:
    return sum((line.usage for line in lines), Usage())

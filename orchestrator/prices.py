"""What AWS charges: one dated list, in US dollars, for the Region us-east-1, without free tiers and discounts.

To renew it, read the pages "AWS Step Functions Pricing", "AWS Lambda Pricing" (Arm), "Pricing for On-Demand Capacity"
of Amazon DynamoDB, "Amazon EventBridge Pricing" (Scheduler) and "Amazon CloudWatch Pricing", and change the date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars for one of each."""

    as_of: date
    region: str
    state_transition: Decimal
    lambda_request: Decimal
    #: A second with 1,024 MB of memory.
    lambda_gb_second: Decimal
    #: One item of up to 1 KB written, or of up to 4 KB read consistently.
    write_unit: Decimal
    read_unit: Decimal
    scheduler_invocation: Decimal
    metric_request: Decimal
    #: A custom metric, for a month.
    metric: Decimal


PRICES = Prices(
    as_of=date(2026, 11, 23),
    region="us-east-1",
    state_transition=Decimal("0.000025"),
    lambda_request=Decimal("0.0000002"),
    lambda_gb_second=Decimal("0.0000133334"),
    write_unit=Decimal("0.000000625"),
    read_unit=Decimal("0.000000125"),
    scheduler_invocation=Decimal("0.000001"),
    metric_request=Decimal("0.00001"),
    metric=Decimal("0.30"),
)

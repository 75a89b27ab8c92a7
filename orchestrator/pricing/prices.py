"""What AWS charges: one dated list, in US dollars, for the Region us-east-1, at list price without discounts.

To renew it, read the pages that :data:`SOURCES` names, and change the date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars for one of each; the fields are those of :class:`~orchestrator.pricing.usage.Usage`."""

    as_of: date
    region: str
    state_transition: Decimal
    express_request: Decimal
    #: A second with 1,024 MB, of the first 1,000 hours in a month.
    express_gb_second: Decimal
    lambda_request: Decimal
    #: A second with 1,024 MB of memory, on Arm.
    lambda_gb_second: Decimal
    #: One item of up to 1 KB written, or of up to 4 KB read consistently.
    write_unit: Decimal
    read_unit: Decimal
    #: Of a table or an index, for a month.
    stored_gb: Decimal
    #: Of a table that can be restored to any second, for a month.
    recoverable_gb: Decimal
    scheduler_invocation: Decimal
    #: A custom metric, for an hour in which it is sent: a month has 730 of them.
    metric_hour: Decimal
    #: Written to CloudWatch Logs, and kept there for a month.
    log_gb: Decimal
    kept_log_gb: Decimal
    trace: Decimal
    queue_request: Decimal
    #: An event of up to 64 KB that is put on a bus.
    custom_event: Decimal
    #: For a month.
    alarm: Decimal
    dashboard: Decimal
    key: Decimal
    key_request: Decimal


PRICES = Prices(
    as_of=date(2026, 11, 23),
    region="us-east-1",
    state_transition=Decimal("0.000025"),
    express_request=Decimal("0.000001"),
    express_gb_second=Decimal("0.00001667"),
    lambda_request=Decimal("0.0000002"),
    lambda_gb_second=Decimal("0.0000133334"),
    write_unit=Decimal("0.000000625"),
    read_unit=Decimal("0.000000125"),
    stored_gb=Decimal("0.25"),
    recoverable_gb=Decimal("0.20"),
    scheduler_invocation=Decimal("0.000001"),
    metric_hour=Decimal("0.30") / 730,
    log_gb=Decimal("0.50"),
    kept_log_gb=Decimal("0.03"),
    trace=Decimal("0.000005"),
    queue_request=Decimal("0.0000004"),
    custom_event=Decimal("0.000001"),
    alarm=Decimal("0.10"),
    dashboard=Decimal("3.00"),
    key=Decimal("1.00"),
    key_request=Decimal("0.000003"),
)

#: The page of each price, and its address; the rules of counting are on the same pages.
SOURCES = {
    "AWS Step Functions pricing": "https://aws.amazon.com/step-functions/pricing/",
    "AWS Lambda pricing": "https://aws.amazon.com/lambda/pricing/",
    "Amazon DynamoDB pricing for on-demand capacity": "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "Amazon EventBridge pricing": "https://aws.amazon.com/eventbridge/pricing/",
    "Amazon CloudWatch pricing": "https://aws.amazon.com/cloudwatch/pricing/",
    "AWS X-Ray pricing": "https://aws.amazon.com/xray/pricing/",
    "Amazon SQS pricing": "https://aws.amazon.com/sqs/pricing/",
    "AWS Key Management Service pricing": "https://aws.amazon.com/kms/pricing/",
}

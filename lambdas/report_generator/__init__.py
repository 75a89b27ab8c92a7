"""Task ``lambda/report-generator``: a day of orders, summed up as PDF and CSV.

The orders of a day are one object in the data bucket, ``orders/2026-11-30.csv``. It is read as a stream, so memory
follows the number of products and regions and not of orders. The same orders for the same slot give the same bytes: a
second attempt writes what the first one wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.report_generator.orders import Order, read_orders, summarise
from lambdas.report_generator.rendering import to_csv, to_pdf
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import Result, client, logger, metrics, task_handler
from orchestrator.stack import DATA_BUCKET

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class ReportParams(Params):
    #: Before the day in the key of a file of orders.
    prefix: str = "orders/"
    #: The slot's own day, or the one before it.
    day: Literal["previous", "same"] = "previous"
    #: Where the slot's day is counted.
    timezone: ZoneInfo = ZoneInfo("UTC")


@task_handler("lambda/report-generator", ReportParams)
def handler(event: TaskEvent[ReportParams], context: LambdaContext) -> Result:
    result = generate_report(event, s3=client("s3"), bucket=os.environ[DATA_BUCKET])
    logger.info(f"Reported {result['orders']} orders of {result['day']}", action="report_generated")
    metrics.add_metric("OrdersReported", MetricUnit.Count, result["orders"])
    return result


def generate_report(event: TaskEvent[ReportParams], *, s3: S3Client, bucket: str) -> Result:
    """Writes ``reports/TASK/DAY.pdf`` and ``.csv``; a day without orders has a report that says so.

    Returns the keys, the number of orders and their total as text. Raises :class:`MalformedOrders`.
    """
    day = reported_day(event.slot, event.params)
    summary = summarise(_orders(s3, bucket, f"{event.params.prefix}{day}.csv"))
    report = f"reports/{event.task_id}/{day}"
    pdf, table = to_pdf(summary, day=day, created=event.slot), to_csv(summary)
    s3.put_object(Bucket=bucket, Key=f"{report}.csv", Body=table, ContentType="text/csv; charset=utf-8")
    s3.put_object(Bucket=bucket, Key=f"{report}.pdf", Body=pdf, ContentType="application/pdf")
    return {
        "day": str(day),
        "orders": summary.orders,
        "total": f"{summary.total:f}",
        "pdf": f"{report}.pdf",
        "csv": f"{report}.csv",
    }


def reported_day(slot: datetime, params: ReportParams) -> date:
    """The day that a slot's report is about, where the orders were taken."""
    day = slot.astimezone(params.timezone).date()
    return day - timedelta(days=1) if params.day == "previous" else day


def _orders(s3: S3Client, bucket: str, key: str) -> Iterator[Order]:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except s3.exceptions.NoSuchKey:
        return
    with closing(body):
        yield from read_orders(key, body)

"""FetchUsageData: the usage of the period, read from S3 as a stream, checked row by row, and summed up by customer."""

from __future__ import annotations

import os

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import AwareDatetime

from lambdas.billing.errors import NoUsageFiles
from lambdas.billing.period import Period
from lambdas.billing.usage import Usage
from lambdas.billing.work import RUNS, USAGE, Files
from orchestrator.handlers.event import Step
from orchestrator.handlers.invocation import Result, client, logger, metrics, step_handler
from orchestrator.stack import DATA_BUCKET


class FetchUsage(Step):
    slot: AwareDatetime
    timezone: str
    #: The execution's name: each has files of its own.
    execution: str


@step_handler(FetchUsage)
def handler(step: FetchUsage) -> Result:
    result = fetch_usage_data(step, Files(client("s3"), os.environ[DATA_BUCKET]))
    metrics.add_metric("UsageEvents", MetricUnit.Count, result["events"])
    logger.info(f"Read {result['events']} usage events of {result['period']}", action="usage_fetched")
    return result


def fetch_usage_data(step: FetchUsage, files: Files) -> Result:
    """Writes ``usage.jsonl`` (a line for each customer) and ``problems.jsonl``, and says how many of each.

    Raises :class:`NoUsageFiles`, :class:`UsageCutOff` and :class:`UnreadableUsage`.
    """
    period = Period.before(step.slot, step.timezone)
    prefix = f"{USAGE}{period}/"
    keys = [key for key in files.keys(prefix) if key.endswith((".csv", ".jsonl"))]
    if not keys:
        raise NoUsageFiles(prefix)
    usage = Usage(period=period)
    for key in keys:
        usage.add(key, files.stream(key))
    work = f"{RUNS}{period}/{step.execution}/"
    files.write_values(
        f"{work}usage.jsonl",
        (
            {"customerId": customer, "usage": sums, **usage.first_seen[customer]}
            for customer, sums in usage.by_customer()
        ),
    )
    files.write_values(f"{work}problems.jsonl", (problem.to_value() for problem in usage.problems))
    return {
        "period": str(period),
        "work": work,
        "files": len(keys),
        "events": usage.events,
        "problems": sum(problem.holds for problem in usage.problems),
        "repeated": sum(not problem.holds for problem in usage.problems),
    }

"""Task ``lambda/data-cleanup``: removes objects and items that are older than a number of days.

Days are counted from the slot, so a late or repeated run removes what a punctual one would have removed. The run stops
before its own time is up and says how far it came; the next one goes on, since what is gone is not listed again.

An item is read and then deleted in a batch, which takes no condition: one that is renewed in the moment between is
deleted all the same.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, model_validator

from orchestrator.errors import OrchestratorError
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import Result, client, logger, metrics, task_handler
from orchestrator.stack import DATA_BUCKET, STACK, Stack

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

#: What the last batch, its retries and the answer may still take.
MARGIN_MILLISECONDS = 15_000

#: "BatchWriteItem": at most 25 requests; what is left unprocessed is to be sent again with exponential backoff.
_BATCH = 25
_ATTEMPTS = 8
_LONGEST_DELAY_SECONDS = 5.0

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class CleanupFailed(OrchestratorError):
    """AWS kept some of what was to be deleted; what it did delete stays deleted, and the next attempt goes on."""

    def __init__(self, where: str, kept: int, reason: str) -> None:
        self.kept = kept
        super().__init__(f"{kept} could not be deleted from {where}: {reason}")


class CleanupParams(Params):
    retention_days: int = Field(ge=1, le=36_500)
    #: Of the keys of objects in the data bucket.
    prefix: str | None = Field(default=None, min_length=1)
    #: The logical name of a table of the stack: ``Sessions``.
    table: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]+$")
    #: The items' own attribute that says how old they are: ISO 8601, or seconds since 1970.
    timestamp_attribute: str | None = Field(default=None, min_length=1)
    #: Count, and remove nothing.
    dry_run: bool = False

    @model_validator(mode="after")
    def _says_what_to_clean(self) -> Self:
        if self.prefix is None and self.table is None:
            raise ValueError("name what to clean: prefix, or table and timestampAttribute, or both")
        if (self.table is None) != (self.timestamp_attribute is None):
            raise ValueError("table and timestampAttribute belong together")
        return self


@dataclass(kw_only=True)
class Progress:
    """The progress of a cleanup. In a dry run, ``deleted`` counts what would have been deleted."""

    examined: int = 0
    deleted: int = 0
    #: False if time ran out before everything was examined.
    complete: bool = True
    #: Items whose timestamp is missing or none; they stay.
    undated: int = 0


@task_handler("lambda/data-cleanup", CleanupParams)
def handler(event: TaskEvent[CleanupParams], context: LambdaContext) -> Result:
    params = event.params
    cutoff = event.slot - timedelta(days=params.retention_days)
    result: Result = {"cutoff": cutoff.isoformat().replace("+00:00", "Z"), "dryRun": params.dry_run, "complete": True}

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > MARGIN_MILLISECONDS

    def report(what: str, progress: Progress) -> None:
        result[what] = asdict(progress)
        result["complete"] = result["complete"] and progress.complete
        gone = 0 if params.dry_run else progress.deleted
        metrics.add_metric(f"{what.capitalize()}Deleted", MetricUnit.Count, gone)
        logger.info(f"Examined {progress.examined} {what}, deleted {gone}", action="cleaned", **asdict(progress))

    if params.prefix is not None:
        objects = clean_objects(
            client("s3"), os.environ[DATA_BUCKET], params.prefix, cutoff, has_time=has_time, dry_run=params.dry_run
        )
        report("objects", objects)
    if params.table is not None and params.timestamp_attribute is not None:
        items = clean_items(
            client("dynamodb"),
            Stack(name=os.environ[STACK]).table(params.table),
            params.timestamp_attribute,
            cutoff,
            has_time=has_time,
            dry_run=params.dry_run,
        )
        report("items", items)
    return result


def clean_objects(
    s3: S3Client, bucket: str, prefix: str, cutoff: datetime, *, has_time: Callable[[], bool], dry_run: bool = False
) -> Progress:
    """Deletes objects last modified before ``cutoff``, a page of a thousand at a time.

    Raises :class:`CleanupFailed` if S3 keeps one of them.
    """
    progress = Progress()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in _while(has_time, pages, progress):
        objects = page.get("Contents", [])
        progress.examined += len(objects)
        stale: list[ObjectIdentifierTypeDef] = [{"Key": one["Key"]} for one in objects if one["LastModified"] < cutoff]
        if stale and not dry_run:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": stale, "Quiet": True})
            if kept := answer.get("Errors"):
                raise CleanupFailed(f"s3://{bucket}", len(kept), f"{kept[0]['Code']}: {kept[0].get('Message', '')}")
        progress.deleted += len(stale)
    return progress


def clean_items(
    dynamodb: DynamoDBClient,
    table: str,
    timestamp_attribute: str,
    cutoff: datetime,
    *,
    has_time: Callable[[], bool],
    dry_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Progress:
    """Deletes items dated before ``cutoff``, in batches of 25; ``dynamodb`` is boto3's low-level client.

    Raises :class:`CleanupFailed` if DynamoDB goes on leaving some unprocessed.
    """
    progress = Progress()
    key = [part["AttributeName"] for part in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
    names = {f"#{place}": name for place, name in enumerate(dict.fromkeys([*key, timestamp_attribute]))}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames=names,
        # Else an item that was renewed a moment ago could still be read as old.
        ConsistentRead=True,
    )
    for page in _while(has_time, pages, progress):
        dated = [(item, is_stale(item.get(timestamp_attribute, {}), cutoff)) for item in page["Items"]]
        progress.examined += len(dated)
        progress.undated += sum(old is None for _, old in dated)
        stale = [{name: item[name] for name in key} for item, old in dated if old]
        for first in _while(has_time, range(0, len(stale), _BATCH), progress):
            batch = stale[first : first + _BATCH]
            if not dry_run:
                _delete(dynamodb, table, batch, sleep)
            progress.deleted += len(batch)
    return progress


def is_stale(timestamp: dict[str, str], cutoff: datetime) -> bool | None:
    """Whether an attribute's value is a time before ``cutoff``; None if it is no time. Without an offset it is UTC."""
    if "N" in timestamp:
        # As numbers: one that is no date at all, like milliseconds taken for seconds, is far in the future.
        return Decimal(timestamp["N"]) < Decimal(cutoff.timestamp())
    text = timestamp.get("S", "")
    try:
        # Python would also read a text of thirteen digits: milliseconds as a day of the 18th century.
        moment = datetime.fromisoformat(text) if _DATE.match(text) else None
    except ValueError:
        moment = None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) < cutoff


def _while(has_time: Callable[[], bool], parts: Iterable[Any], progress: Progress) -> Iterable[Any]:
    for part in parts:
        if not has_time():
            progress.complete = False
            return
        yield part


def _delete(dynamodb: DynamoDBClient, table: str, keys: list[dict[str, Any]], sleep: Callable[[float], None]) -> None:
    requests: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys]
    for attempt in range(_ATTEMPTS):
        answer = dynamodb.batch_write_item(RequestItems={table: requests})
        requests = answer.get("UnprocessedItems", {}).get(table, [])
        if not requests:
            return
        sleep(random.uniform(0, min(_LONGEST_DELAY_SECONDS, 0.1 * 2**attempt)))
    raise CleanupFailed(table, len(requests), f"DynamoDB left them unprocessed {_ATTEMPTS} times; is it throttled?")

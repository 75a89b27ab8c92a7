"""Follows the ledger's stream, and does at once what a row asks for: it tells people of what went wrong, and
wakes what waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.system.follower import alerting, releasing
from orchestrator.errors import InvalidRow
from orchestrator.handlers.invocation import logger, observed, unreadable
from orchestrator.runs.run import Run

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles changes of TaskRuns, filtered to rows that ask for something, and the alarm clock of a held slot:
    ``{"taskId": …, "slot": …, "at": …}``.
    """
    if "Records" not in event:
        releasing.look_again(event["taskId"], event["slot"], datetime.fromisoformat(event["at"]), context)
        return {"batchItemFailures": []}
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


def handle(record: DynamoDBRecord, lambda_context: LambdaContext) -> None:
    """One change of a row. What can never be read is not tried again."""
    changed = record.raw_event["dynamodb"]
    image = changed.get("NewImage")
    if image is None:
        return
    try:
        run = Run.from_item(image)
    except InvalidRow as fault:
        unreadable(fault)
        return
    logger.append_keys(task_id=run.task_id, slot=run.slot)
    alerting.follow(run, changed, lambda_context)
    releasing.follow(run, changed, lambda_context)

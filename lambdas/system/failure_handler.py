"""Writes the row of a slot or an event that could not be delivered, and of an execution that ended without a word.

The rows are told to people like those of any other failure, from the ledger's stream. A message that cannot be dealt
with now comes again, alone; one that never can goes to the queue behind this one, whose alarm calls people.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.handlers.invocation import client, logger, observed, stack
from orchestrator.instants import to_millisecond
from orchestrator.runs.cost import of_dead
from orchestrator.runs.dead_letter import DeadLetter
from orchestrator.runs.execution_end import ExecutionEnd
from orchestrator.runs.run import BELATED, NO_TASK_ID, TERMINAL, RunEnd, RunStatus, Trigger
from orchestrator.stores.dead_letters import DeadLetters
from orchestrator.stores.last_sights import LastSights
from orchestrator.stores.recorder import Closing, Recorder

processor = BatchProcessor(event_type=EventType.SQS)


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handles messages of SchedulerDlq and ExecutionFailures."""
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


def handle(record: SQSRecord) -> None:
    """One message of either queue."""
    message = record.raw_event
    letter = DeadLetter.read(message)
    event = None if letter.rule_arn else _event(message.get("body"))
    if event is None:
        _dead_letter(letter, _sent(message))
    elif execution := ExecutionEnd.read(event):
        _ended(execution)


def _dead_letter(letter: DeadLetter, sent: datetime) -> None:
    dynamodb = client("dynamodb")
    if letter.is_duplicate:
        logger.info("the slot was started before", task_id=letter.task_id, slot=letter.slot)
        return
    DeadLetters(dynamodb, stack()).put(letter, failed_at=sent)
    # Without a slot the row stands at the moment at which the message was sent, like an ad hoc run's.
    at = letter.slot or to_millisecond(sent)
    trigger = Trigger.EVENT if letter.rule_arn else Trigger.SCHEDULE
    end = RunEnd(status=RunStatus.FAILED, error=letter.error_code, cause=letter.cause)
    Recorder(dynamodb, stack()).record(letter.task_id or NO_TASK_ID, at, end, now=datetime.now(UTC), trigger=trigger)


def _ended(execution: ExecutionEnd) -> None:
    if execution.state_machine_arn.rpartition(":")[2] != stack().task_runner:
        # A nested execution's end is told to the run that has started it.
        return
    dynamodb, asked = client("dynamodb"), execution.asked
    sights, recorder = LastSights(dynamodb, stack()), Recorder(dynamodb, stack())
    run = sights.run(asked.task_id, asked.slot)
    is_own = run is not None and run.execution_arn == execution.execution_arn
    if run is not None and is_own and run.status in TERMINAL:
        # It has recorded its end itself.
        return
    error = execution.error or f"Execution{execution.status.title().replace('_', '')}"
    unexplained = execution.cause or "the execution ended without having recorded why"
    task = sights.task(asked.task_id) if is_own else None
    dollars = of_dead(task, run, started_at=execution.started_at, ended_at=execution.ended_at) if task and run else None
    end = RunEnd(status=execution.status, ended_at=execution.ended_at, error=error, cause=unexplained, dollars=dollars)
    if recorder.close(asked.task_id, asked.slot, execution.execution_arn, end) is not Closing.NOT_ITS_OWN:
        return
    unclaimed = replace(
        end, dollars=None, cause=execution.cause or "the execution ended before it had claimed its slot"
    )
    recorder.record(
        asked.task_id,
        execution.unclaimed_slot,
        unclaimed,
        now=datetime.now(UTC),
        trigger=asked.trigger,
        execution_arn=execution.execution_arn,
    )
    if asked.trigger in BELATED:
        # Nobody waits for it, as whoever reruns a slot does.
        recorder.replace_skipped(
            asked.task_id,
            asked.slot,
            asked.replaces,
            unclaimed,
            trigger=asked.trigger,
            execution_arn=execution.execution_arn,
        )


def _event(body: Any) -> dict[str, Any] | None:
    """The body as an event of EventBridge, if it is one."""
    try:
        event = json.loads(body)
    except (TypeError, ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "detail-type" in event else None


def _sent(message: dict[str, Any]) -> datetime:
    """When the message was put into its queue; now, if it does not say."""
    try:
        return datetime.fromtimestamp(int(message["attributes"]["SentTimestamp"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return datetime.now(UTC)

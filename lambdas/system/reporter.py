"""Follows the ledger's stream: prints the metrics of runs, and puts what became of them on a bus, where one is named.

It is apart from what tells people, which is called for what went wrong alone and must get through whatever it costs.
This one is called for every run, in batches. CloudWatch makes the metrics of lines of the log: no request, no wait.

What the bus does not take is not lost: Lambda hands over again what follows the first change whose event is not on the
bus, and for hours, and keeps what is given up in the end with what nobody could deal with. The metrics of a change are
printed when it is done, so that what is handed over again is not counted again; where Lambda could not run the function
to its end, :mod:`orchestrator.runs.measures` says what comes of that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.handlers.invocation import client, logger, observed, stack
from orchestrator.runs.measures import measures
from orchestrator.runs.outcomes import Change, Kind, Outcome, of_record, of_row
from orchestrator.stack import OUTCOME_KINDS, OUTCOMES_BUS
from orchestrator.stores.event_bus import Event, EventBus


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Of the stream of TaskRuns, filtered to rows with news, and, where there is a bus, of that of ScheduledTasks,
    filtered to records of tasks that are, or were, paused.
    """
    records = event["Records"]
    done = _publish(records) if os.environ.get(OUTCOMES_BUS) else len(records)
    for record in records[:done]:
        for line in _lines(record):
            # CloudWatch reads what stands in a line of its own.
            print(json.dumps(line, separators=(",", ":")))  # noqa: T201
    # Lambda begins again with the first of these.
    return {"batchItemFailures": [{"itemIdentifier": one["dynamodb"]["SequenceNumber"]} for one in records[done:][:1]]}


def _publish(records: Sequence[dict[str, Any]]) -> int:
    """How many of the changes have all their events on the bus."""
    bus = os.environ[OUTCOMES_BUS]
    outcomes = [(number, outcome) for number, record in enumerate(records) for outcome in _outcomes(record)]
    events = [Event(entry=outcome.to_entry(bus), group=outcome.task_id) for _, outcome in outcomes]
    taken, why = EventBus(client("events"), bus).put(events)
    if taken == len(outcomes):
        return len(records)
    number, first = outcomes[taken]
    logger.error("the bus does not take events; they are put again", bus=bus, id=first.id, reason=why)
    return number


def _outcomes(record: dict[str, Any]) -> Iterator[Outcome]:
    wanted = {Kind(text) for text in os.environ[OUTCOME_KINDS].split(",")}
    made = of_row if _is_row(record) else of_record
    return (outcome for outcome in made(stack(), Change.from_record(record)) if outcome.kind in wanted)


def _lines(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    change = record["dynamodb"]
    if "NewImage" in change and _is_row(record):
        at = int(change["ApproximateCreationDateTime"] * 1000)
        yield from measures(stack(), change.get("OldImage", {}), change["NewImage"], at)


def _is_row(record: dict[str, Any]) -> bool:
    """Whether it is a change of the ledger, and not of the registry."""
    return f":table/{stack().runs_table}/" in record["eventSourceARN"]

"""What calls functions that are no task's target: queues, and the changes of tables."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.deployment import policies
from orchestrator.functions import EventSource, Function

#: A change that cannot be told now is tried again so often, then it goes to the queue that nobody's handler empties.
_STREAM_RETRIES = 20


def mappings(logical_id: str, function: Function) -> dict[str, Any]:
    """The event source mappings of a function, by logical id. One bad message of a batch does not bring back others."""
    return {
        f"{logical_id}From{source.source.partition(':')[2]}": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": logical_id},
                "BatchSize": source.batch_size,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                **_of(source),
            },
        }
        for source in function.event_sources
    }


def _of(source: EventSource) -> dict[str, Any]:
    kind, _, name = source.source.partition(":")
    if kind == "queue":
        return {"EventSourceArn": policies.attribute(name)}
    filters = [{"Pattern": json.dumps(pattern, separators=(",", ":"))} for pattern in source.filters]
    return {
        "EventSourceArn": policies.attribute(name, "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": _STREAM_RETRIES,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": policies.attribute("HandlerFailures")}},
        **({"FilterCriteria": {"Filters": filters}} if filters else {}),
    }

"""What calls functions that are no task's target: queues, and the changes of tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.deployment import statements
from orchestrator.functions import EventSource, Function

#: So many batches of a queue are handled at once. Lambda begins with five, and throttles where it may not: each time
#: is one of the few that a message is received before it is given up ("Creating and configuring an Amazon SQS event
#: source mapping").
_BATCHES = 5

#: So many requests to a URL are handled at once: each takes some tens of milliseconds, and not every sender tries again
#: what was throttled.
_REQUESTS = 20

#: Whether the functions here have concurrency of their own. A new account has none to give: its quota is 10 or so.
PARAMETERS: Mapping[str, Any] = {
    "ReserveConcurrency": {
        "Type": "String",
        "Description": "Whether what handles failures can run when tasks have used up the account's concurrency.",
        "AllowedValues": ["true", "false"],
        "Default": "true",
    }
}
CONDITIONS: Mapping[str, Any] = {"ConcurrencyIsReserved": {"Fn::Equals": [{"Ref": "ReserveConcurrency"}, "true"]}}

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


def reserved(function: Function) -> int:
    """Returns the number of concurrent executions that are reserved for a function; 0 if none are."""
    return _BATCHES * len(function.event_sources) + (_REQUESTS if function.has_url else 0)


def concurrency(function: Function) -> dict[str, Any]:
    """What of the account's concurrency is a function's own, and no more: neither can many tasks at once keep a failure
    from being recorded, nor many failures keep tasks from running. Tasks' own functions share what is left.
    """
    own = {"Fn::If": ["ConcurrencyIsReserved", reserved(function), {"Ref": "AWS::NoValue"}]}
    return {"ReservedConcurrentExecutions": own} if reserved(function) else {}


def _retries(source: EventSource) -> dict[str, int]:
    if source.kept_seconds is None:
        return {"MaximumRetryAttempts": _STREAM_RETRIES}
    # -1 is as often as it takes.
    return {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": source.kept_seconds}


def _of(source: EventSource) -> dict[str, Any]:
    kind, _, name = source.source.partition(":")
    if kind == "queue":
        # Else more would be received than the function may handle, and be thrown back.
        return {
            "EventSourceArn": source.arn or statements.attribute(name),
            "ScalingConfig": {"MaximumConcurrency": _BATCHES},
        }
    filters = [{"Pattern": json.dumps(pattern, separators=(",", ":"))} for pattern in source.filters]
    return {
        "EventSourceArn": statements.attribute(name, "StreamArn"),
        "StartingPosition": "TRIM_HORIZON",
        **_retries(source),
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": statements.attribute("HandlerFailures")}},
        **({"MaximumBatchingWindowInSeconds": source.window_seconds} if source.window_seconds else {}),
        **({"FilterCriteria": {"Filters": filters}} if filters else {}),
    }

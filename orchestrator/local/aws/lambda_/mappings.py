"""What an event source mapping may say, and what a function's answer to it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

#: CreateEventSourceMapping: least and most.
_RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumRetryAttempts": (-1, 10_000),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 900),
}


def check(spec: Mapping[str, Any]) -> None:
    """Raises for what CreateEventSourceMapping refuses (its API reference; filters: recorded by LocalStack)."""
    queue = ":sqs:" in spec["EventSourceArn"]
    for name, (least, most) in _RANGES.items():
        if spec.get(name) is not None and not least <= int(spec[name]) <= most:
            raise InvalidParameterValueException(f"{name} must be between {least} and {most}, not {spec[name]}")
    if queue and int(spec.get("BatchSize") or 10) > 10 and not int(spec.get("MaximumBatchingWindowInSeconds") or 0):
        raise InvalidParameterValueException(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if not queue and not spec.get("StartingPosition"):
        raise InvalidParameterValueException(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must"
            " not be null."
        )
    for one in (spec.get("FilterCriteria") or {}).get("Filters", []):
        if not isinstance(parsed(one["Pattern"]), dict):
            raise InvalidParameterValueException("Invalid filter pattern definition.")


def parsed(body: str | bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def failures(payload: str | bytes) -> set[str] | None:
    """The identifiers that a function could not deal with, by its answer; None for the whole batch.

    "Nothing" in any form is a success, and whatever else cannot be read is a failure of all ("Reporting batch item
    failures"; recorded by LocalStack, test_lambda_integration_dynamodbstreams).
    """
    answer = parsed(payload)
    if not answer:
        return set()
    listed = answer.get("batchItemFailures") if isinstance(answer, dict) else []
    if not listed:
        return set()
    identifiers = [one.get("itemIdentifier") if isinstance(one, dict) else None for one in listed]
    return {str(one) for one in identifiers} if all(isinstance(one, str) and one for one in identifiers) else None

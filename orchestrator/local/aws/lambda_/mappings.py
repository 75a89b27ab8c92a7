"""What an event source mapping may say, and what a function's answer to it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from orchestrator.local.aws.events import patterns

#: CreateEventSourceMapping: least and most.
_RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumRetryAttempts": (-1, 10_000),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 900),
}

#: Parameters of streams that a queue does not have.
_OF_STREAMS = (
    "BisectBatchOnFunctionError", "DestinationConfig", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts",
    "ParallelizationFactor", "TumblingWindowInSeconds",
)  # fmt: skip

_DESTINATIONS = ("s3", "sns", "sqs")

#: What AWS says of a mapping that was made without a word about it; recorded by LocalStack.
_DEFAULTS = {"FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}
_DEFAULTS_OF_STREAMS = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}


def described(configuration: Mapping[str, Any], last: str, state: str | None = None) -> dict[str, Any]:
    """A mapping as AWS describes it; ``last`` is what became of its last batch, ``state`` what is being done to it."""
    stream = ":sqs:" not in configuration["EventSourceArn"]
    return {
        **_DEFAULTS,
        **(_DEFAULTS_OF_STREAMS if stream else {}),
        **configuration,
        "State": state or configuration["State"],
        "StateTransitionReason": "User action" if stream else "USER_INITIATED",
        **({"LastProcessingResult": last} if stream else {}),
    }


def exists(spec: Mapping[str, Any], function: str, identifier: str) -> str:
    """Returns AWS's refusal of a second mapping of a function to a source."""
    source = spec["EventSourceArn"]
    if ":sqs:" in source:
        return (
            f'An event source mapping with SQS arn (" {source} ") and function (" {function} ") already exists. Please'
            f" update or delete the existing mapping with UUID {identifier}"
        )
    return (
        f'The event source arn (" {source} ") and function (" {function} ") provided mapping already exists. Please'
        f" update or delete the existing mapping with UUID {identifier}"
    )


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
    if queue and spec.get("StartingPosition"):
        # Reported with this error: motdotla/node-lambda#466.
        raise InvalidParameterValueException("StartingPosition is not valid for SQS event sources.")
    if queue and (extra := next((one for one in _OF_STREAMS if spec.get(one)), None)):
        # "(Kinesis, DynamoDB Streams, … only)" of CreateEventSourceMapping; AWS's own sentence is not known.
        raise InvalidParameterValueException(f"Unsupported {extra} parameter for given event source mapping type.")
    destination = (spec.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination", "")
    if destination and destination.split(":")[2] not in _DESTINATIONS:
        raise InvalidParameterValueException(
            f"The embedded AWS tells {', '.join(_DESTINATIONS)} what was given up, not {destination}"
        )
    if not queue and not spec.get("StartingPosition"):
        raise InvalidParameterValueException(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must"
            " not be null."
        )
    for one in (spec.get("FilterCriteria") or {}).get("Filters", []):
        try:
            patterns.check(json.loads(one["Pattern"]))
        except (ValueError, patterns.Refused):
            raise InvalidParameterValueException("Invalid filter pattern definition.") from None


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

"""Event source mappings: what is refused, and which answers of a function are failures.

Sources: CreateEventSourceMapping in Lambda's API reference; "Reporting batch item failures"; LocalStack's recordings
(tests/aws/services/lambda_/event_source_mapping/test_lambda_integration_dynamodbstreams).
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.awslambda.exceptions import InvalidParameterValueException

from orchestrator.local.aws.lambda_.mappings import check, failures

QUEUE = {"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}
STREAM = {
    "EventSourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1",
    "StartingPosition": "LATEST",
}


def filters(pattern: str) -> dict[str, Any]:
    return {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}


@pytest.mark.parametrize(
    "taken",
    [
        QUEUE,
        {**QUEUE, "BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 1},
        STREAM,
        {**STREAM, "BatchSize": 10_000, "MaximumRetryAttempts": -1, "ParallelizationFactor": 10},
        {**STREAM, **filters('{"eventName": ["INSERT"]}')},
    ],
)
def test_what_is_taken(taken: dict[str, Any]) -> None:
    check(taken)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({**QUEUE, "BatchSize": 0}, "BatchSize must be between 1 and 10000"),
        ({**QUEUE, "BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({**STREAM, "BatchSize": 10_001}, "BatchSize must be between 1 and 10000"),
        ({**STREAM, "StartingPosition": None}, "at 'startingPosition' failed to satisfy constraint"),
        ({**STREAM, "MaximumRetryAttempts": 10_001}, "MaximumRetryAttempts must be between -1 and 10000"),
        ({**STREAM, "ParallelizationFactor": 11}, "ParallelizationFactor must be between 1 and 10"),
        ({**STREAM, **filters("single-string")}, "Invalid filter pattern definition."),
        ({**STREAM, **filters('[{"eventName": ["INSERT"=123}]')}, "Invalid filter pattern definition."),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameterValueException) as refused:
        check(wrong)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('""', set()),
        ("null", set()),
        ("{}", set()),
        ('{"batchItemFailures": null}', set()),
        ('{"batchItemFailures": []}', set()),
        ('{"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}', {"1", "2"}),
        ('{"batchItemFailures": [{"itemIdentifier": ""}]}', None),
        ('{"batchItemFailures": [{"itemIdentifier": null}]}', None),
        ('{"batchItemFailures": [{"foo": "1"}]}', None),
        ('{"batchItemFailures": [{"foo": null}]}', None),
    ],
)
def test_which_items_an_answer_says_have_failed(answer: str, expected: set[str] | None) -> None:
    assert failures(answer) == expected

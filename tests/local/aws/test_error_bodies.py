"""Members of errors, as AWS's answers have them (recorded by LocalStack)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws


def test_an_error_of_scheduler_has_its_message(aws: EmbeddedAws) -> None:
    """Source: recorded tests_create_schedule_with_invalid_schedule_expression."""
    with pytest.raises(ClientError) as refused:
        aws.client("scheduler").get_schedule(Name="none")
    answer: Any = refused.value.response
    assert answer["Message"] == "Schedule none does not exist."


def test_an_error_of_lambda_has_a_type(aws: EmbeddedAws) -> None:
    """Source: recorded test_esm_with_not_existing_sqs_queue."""
    with pytest.raises(ClientError) as refused:
        aws.client("lambda").get_event_source_mapping(UUID="0" * 36)
    answer: Any = refused.value.response
    assert answer["Type"] == "User"
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"

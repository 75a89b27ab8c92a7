"""One deployment at a time, and none for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.deployment.locking import exclusive
from orchestrator.errors import DeploymentUnderWay
from orchestrator.local.embedded import EmbeddedAws
from orchestrator.settings import Stack

STACK = Stack()
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def client(aws: EmbeddedAws) -> Any:
    client = aws.client("dynamodb")
    client.create_table(
        TableName=STACK.table("Idempotency"),
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return client


def test_a_second_deployment_is_refused_with_who_and_until_when(client: Any) -> None:
    with (
        exclusive(client, STACK, "ann", lambda: NOW),
        pytest.raises(DeploymentUnderWay, match=r"deployed by ann; .* until 12:15 \(UTC\)"),
        exclusive(client, STACK, "bob", lambda: NOW),
    ):
        pass


def test_the_next_deployment_may_begin_when_the_first_has_ended_however(client: Any) -> None:
    with pytest.raises(RuntimeError), exclusive(client, STACK, "ann", lambda: NOW):
        raise RuntimeError
    with exclusive(client, STACK, "bob", lambda: NOW):
        pass
    assert client.scan(TableName=STACK.table("Idempotency"))["Items"] == []


def test_a_deployment_that_died_blocks_for_minutes_only_and_does_not_end_another_s(client: Any) -> None:
    later = NOW + timedelta(minutes=16)
    with exclusive(client, STACK, "ann", lambda: NOW):
        bob = exclusive(client, STACK, "bob", lambda: later)
        bob.__enter__()
    with pytest.raises(DeploymentUnderWay, match="by bob"), exclusive(client, STACK, "eve", lambda: later):
        pass
    bob.__exit__(None, None, None)

"""One deployment at a time, and none for ever."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.deployment.locking import LEASE, exclusive
from orchestrator.errors import DeploymentUnderWay
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack

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
        pytest.raises(DeploymentUnderWay, match=r"deployed by ann; .* until 12:02 \(UTC\)"),
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
    later = NOW + timedelta(minutes=3)
    with exclusive(client, STACK, "ann", lambda: NOW):
        bob = exclusive(client, STACK, "bob", lambda: later)
        bob.__enter__()
    with pytest.raises(DeploymentUnderWay, match="by bob"), exclusive(client, STACK, "eve", lambda: later):
        pass
    bob.__exit__(None, None, None)


def test_a_deployment_that_works_for_long_is_joined_by_nobody(client: Any) -> None:
    clock = [NOW]
    with exclusive(client, STACK, "ann", lambda: clock[0], renewal_seconds=0.01):
        for _ in range(3):
            clock[0] += timedelta(minutes=1, seconds=50)
            wait_for(client, clock[0])
        with pytest.raises(DeploymentUnderWay, match="by ann"), exclusive(client, STACK, "bob", lambda: clock[0]):
            pass
    assert client.scan(TableName=STACK.table("Idempotency"))["Items"] == []


def wait_for(client: Any, renewed_at: datetime) -> None:
    """Until the lock has been renewed at a time, or later."""
    deadline = time.monotonic() + 20
    while True:
        item = client.get_item(TableName=STACK.table("Idempotency"), Key={"id": {"S": "deployment"}})["Item"]
        if int(item["expiration"]["N"]) >= (renewed_at + LEASE).timestamp():
            return
        assert time.monotonic() < deadline

"""The time of a stack is what AWS's answers say, whatever this machine's clock shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.server_clock import ServerClock

THEN = datetime(2031, 5, 5, 7, 30, tzinfo=UTC)


def client_of(session: boto3.Session, aws: EmbeddedAws, service: str) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return session.client(service, region_name=aws.region, endpoint_url=aws.endpoint, **keys)


def test_it_is_the_time_that_the_embedded_aws_lives_in(aws: EmbeddedAws) -> None:
    session = boto3.Session()
    clock = ServerClock(session, lambda: client_of(session, aws, "sts").get_caller_identity())
    with aws.on(VirtualClock(THEN, speed=1)):
        assert THEN - timedelta(seconds=1) <= clock.now() < THEN + timedelta(minutes=1)


def test_a_refusal_tells_the_time_too_and_nothing_more_is_asked(aws: EmbeddedAws) -> None:
    session = boto3.Session()
    clock = ServerClock(session, lambda: pytest.fail("there was an answer"))
    with aws.on(VirtualClock(THEN, speed=1)), pytest.raises(ClientError):
        client_of(session, aws, "dynamodb").get_item(TableName="none", Key={"id": {"S": "x"}})
    assert clock.now().year == THEN.year


class Emitter:
    """Of a session: what is called after each request."""

    def __init__(self) -> None:
        self.hear: Callable[..., None] = lambda **_: None

    def register(self, name: str, hear: Callable[..., None]) -> None:
        self.hear = hear


@pytest.mark.parametrize("headers", [{}, {"Date": "soon"}])
def test_an_answer_without_a_date_is_followed_by_this_machines_clock(headers: dict[str, str]) -> None:
    events = Emitter()
    answer = SimpleNamespace(headers=headers)
    clock = ServerClock(SimpleNamespace(events=events), lambda: events.hear(http_response=answer))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)

"""The embedded AWS, as the handlers see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator import stack as settings
from orchestrator.handlers.invocation import client, forget_clients
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from tests.testbed.tables import create_tables

BUCKET = "orchestrator-dev-data-123456789012-us-east-1"


@pytest.fixture
def environment(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function, with clients of its own; a test may change it further."""
    stack = Stack()
    variables = {
        **aws.environment,
        settings.STACK: stack.name,
        settings.DATA_BUCKET: BUCKET,
        settings.IDEMPOTENCY_TABLE: stack.table("Idempotency"),
        settings.MAIL_FROM: "tasks@example.com",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    yield monkeypatch
    forget_clients()


@pytest.fixture
def s3(environment: object) -> Any:
    """The handlers' client, and the data bucket."""
    client("s3").create_bucket(Bucket=BUCKET)
    return client("s3")


@pytest.fixture
def dynamodb(environment: object, aws: EmbeddedAws) -> Any:
    """The handlers' client, and the stack's tables."""
    create_tables(aws, Stack())
    return client("dynamodb")

"""A deployed application for the commands that need one, and what they print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.deployment import Applied
from orchestrator.ledger import Ledger
from orchestrator.local.embedded import EmbeddedAws
from orchestrator.registry import Registry
from tests.deployed import STACK, deployed


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> Iterator[Applied]:
    with deployed(embedded_aws) as applied:
        yield applied


@pytest.fixture
def ledger(embedded_aws: EmbeddedAws, stack: Applied) -> Ledger:
    return Ledger(embedded_aws.client("dynamodb"), STACK)


@pytest.fixture
def registry(embedded_aws: EmbeddedAws, stack: Applied) -> Registry:
    return Registry(embedded_aws.client("dynamodb"), STACK)

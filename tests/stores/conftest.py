"""The tables of a stack, empty, and what most tests write into them by."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from tests.testbed.tables import create_tables


@pytest.fixture
def dynamodb(aws: EmbeddedAws) -> Any:
    return create_tables(aws, Stack())


@pytest.fixture
def registry(dynamodb: Any) -> Registry:
    return Registry(dynamodb, Stack())

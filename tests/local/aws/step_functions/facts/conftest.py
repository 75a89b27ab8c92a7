"""One embedded AWS for all facts: what a fact makes has a name of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines


@pytest.fixture(scope="module")
def world(embedded_aws: EmbeddedAws) -> Iterator[Machines]:
    embedded_aws.reset()
    yield Machines(embedded_aws)
    embedded_aws.reset()

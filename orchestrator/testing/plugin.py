"""Fixtures for pytest, which finds them by the entry point ``pytest11``. Nothing is started before a test asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from orchestrator.local.aws.server import EmbeddedAws
    from orchestrator.testing.invocation import Context
    from orchestrator.testing.project import Deployed


@pytest.fixture
def lambda_context() -> Context:
    """The context that Lambda gives a handler."""
    from orchestrator.testing.invocation import Context

    return Context()


@pytest.fixture(scope="session")
def _orchestrator_aws() -> Iterator[EmbeddedAws]:
    from orchestrator.testing.project import embedded

    with embedded() as aws:
        yield aws


@pytest.fixture
def orchestrator_aws(_orchestrator_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """An empty AWS in this process, which boto3's clients find."""
    yield _orchestrator_aws
    _orchestrator_aws.reset()


@pytest.fixture(scope="module")
def orchestrator_deployed(request: pytest.FixtureRequest) -> Iterator[Deployed]:
    """The project that the test is in, deployed to an AWS in this process: one for all tests of a module."""
    from orchestrator.testing.project import deployed

    with deployed(request.path.parent) as project:
        yield project

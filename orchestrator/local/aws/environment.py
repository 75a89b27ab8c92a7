"""What an AWS client, of whatever kind, needs to find an embedded AWS: environment variables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

REGION = "us-east-1"

#: Where an embedded AWS shows what no request asks AWS for: :mod:`orchestrator.local.aws.looking`.
LOOKING_PATH = "/_embedded"


def variables(endpoint: str) -> dict[str, str]:
    """Points clients to ``endpoint``, and makes deploy.py leave out what the embedded AWS does not need."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        # TestState and StartSyncExecution go to another name on AWS: sync-states; this machine has one name.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "ORCHESTRATOR_WITHOUT_DEPENDENCIES": "1",
    }


@contextmanager
def applied(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for AWS clients that this process makes, and puts everything back afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

"""Clients of the embedded AWS that a test may register handlers with: those of the AWS itself are everybody's."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from orchestrator.local.embedded import EmbeddedAws

#: One for all: a session reads the description of a service once.
_SESSION = boto3.Session(aws_access_key_id="embedded", aws_secret_access_key="embedded", region_name=EmbeddedAws.region)


def own_client(aws: EmbeddedAws, service: str) -> Any:
    # An address has no subdomains, which TestState's prefix would be.
    return _SESSION.client(service, endpoint_url=aws.endpoint, config=Config(inject_host_prefix=False))

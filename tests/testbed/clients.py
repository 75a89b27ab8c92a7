"""Clients of the embedded AWS that a test may register handlers with: those of the AWS itself are everybody's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import boto3
from botocore.config import Config

from orchestrator.clients import Clients
from orchestrator.local.aws.server import EmbeddedAws

#: One for all: a session reads the description of a service once.
_SESSION = boto3.Session(aws_access_key_id="embedded", aws_secret_access_key="embedded", region_name=EmbeddedAws.region)


def own_clients(aws: EmbeddedAws) -> Clients:
    """Makes a client anew each time it is asked for one."""

    def client(service: str) -> Any:
        # An address has no subdomains, which TestState's prefix would be.
        return _SESSION.client(service, endpoint_url=aws.endpoint, config=Config(inject_host_prefix=False))

    return client


def cli(aws: EmbeddedAws, *arguments: str) -> Any:
    """Runs AWS's own command line, unmodified, and returns its answer."""
    command = [sys.executable, "-W", "ignore", "-m", "awscli", *arguments, "--output", "json"]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **aws.environment})
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout or "null")

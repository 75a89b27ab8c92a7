"""The embedded AWS itself: served on this machine alone, found through the environment, and emptied."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.errors import PortInUse
from orchestrator.local.embedded import EmbeddedAws


def test_any_client_finds_it_through_the_environment(aws: EmbeddedAws) -> None:
    aws.client("s3").create_bucket(Bucket="here")
    program = "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])"
    run = subprocess.run([sys.executable, "-c", program], env=aws.environment, capture_output=True, text=True)
    assert run.stdout.strip() == "['here']"


def test_it_listens_on_this_machine_alone(aws: EmbeddedAws) -> None:
    assert aws.endpoint.startswith("http://127.0.0.1:")


def test_a_port_that_is_in_use_is_a_sentence(aws: EmbeddedAws) -> None:
    port = int(aws.endpoint.rsplit(":", 1)[1])
    with pytest.raises(PortInUse, match=f"port {port} on 127.0.0.1 is in use"):
        EmbeddedAws(port=port).start()


def test_a_reset_leaves_nothing(aws: EmbeddedAws) -> None:
    aws.client("sqs").create_queue(QueueName="q")
    aws.reset()
    assert "QueueUrls" not in aws.client("sqs").list_queues()

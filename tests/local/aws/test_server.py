"""The embedded AWS itself: served on this machine alone, found through the environment, and emptied."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.errors import PortInUse
from orchestrator.local.aws.server import EmbeddedAws


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


MANY = """
import asyncio, json, sys

async def start(name):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    body = json.dumps({"stateMachineArn": sys.argv[2], "name": name, "input": "{}"}).encode()
    head = (
        "POST / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n"
        "X-Amz-Target: AWSStepFunctions.StartExecution\\r\\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=embedded/20260101/us-east-1/states/aws4_request, Signature=x\\r\\n"
        f"Content-Type: application/x-amz-json-1.0\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
    )
    writer.write(head.encode() + body)
    status = (await reader.read()).split()[1]
    writer.close()
    return status

async def main():
    statuses = await asyncio.gather(*(start(f"n{number}") for number in range(int(sys.argv[3]))))
    print(statuses.count(b"200"))

asyncio.run(main())
"""


def test_hundreds_of_starts_at_once_are_all_answered(aws: EmbeddedAws) -> None:
    definition = '{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}'
    role = "arn:aws:iam::123456789012:role/r"
    made = aws.client("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=role)
    port = aws.endpoint.rsplit(":", 1)[1]
    arguments = [sys.executable, "-c", MANY, port, made["stateMachineArn"], "300"]
    run = subprocess.run(arguments, capture_output=True, text=True)
    assert run.stdout.strip() == "300", run.stderr

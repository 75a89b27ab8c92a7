"""A deployed application for the commands that need one, and what they print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from tests.testbed.deployed import STACK, deployed

PutRow = Callable[..., None]

_RUNNER = f"arn:aws:states:us-east-1:123456789012:execution:{STACK.task_runner}"


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


@pytest.fixture
def going_on(embedded_aws: EmbeddedAws, stack: Applied) -> Iterator[str]:
    """An execution that goes on for as long as the test does."""
    client = embedded_aws.client("stepfunctions")
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    machine = client.create_state_machine(
        name="going-on", definition=json.dumps(wait), roleArn="arn:aws:iam::123456789012:role/nobody"
    )["stateMachineArn"]
    execution = str(client.start_execution(stateMachineArn=machine)["executionArn"])
    yield execution
    client.stop_execution(executionArn=execution)


@pytest.fixture
def put_row(embedded_aws: EmbeddedAws, stack: Applied) -> PutRow:
    """Puts a row of a run whose execution Step Functions has forgotten, unless another one is named."""

    def put(task_id: str, slot: str, status: str, execution: str = f"{_RUNNER}:gone") -> None:
        row = {"taskId": task_id, "slot": slot, "status": status, "startedAt": slot, "executionArn": execution}
        item = {name: {"S": value} for name, value in row.items()}
        embedded_aws.client("dynamodb").put_item(TableName=STACK.runs_table, Item=item)

    return put

"""moto makes a client for every state, and sends its requests to wherever the environment says."""

from __future__ import annotations

import pytest

from tests.local.aws.conftest import Machines


def test_a_client_is_made_once_for_a_service_and_role(machines: Machines) -> None:
    get = machines.aws.clients.get
    first = get("dynamodb", "us-east-1", machines.role)
    assert get("dynamodb", "us-east-1", machines.role) is first
    assert get("dynamodb", "us-east-1", "arn:aws:iam::123456789012:role/other") is not first
    assert get("sns", "us-east-1", machines.role) is not first


@pytest.mark.parametrize("service", ["dynamodb", "cloudwatch", "lambda", "sns", "stepfunctions"])
def test_its_requests_stay_in_this_process(machines: Machines, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    client = machines.aws.clients.get(service, "us-east-1", machines.role)
    ask = {
        "dynamodb": "list_tables",
        "cloudwatch": "list_metrics",
        "lambda": "list_functions",
        "sns": "list_topics",
        "stepfunctions": "list_state_machines",
    }
    assert getattr(client, ask[service])()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_reset_forgets_the_clients_of_roles_that_are_gone(machines: Machines) -> None:
    first = machines.aws.clients.get("sns", "us-east-1", machines.role)
    machines.aws.reset()
    assert machines.aws.clients.get("sns", "us-east-1", machines.role) is not first

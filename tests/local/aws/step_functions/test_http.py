"""HTTP tasks: a real server is called, with what the connection adds, by whoever may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.endpoint import Endpoint, answering

ALLOWED = ("states:InvokeHTTPEndpoint", "events:RetrieveConnectionCredentials")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """Answers with the status that the path ends with."""

    def status(path: str) -> int:
        return int(path.rpartition("/")[2].partition("?")[0])

    with answering(status, b'{"taken": true}', content_type="application/json") as made:
        yield made


def run(aws: EmbeddedAws, url: str, *, allowed: tuple[str, ...] = ALLOWED, connection: str = "") -> dict[str, Any]:
    """What becomes of a state that posts an order."""
    key: Any = {"ApiKeyName": "X-Key", "ApiKeyValue": "confidential"}
    made = aws.client("events").create_connection(
        Name="shop", AuthorizationType="API_KEY", AuthParameters={"ApiKeyAuthParameters": key}
    )["ConnectionArn"]
    iam, states = aws.client("iam"), aws.client("stepfunctions")
    role = iam.create_role(RoleName="caller", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*"} for action in allowed]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName="caller", PolicyName="p", PolicyDocument=document)
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Arguments": {
            "ApiEndpoint": url,
            "Method": "POST",
            "Authentication": {"ConnectionArn": connection or made},
            "Headers": {"X-Run": "{% $states.input.run %}"},
            "QueryParameters": {"dry": "no"},
            "RequestBody": {"order": 7},
        },
        "End": True,
    }
    machine = {"QueryLanguage": "JSONata", "StartAt": "Call", "States": {"Call": call}}
    arn = states.create_state_machine(name="calls", definition=json.dumps(machine), roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn, input='{"run": "r-1"}')["executionArn"]
    assert aws.execution(execution).over.wait(60)
    return dict(states.describe_execution(executionArn=execution))


def test_the_endpoint_is_called_with_what_the_connection_adds(aws: EmbeddedAws, endpoint: Endpoint) -> None:
    described = run(aws, f"{endpoint.url}/orders/200")
    output = json.loads(described["output"])
    assert (output["StatusCode"], output["StatusText"], output["ResponseBody"]) == (200, "OK", {"taken": True})
    assert output["Headers"]["content-type"] == ["application/json"]
    request = endpoint.requests[-1]
    assert (request.path, request.body) == ("/orders/200?dry=no", {"order": 7})
    assert {name: request.headers[name] for name in ("x-key", "x-run", "content-type")} == {
        "x-key": "confidential",
        "x-run": "r-1",
        "content-type": "application/json",
    }


def test_an_error_is_named_after_the_status(aws: EmbeddedAws, endpoint: Endpoint) -> None:
    described = run(aws, f"{endpoint.url}/orders/429")
    assert (described["status"], described["error"]) == ("FAILED", "States.Http.StatusCode.429")
    assert described["cause"] == '{"taken": true}'


def test_nobody_is_called_in_the_clear_elsewhere(aws: EmbeddedAws) -> None:
    assert run(aws, "http://example.invalid/200")["error"] == "States.Http.Socket"


@pytest.mark.parametrize("lacking", ALLOWED)
def test_the_role_needs_both_permissions(aws: EmbeddedAws, endpoint: Endpoint, lacking: str) -> None:
    before = len(endpoint.requests)
    described = run(aws, f"{endpoint.url}/orders/200", allowed=tuple(one for one in ALLOWED if one != lacking))
    assert described["status"] == "FAILED"
    assert lacking in described["cause"]
    assert len(endpoint.requests) == before

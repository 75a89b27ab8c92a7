"""`http/NAME`: stack.yaml declares an endpoint, a task calls it, and its role may call no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Project
from orchestrator.deployment.http_targets import endpoint
from orchestrator.errors import InvalidProject
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus
from orchestrator.stack import Stack
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import workflow_name
from tests.testbed import ROOT
from tests.testbed.endpoint import LOST, Endpoint, answering
from tests.testbed.task_runner import SLOT, STACK, TaskRunner

CONNECTION = "arn:aws:events:us-east-1:123456789012:connection/crm/11111111-2222-3333-4444-555555555555"
TWICE = RetryPolicy(max_attempts=2, interval_seconds=0)


class Failures:
    """How often the endpoint still fails."""

    left = 0
    #: What it answers meanwhile.
    fault = 503

    def status(self, path: str) -> int:
        self.left -= 1
        return self.fault if self.left >= 0 else 202


@pytest.fixture(scope="module")
def failures() -> Failures:
    return Failures()


@pytest.fixture(scope="module")
def server(failures: Failures) -> Iterator[Endpoint]:
    with answering(failures.status, b'"thanks"') as made:
        yield made


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, server: Endpoint) -> Iterator[TaskRunner]:
    key: Any = {"ApiKeyName": "X-Key", "ApiKeyValue": "confidential"}
    connection = embedded_aws.client("events").create_connection(
        Name="crm", AuthorizationType="API_KEY", AuthParameters={"ApiKeyAuthParameters": key}
    )["ConnectionArn"]
    machines: dict[str, Any] = {workflow_name("http", "crm"): endpoint("crm", f"{server.url}/sync", "POST", connection)}
    yield TaskRunner(embedded_aws, **machines)
    embedded_aws.reset()


def test_a_task_calls_its_endpoint_and_its_row_has_the_answer(runner: TaskRunner, server: Endpoint) -> None:
    runner.register("crm", "workflow/http-crm", params={"full": True}, retry=TWICE)
    outcome = runner.run("crm")
    assert outcome.run
    assert outcome.run.status is RunStatus.SUCCEEDED, outcome.run.cause
    assert json.loads(outcome.run.result or "") == {"status": 202, "body": "thanks"}
    request = server.requests[-1]
    assert (request.headers["x-key"], request.headers["idempotency-key"]) == ("confidential", f"crm#{SLOT}")
    assert request.body == {
        "taskId": "crm",
        "slot": SLOT,
        "scheduledTime": SLOT,
        "timezone": "UTC",
        "attempt": 1,
        "runKey": f"crm#{SLOT}",
        "params": {"full": True},
    }


def test_an_endpoint_that_fails_is_called_again_as_the_policy_says(runner: TaskRunner, failures: Failures) -> None:
    runner.register("flaky", "workflow/http-crm", retry=TWICE)
    failures.left = 1
    outcome = runner.run("flaky")
    assert outcome.run
    assert (outcome.run.status, outcome.run.attempts) == (RunStatus.SUCCEEDED, 2)
    failures.left = 2
    outcome = runner.run("flaky", "2026-11-24T08:00:00Z")
    failures.left = 0
    assert outcome.run
    assert outcome.run.status is RunStatus.FAILED
    assert "States.Http.StatusCode.503" in (outcome.run.cause or "")


@pytest.mark.parametrize("fault", [403, 429, 500, LOST], ids=["refused", "throttled", "failing", "answer lost"])
def test_a_fault_that_passes_is_one_attempt_more_with_the_same_key_and_one_that_lasts_is_told(
    runner: TaskRunner, server: Endpoint, failures: Failures, fault: int
) -> None:
    task_id = runner.register(f"struck-{fault}", "workflow/http-crm", retry=TWICE)
    begun, failures.fault, failures.left = len(server.requests), fault, 1
    passed = runner.run(task_id)
    failures.left = 2
    lasted = runner.run(task_id, "2026-11-24T08:00:00Z")
    failures.left, failures.fault = 0, 503
    assert passed.run
    assert lasted.run
    assert [(run.status, run.attempts) for run in (passed.run, lasted.run)] == [
        (RunStatus.SUCCEEDED, 2),
        (RunStatus.FAILED, 2),
    ]
    assert (f"States.Http.StatusCode.{fault}" if fault else "States.Http.Socket") in (lasted.run.cause or "")
    keys = [request.headers["idempotency-key"] for request in server.requests[begun:]]
    assert keys == [f"{task_id}#{SLOT}"] * 2 + [f"{task_id}#2026-11-24T08:00:00Z"] * 2


def test_its_role_may_call_nothing_else(runner: TaskRunner, server: Endpoint) -> None:
    (name,) = {one.role for one in roles.used() if one.permission.action == "states:InvokeHTTPEndpoint"}
    (statement,) = (one for one in roles.statements(name) if "states:InvokeHTTPEndpoint" in one["Action"])
    assert statement["Resource"].endswith(f":stateMachine:{STACK.workflow_prefix}http-crm")
    assert statement["Condition"] == {
        "StringEquals": {"states:HTTPEndpoint": f"{server.url}/sync", "states:HTTPMethod": "POST"}
    }


def project(folder: Path, endpoints: str, run: str = "http/crm") -> Project:
    (folder / "tasks.yaml").write_text(f"tasks:\n  sync:\n    run: {run}\n    schedule: rate(1 hour)\n")
    (folder / "stack.yaml").write_text(f"endpoints:\n  crm: {endpoints}\n")
    return Project(root=folder)


def test_a_project_declares_an_endpoint_and_a_task_names_it(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "call-an-endpoint.md").read_text(encoding="utf-8")
    stack, tasks = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "stack.yaml").write_text(stack)
    (tmp_path / "tasks.yaml").write_text(tasks)
    made = Project(root=tmp_path)
    application = made.application(Stack())
    application.validate()
    (task,) = application.load_tasks(made.tasks, date(2026, 11, 25))
    assert str(task.target) == "workflow/http-crm"
    role = json.dumps(application.template["Resources"]["HttpCrmWorkflowRole"])
    assert "secret:events!connection/crm/*" in role


@pytest.mark.parametrize(
    ("endpoints", "said"),
    [
        (f"{{url: 'http://example.com', connection: '{CONNECTION}'}}", "endpoints.crm.url"),
        ("{url: 'https://example.com'}", "endpoints.crm.connection"),
        (f"{{url: 'https://example.com', method: SEND, connection: '{CONNECTION}'}}", "endpoints.crm.method"),
    ],
)
def test_what_an_endpoint_lacks_is_said(tmp_path: Path, endpoints: str, said: str) -> None:
    with pytest.raises(InvalidProject, match=re.escape(said)):
        project(tmp_path, endpoints).application(Stack())

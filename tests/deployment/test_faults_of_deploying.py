"""What goes wrong in the middle of a deployment: what is said, and that the next one finishes the job."""

from __future__ import annotations

import getpass
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError

from orchestrator.deployment import Application, Deployer, apply, storage
from orchestrator.deployment.locking import exclusive
from orchestrator.errors import DeploymentFailed, DeploymentUnderWay, InvalidDefinition
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from tests.testbed import sample
from tests.testbed.recorded import Recorded
from tests.testbed.sample import task

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DEPLOYER = Deployer(now=lambda: NOW)
#: For whom waiting costs nothing.
PATIENT = Deployer(now=lambda: NOW, sleep=lambda seconds: None)
TASKS = [task(f"task-{number}", "cron(0 2 * * ? *)") for number in range(5)]


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return sample.application(tmp_path)


@pytest.mark.parametrize(
    "operation", ["UpdateItem", pytest.param("CreateSchedule", marks=pytest.mark.proof), "PublishStateMachineVersion"]
)
def test_a_network_that_is_lost_in_the_middle_is_finished_by_the_next_deployment(
    aws: EmbeddedAws, application: Application, operation: str
) -> None:
    broken = Recorded(aws)

    def lose(model: Any, **_: Any) -> None:
        if model.name == operation:
            raise EndpointConnectionError(endpoint_url="https://aws.example.com")

    for service in ("dynamodb", "scheduler", "stepfunctions"):
        broken(service).meta.events.register("before-call", lose)
    with pytest.raises(EndpointConnectionError):
        apply(broken, application, TASKS, deployer=DEPLOYER)
    assert apply(aws.client, application, TASKS, deployer=DEPLOYER).changed
    assert not apply(aws.client, application, TASKS, deployer=DEPLOYER).changed


def test_throttling_on_every_call_ends_with_what_was_throttled_and_no_schedule_without_its_task(
    aws: EmbeddedAws, application: Application
) -> None:
    throttled = Recorded(aws)
    body = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
    answer = AWSResponse("", 429, {}, None)
    throttled("scheduler").meta.events.register(
        "before-call.scheduler.CreateSchedule", lambda **_: (answer, {**body, "ResponseMetadata": {}})
    )
    with pytest.raises(ClientError, match=r"CreateSchedule operation.*Rate exceeded"):
        apply(throttled, application, TASKS, deployer=DEPLOYER)
    scheduled = {one["Name"] for one in aws.client("scheduler").list_schedules()["Schedules"]}
    assert scheduled == set(), "each was throttled, whichever tasks were registered before"
    assert apply(aws.client, application, TASKS, deployer=DEPLOYER).changed
    assert len(Registry(aws.client("dynamodb"), Stack()).declared()) == len(TASKS)


def test_of_two_deployments_at_once_the_second_is_refused_and_writes_nothing(
    aws: EmbeddedAws, application: Application
) -> None:
    apply(aws.client, application, TASKS, deployer=DEPLOYER)
    second = Recorded(aws)
    with (
        exclusive(aws.client("dynamodb"), Stack(), getpass.getuser(), lambda: NOW),
        pytest.raises(DeploymentUnderWay, match="is being deployed by"),
    ):
        apply(second, application, TASKS[1:], deployer=DEPLOYER)
    assert second.writes == ["PutItem"], "the lock that it did not get"
    assert len(Registry(aws.client("dynamodb"), Stack()).declared()) == len(TASKS)


def test_a_definition_over_the_limit_is_refused_before_anything_is_written(
    aws: EmbeddedAws, application: Application
) -> None:
    large = replace(application.definitions["TaskRunner"], comment="x" * 1_048_577)
    clients = Recorded(aws)
    with pytest.raises(InvalidDefinition, match=r"“TaskRunner” .*\nit has 1,\d{3},\d{3} bytes, at most 1,048,576"):
        apply(clients, replace(application, definitions={"TaskRunner": large}), TASKS)
    assert clients.calls == []


def table_protection(aws: EmbeddedAws) -> set[bool]:
    client = aws.client("dynamodb")
    names = client.list_tables()["TableNames"]
    return {client.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"] for name in names}


def test_a_first_deployment_that_fails_late_leaves_no_table_and_the_next_succeeds(
    aws: EmbeddedAws, application: Application
) -> None:
    taken = aws.client("sqs").create_queue(QueueName=Stack().execution_failures)["QueueUrl"]
    with pytest.raises(DeploymentFailed, match=r"UPDATE_ROLLBACK_COMPLETE: CREATE_FAILED ExecutionFailures"):
        apply(aws.client, application, TASKS, deployer=PATIENT)
    assert aws.client("dynamodb").list_tables()["TableNames"] == []
    aws.client("sqs").delete_queue(QueueUrl=taken)
    assert apply(aws.client, application, TASKS, deployer=PATIENT).changed
    assert table_protection(aws) == {True}
    assert not apply(aws.client, application, TASKS, deployer=DEPLOYER).changed


def test_a_table_that_a_later_deployment_adds_is_not_orphaned_either(
    aws: EmbeddedAws, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(aws.client, application, TASKS, deployer=DEPLOYER)
    before = aws.client("dynamodb").list_tables()["TableNames"]
    grown = application.template
    more = {
        "Shelf": storage._table("orchestrator-dev-Shelf", "id"),
        "Taken": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "taken", "VisibilityTimeout": 7}},
    }
    monkeypatch.setattr(Application, "template", {**grown, "Resources": {**grown["Resources"], **more}})
    taken = aws.client("sqs").create_queue(QueueName="taken")["QueueUrl"]
    with pytest.raises(DeploymentFailed, match=r"CREATE_FAILED Taken"):
        apply(aws.client, application, TASKS, deployer=DEPLOYER)
    assert aws.client("dynamodb").list_tables()["TableNames"] == before
    aws.client("sqs").delete_queue(QueueUrl=taken)
    apply(aws.client, application, TASKS, deployer=DEPLOYER)
    assert table_protection(aws) == {True}

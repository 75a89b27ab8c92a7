"""Destroying: the stack goes, its data stays, unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.deployment import apply, destroy
from orchestrator.errors import NotDeployed
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from tests.testbed import sample
from tests.testbed.sample import task

if TYPE_CHECKING:
    from types_boto3_kms.type_defs import KeyMetadataTypeDef

STACK = Stack()
TASKS = [task("report", "cron(0 2 * * ? *)")]


@pytest.fixture
def deployed(aws: EmbeddedAws, tmp_path: Path) -> EmbeddedAws:
    apply(aws.client, sample.application(tmp_path), TASKS)
    return aws


def left(aws: EmbeddedAws) -> tuple[int, int, int]:
    """How many state machines, tables and buckets there are."""
    machines = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    return len(machines), len(tables), len(aws.client("s3").list_buckets()["Buckets"])


def keys(aws: EmbeddedAws) -> list[KeyMetadataTypeDef]:
    """Those of our own."""
    client = aws.client("kms")
    found = [client.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in client.list_keys()["Keys"]]
    return [key for key in found if key["Description"].startswith("What orchestrator-")]


def test_the_stack_goes_and_its_data_stays(deployed: EmbeddedAws) -> None:
    before = left(deployed)
    kept = destroy(deployed.client, STACK, sleep=lambda seconds: None)
    assert left(deployed) == (0, *before[1:])
    assert "orchestrator-dev-ScheduledTasks (AWS::DynamoDB::Table)" in map(str, kept)
    assert len(kept) == before[1] + before[2] + 1
    # Without it, what is kept could not be read.
    assert [key["KeyState"] for key in keys(deployed)] == ["Enabled"]
    groups = deployed.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    assert [group["Name"] for group in groups] == ["default"]
    assert deployed.client("cloudformation").describe_stacks()["Stacks"] == []


def test_data_goes_where_that_is_said_and_the_stack_can_be_deployed_again(
    deployed: EmbeddedAws, tmp_path: Path
) -> None:
    said: list[str] = []
    assert destroy(deployed.client, STACK, delete_data=True, sleep=lambda s: None, progress=said.append) == ()
    assert left(deployed) == (0, 0, 0)
    assert "deleted orchestrator-dev-TaskRuns (AWS::DynamoDB::Table)" in said
    (key,) = keys(deployed)
    assert key["KeyState"] == "PendingDeletion"
    assert said[-1] == f"deleted in 30 days: {key['KeyId']} (AWS::KMS::Key)"
    assert apply(deployed.client, sample.application(tmp_path), TASKS).changed


def test_a_table_whose_protection_is_lifted_is_deleted_when_that_is_done(deployed: EmbeddedAws) -> None:
    tables, slept = left(deployed)[1], list[float]()
    destroy(deployed.client, STACK, delete_data=True, sleep=slept.append)
    assert left(deployed) == (0, 0, 0)
    assert slept == [2.0] * tables


def test_what_is_not_there_is_not_destroyed(aws: EmbeddedAws) -> None:
    with pytest.raises(NotDeployed):
        destroy(aws.client, STACK)


def test_another_environment_is_left_alone(deployed: EmbeddedAws, tmp_path: Path) -> None:
    staging = Stack(name="orchestrator-staging")
    apply(deployed.client, sample.application(tmp_path, staging), TASKS)
    destroy(deployed.client, staging, delete_data=True, sleep=lambda seconds: None)
    assert not apply(deployed.client, sample.application(tmp_path), TASKS).changed

"""Jobs that a state starts: what it may ask, what it gets, and how a refusal is called."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.local.aws.conftest import Machines


@pytest.fixture
def cluster(aws: EmbeddedAws) -> None:
    ecs: Any = aws.client("ecs")
    ecs.create_cluster(clusterName="jobs")
    ecs.register_task_definition(family="plain", containerDefinitions=[{"name": "main", "image": "i", "memory": 1}])


PLAIN = {"Cluster": "jobs", "TaskDefinition": "plain", "LaunchType": "FARGATE"}


def call(resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, "End": True}


def test_a_state_that_waits_gets_the_task_and_one_that_does_not_the_answer(machines: Machines, cluster: None) -> None:
    waited = machines.run({"Run": call("ecs:runTask.sync", PLAIN)})
    assert (waited.output["LastStatus"], waited.output["Containers"][0]["ExitCode"]) == ("STOPPED", 0)
    assert waited.output["StartedBy"] == "AWS Step Functions"
    assert isinstance(waited.output["StoppedAt"], int)
    assert "TaskSubmitted" in waited.types
    asked = machines.run({"Run": call("ecs:runTask", PLAIN)}, name="another")
    assert [task["TaskDefinitionArn"].rpartition("/")[2] for task in asked.output["Tasks"]] == ["plain:1"]
    assert asked.output["Failures"] == []


@pytest.mark.parametrize(
    ("resource", "arguments", "error", "said"),
    [
        ("ecs:runTask.sync", {**PLAIN, "Cluster": "none"}, "ECS.ClusterNotFoundException", "Cluster not found"),
        ("ecs:runTask.sync", {**PLAIN, "ClientToken": "t"}, "States.Runtime", '"ClientToken" is not supported'),
        ("ecs:runTask.sync", {**PLAIN, "launchType": "EC2"}, "States.Runtime", '"launchType" is not supported'),
        (
            "ecs:runTask.sync",
            {**PLAIN, "Overrides": {"ContainerOverrides": [{"name": "main"}]}},
            "States.Runtime",
            "name",
        ),
        ("ecs:runTask.sync", {**PLAIN, "Overrides": "{}"}, "States.Runtime", "Invalid type for parameter overrides"),
        ("batch:submitJob.sync", {"JobName": "j", "JobQueue": "q"}, "States.Runtime", "jobDefinition"),
        (
            "batch:submitJob.sync",
            {"JobName": "job", "JobQueue": "q", "JobDefinition": "d"},
            "Batch.ClientException",
            "Job definition d does not exist",
        ),
        ("glue:startJobRun.sync", {"JobName": "none"}, "Glue.EntityNotFoundException", "none"),
    ],
)
def test_a_request_is_refused_in_the_words_of_its_service(
    machines: Machines, cluster: None, resource: str, arguments: dict[str, Any], error: str, said: str
) -> None:
    ended = machines.run({"Run": call(resource, arguments)})
    assert (ended.status, ended.error) == ("FAILED", error)
    assert said in (ended.cause or "")

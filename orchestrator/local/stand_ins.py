"""What a project's jobs run in, and its stack does not make: on AWS it is there, and in the embedded AWS it is made."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.local.aws.containers import glue as containers_glue
from orchestrator.local.aws.containers.processes import Program
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.taskfile.job_models import BatchModel, EcsModel, GlueModel, Job

#: What job queues need, of which a declaration does not tell.
_COMPUTE_ENVIRONMENT = "embedded"

#: Of containers: nothing of it is looked at.
_IMAGE = {"image": "embedded", "memory": 128}


def make(aws: EmbeddedAws, jobs: Iterable[Job], folder: Path) -> None:
    """Makes what ``jobs`` name, as far as it is not there; their programs run in ``folder``, the project's."""
    for job in jobs:
        key = _made(aws, job)
        if job.local:
            first, *rest = job.local
            # The Python that has what the project's tests import.
            program = sys.executable if first in ("python", "python3") else first
            aws.containers.programs[key] = Program(command=(program, *rest), folder=folder)
        else:
            aws.containers.programs.pop(key, None)


def _made(aws: EmbeddedAws, job: Job) -> str:
    match job:
        case EcsModel():
            return _task_definition(aws, job)
        case BatchModel():
            return _job_definition(aws, job)
        case GlueModel():
            return _job_of_glue(aws, job)


def _task_definition(aws: EmbeddedAws, job: EcsModel) -> str:
    """Makes a cluster and a task definition; returns under which name its program goes."""
    ecs: Any = aws.client("ecs")
    ecs.create_cluster(clusterName=job.cluster)
    family, _, revision = job.task_definition.partition(":")
    named = zip(("executionRoleArn", "taskRoleArn"), job.roles, strict=False)
    roles = {field: f"arn:aws:iam::{aws.account}:role/{role}" for field, role in named}
    there = len(ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"])
    for _ in range(there, int(revision or 1)):
        ecs.register_task_definition(family=family, containerDefinitions=[{"name": job.container, **_IMAGE}], **roles)
    return f"ecs/{family}"


def _job_definition(aws: EmbeddedAws, job: BatchModel) -> str:
    """The same of a job queue and a job definition, whose command is the declared parameters: ``--NAME VALUE``."""
    batch: Any = aws.client("batch")
    if not batch.describe_job_queues(jobQueues=[job.job_queue])["jobQueues"]:
        order = [{"order": 1, "computeEnvironment": _compute_environment(aws)}]
        batch.create_job_queue(jobQueueName=job.job_queue, state="ENABLED", priority=1, computeEnvironmentOrder=order)
    family, _, revision = job.job_definition.partition(":")
    command = [word for name in job.parameters for word in (f"--{name}", f"Ref::{name}")]
    there = len(batch.describe_job_definitions(jobDefinitionName=family)["jobDefinitions"])
    for _ in range(there, int(revision or 1)):
        batch.register_job_definition(
            jobDefinitionName=family,
            type="container",
            containerProperties={**_IMAGE, "vcpus": 1, "command": command},
        )
    return f"batch/{family}"


def _compute_environment(aws: EmbeddedAws) -> str:
    batch: Any = aws.client("batch")
    asked = batch.describe_compute_environments(computeEnvironments=[_COMPUTE_ENVIRONMENT])
    if not asked["computeEnvironments"]:
        role = aws.client("iam").create_role(RoleName=_COMPUTE_ENVIRONMENT, AssumeRolePolicyDocument=json.dumps({}))
        batch.create_compute_environment(
            computeEnvironmentName=_COMPUTE_ENVIRONMENT, type="UNMANAGED", serviceRole=role["Role"]["Arn"]
        )
    return _COMPUTE_ENVIRONMENT


def _job_of_glue(aws: EmbeddedAws, job: GlueModel) -> str:
    """The same of a job."""
    containers_glue.load()
    glue: Any = aws.client("glue")
    if job.job not in glue.list_jobs()["JobNames"]:
        glue.create_job(
            Name=job.job,
            Role="embedded",
            Command={"Name": "pythonshell", "ScriptLocation": "s3://embedded/none.py"},
            ExecutionProperty={"MaxConcurrentRuns": 1000},
        )
    return f"glue/{job.job}"

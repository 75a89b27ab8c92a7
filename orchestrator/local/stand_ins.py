"""What a project's jobs run in, and its stack does not make: on AWS it is there, and in the embedded AWS it is made."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from orchestrator.local.aws.containers.processes import Program
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.taskfile.job_models import EcsModel


def make(aws: EmbeddedAws, jobs: Iterable[EcsModel], folder: Path) -> None:
    """Makes what ``jobs`` name, as far as it is not there; their programs run in ``folder``, the project's."""
    for job in jobs:
        _task_definition(aws, job)
        key = f"ecs/{job.task_definition.partition(':')[0]}"
        if job.local:
            first, *rest = job.local
            # The Python that has what the project's tests import.
            program = sys.executable if first in ("python", "python3") else first
            aws.containers.programs[key] = Program(command=(program, *rest), folder=folder)
        else:
            aws.containers.programs.pop(key, None)


def _task_definition(aws: EmbeddedAws, job: EcsModel) -> None:
    ecs: Any = aws.client("ecs")
    ecs.create_cluster(clusterName=job.cluster)
    family, _, revision = job.task_definition.partition(":")
    named = zip(("executionRoleArn", "taskRoleArn"), job.roles, strict=False)
    roles = {field: f"arn:aws:iam::{aws.account}:role/{role}" for field, role in named}
    there = len(ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"])
    for _ in range(there, int(revision or 1)):
        ecs.register_task_definition(
            family=family, containerDefinitions=[{"name": job.container, "image": "embedded", "memory": 128}], **roles
        )

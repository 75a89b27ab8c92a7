"""Tasks of ECS.

moto keeps tasks and runs none: their states pass by while somebody looks, and each has exited with 0. It wants an
instance of EC2 for what is not Fargate's, knows one container of a task, and takes overrides for any.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.ecs.exceptions import InvalidParameterException
from moto.ecs.models import EC2ContainerServiceBackend, Task

from orchestrator.local.aws.containers.processes import Container, Log, written_status
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: "Stopped tasks error codes" and "Task" (API reference).
_EXITED, _USER, _NOT_STARTED = "EssentialContainerExited", "UserInitiated", "TaskFailedToStart"


@dataclass(frozen=True, kw_only=True)
class _Record:
    """Writes into moto's object of a task."""

    aws: Aws
    task: Any

    def ended(self, container: Container) -> None:
        _ended(self.task, container, self.aws.clock.now())

    def forget(self) -> None:
        self.task._backend.tasks[self.task.cluster_name].pop(self.task.task_arn, None)


def _ended(task: Any, container: Container, now: datetime) -> None:
    inner = task.containers[0]
    inner.exitCode, inner.last_status = container.exit_code, "STOPPED"
    if container.exit_code is None:
        inner.reason = container.reason
        task.stop_code, task.stopped_reason = _NOT_STARTED, f"Task failed to start: {container.reason}"
    elif container.stopped:
        task.stop_code, task.stopped_reason = _USER, container.stopped
    else:
        task.stop_code = _EXITED
        task.stopped_reason = container.reason or "Essential container in task exited"
    task.desired_status = task.last_status = "STOPPED"
    task.stopping_at = task.execution_stopped_at = task.stopped_at = now


def _begin(aws: Aws, task: Any, definition: Any, override: Mapping[str, Any]) -> None:
    named = {one["name"]: one for one in definition.container_definitions}
    inner = named[override["name"]] if override else definition.container_definitions[0]
    given = [*inner.get("environment", []), *override.get("environment", [])]
    task.containers[0].name, task.containers[0].image = inner["name"], inner.get("image")
    task.containers[0].task_arn, task.containers[0].exitCode = task.task_arn, None
    task.created_at = task.started_at = aws.clock.now()
    task.last_status = task.containers[0].last_status = "RUNNING"
    aws.containers.begin(
        task.task_arn,
        f"ecs/{definition.family}",
        arguments=override.get("command") or inner.get("command") or [],
        variables={one["name"]: one["value"] for one in given},
        log=Log(group=f"/ecs/{definition.family}", stream=f"ecs/{inner['name']}/{task.id}"),
        record=_Record(aws=aws, task=task),
    )


def _checked(definition: Any, overrides: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The override of a container, as far as there is one."""
    names = [one["name"] for one in definition.container_definitions]
    given = (overrides or {}).get("containerOverrides", [])
    for one in given:
        if one.get("name") not in names:
            raise InvalidParameterException(
                f"Override for container named {one.get('name')} is not a container in the TaskDefinition."
            )
    return given[0] if given else {}


def install(aws: Aws) -> None:
    """Runs tasks, and stops them."""
    backend = EC2ContainerServiceBackend
    run = backend.run_task
    signature = inspect.signature(run)
    replaces(Task, "last_status", digest="8ced46872913")(written_status("PENDING"))

    @replaces(backend, "run_task", digest="5959eaaa1fc7")
    def run_task(self: Any, *given: Any, **named: Any) -> list[Any]:
        asked = signature.bind(self, *given, **named).arguments
        definition = self.describe_task_definition(asked["task_definition_str"])
        override = _checked(definition, asked.get("overrides"))
        launch_type, providers = asked.get("launch_type"), asked.get("capacity_provider_strategy")
        if not (launch_type and providers):
            # There are no instances here, so nothing needs one; moto refuses what has both.
            asked |= {"launch_type": "FARGATE", "capacity_provider_strategy": None}
        tasks: list[Any] = run(**asked)
        for task in tasks:
            task.launch_type = launch_type or ""
            task.capacity_provider_name = providers[0]["capacityProvider"] if providers else None
            _begin(aws, task, definition, override)
        return tasks

    @replaces(backend, "stop_task", digest="b8b54c3d2c8f")
    def stop_task(self: Any, cluster_str: str, task_str: str, reason: str) -> Any:
        cluster = self._get_cluster(cluster_str)
        for arn, task in self.tasks.get(cluster.name, {}).items():
            if task_str in (arn, arn.rpartition("/")[2]):
                task.desired_status = "STOPPED"
                aws.containers.of(arn).stop(reason or "Task stopped by user")
                return task
        raise InvalidParameterException("The referenced task was not found.")

"""Schedules, and the names of the roles that they are made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from moto.cloudformation import parsing
from moto.core.exceptions import ServiceException
from moto.scheduler.models import EventBridgeSchedulerBackend

from orchestrator.local.aws.kept.folder import SCHEDULE
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: Of moto's object of a schedule, the parameters of CreateSchedule.
_SCHEDULE = (
    "name",
    "group_name",
    "description",
    "schedule_expression",
    "schedule_expression_timezone",
    "flexible_time_window",
    "target",
    "state",
    "kms_key_arn",
    "start_date",
    "end_date",
    "action_after_completion",
)


def install(aws: Aws) -> None:
    """Keeps every schedule, and puts those of a group back when it is created."""
    _names(aws)
    backend = EventBridgeSchedulerBackend
    create, update, delete = backend.create_schedule, backend.update_schedule, backend.delete_schedule
    create_group, delete_group = backend.create_schedule_group, backend.delete_schedule_group

    def keep(schedule: Any) -> None:
        if aws.kept:
            values = {name: getattr(schedule, name) for name in _SCHEDULE}
            aws.kept.put(SCHEDULE, schedule.group_name, schedule.name, values)

    def restore(self: Any, schedules: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        for _, was in schedules:
            # One whose time has passed meanwhile is not accepted any more.
            with suppress(ServiceException):
                create(self, **was)

    @replaces(backend, "create_schedule", digest="86143c060987")
    def create_schedule(self: Any, **request: Any) -> Any:
        schedule = create(self, **request)
        keep(schedule)
        return schedule

    @replaces(backend, "update_schedule", digest="de45530d88a6")
    def update_schedule(self: Any, **request: Any) -> Any:
        schedule = update(self, **request)
        keep(schedule)
        return schedule

    @replaces(backend, "delete_schedule", digest="fbafd94c06cc")
    def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        delete(self, group_name, name)
        if aws.kept:
            aws.kept.remove(SCHEDULE, group_name or "default", name)

    @replaces(backend, "create_schedule_group", digest="d2cc1550eb62")
    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        group = create_group(self, name, tags)
        restore(self, aws.kept.of(SCHEDULE, name) if aws.kept else ())
        return group

    @replaces(backend, "delete_schedule_group", digest="b942f78e949a")
    def delete_schedule_group(self: Any, name: str | None) -> None:
        delete_group(self, name)
        if aws.kept:
            aws.kept.remove(SCHEDULE, name or "default")


def _names(aws: Aws) -> None:
    generate = parsing.generate_resource_name

    @replaces(parsing, "generate_resource_name", digest="6bd0a60e0814")
    def generate_resource_name(resource_type: str, stack_name: str, logical_id: str) -> Any:
        name = generate(resource_type, stack_name, logical_id)
        if aws.kept is None or resource_type != "AWS::IAM::Role":
            return name
        # A schedule that is kept names its role, which has to be called the same when the stack is made again.
        suffix = hashlib.sha256(f"{stack_name} {logical_id}".encode()).hexdigest()[:12].upper()
        return f"{name.rpartition('-')[0]}-{suffix}"

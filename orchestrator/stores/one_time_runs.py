"""Runs that an application asks for while it runs: once, at a moment, with params of their own.

Each is a one-time schedule of EventBridge Scheduler, in a group of the stack's own that no deployment writes into. It
is gone when it has fired.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.clients import Clients
from orchestrator.errors import NotDeployed, SlotPassed
from orchestrator.stack import Stack, live
from orchestrator.stores.schedule_group import SchedulerSettings, Schedules
from orchestrator.tasks.schedule_names import one_time_name
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import TaskSchedule

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient


class OneTimeRuns:
    """The one-time runs of a deployed stack.

    So an application asks for one::

        OneTimeRuns.of(boto3.client, Stack(name="orchestrator-prod")).schedule("send-letters", at, {"copies": 2})
    """

    def __init__(
        self,
        client: EventBridgeSchedulerClient,
        stack: Stack,
        settings: SchedulerSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._group = stack.one_time_group
        self._schedules = Schedules(client, stack, settings, now)
        self._now = now

    @classmethod
    def of(cls, clients: Clients, stack: Stack, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> OneTimeRuns:
        """Finds a stack's own by its outputs. Raises :class:`~orchestrator.errors.NotDeployed`."""
        cloudformation = clients("cloudformation")
        try:
            (deployed,) = cloudformation.describe_stacks(StackName=stack.name)["Stacks"]
        except cloudformation.exceptions.ClientError as fault:
            if fault.response["Error"]["Code"] == "ValidationError":
                raise NotDeployed(stack.name) from fault
            raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in deployed.get("Outputs", [])}
        settings = SchedulerSettings(
            state_machine=live(outputs["TaskRunnerArn"]),
            role=outputs["SchedulerRoleArn"],
            dead_letter_queue=outputs["SchedulerDlqArn"],
            group=outputs["ScheduleGroupArn"],
        )
        return cls(clients("scheduler"), stack, settings, now)

    def schedule(self, task_id: str, at: datetime, params: Mapping[str, Any] | None = None) -> str:
        """Lets the task run at that moment, to the second, with ``params`` over its own; the slot of the run.

        Once more for the same moment, it replaces what was asked for. Nobody is asked whether there is such a task: a
        run of none is a failure, and told. Raises :class:`~orchestrator.errors.SlotPassed`.
        """
        at = at.astimezone(UTC).replace(microsecond=0)
        if at <= self._now():
            raise SlotPassed(task_id, key(at))
        once = TaskSchedule(expression=f"at({at:%Y-%m-%dT%H:%M:%S})")
        request = {**self._schedules.request(one_time_name(task_id, at), task_id, once), "GroupName": self._group}
        if params:
            start = json.loads(request["Target"]["Input"])
            start["Input"] = json.dumps({**json.loads(start["Input"]), "params": dict(params)}, ensure_ascii=False)
            request["Target"]["Input"] = json.dumps(start, ensure_ascii=False)
        try:
            self._client.create_schedule(**request)
        except self._client.exceptions.ConflictException:
            self._client.update_schedule(**request)
        return key(at)

    def cancel(self, task_id: str, at: datetime) -> bool:
        """Takes it back; whether it was still to come."""
        name = one_time_name(task_id, at.astimezone(UTC))
        try:
            self._client.delete_schedule(GroupName=self._group, Name=name)
        except self._client.exceptions.ResourceNotFoundException:
            return False
        return True

"""Alarm clocks of held slots: one-time schedules that call the follower, which looks again at what a slot waits for.

They are in the group that no deployment writes into. One that is lost costs some minutes: the watchdog looks at every
held slot.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient

#: Seconds that Scheduler goes on trying to call the function: then the watchdog has long looked.
_AGE_SECONDS = 600


class WakeUps:
    """Makes them through ``client``, boto3's client of EventBridge Scheduler, which calls ``function`` as ``role``
    (ARNs).
    """

    def __init__(self, client: EventBridgeSchedulerClient, stack: Stack, *, function: str, role: str) -> None:
        self._client = client
        self._group = stack.one_time_group
        self._function = function
        self._role = role

    def wake(self, task_id: str, slot: str, at: int) -> None:
        """Lets the slot be looked at again at ``at``, seconds since 1970; once more for the same moment is nothing."""
        which = hashlib.sha256(f"{slot}|{at}".encode()).hexdigest()[:12]
        moment = datetime.fromtimestamp(at, UTC)
        try:
            self._client.create_schedule(
                GroupName=self._group,
                Name=f"{task_id}.{which}",
                Description=f"Looks again at {slot} of {task_id}."[:512],
                ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._function,
                    "RoleArn": self._role,
                    "Input": json.dumps({"taskId": task_id, "slot": slot, "at": "<aws.scheduler.scheduled-time>"}),
                    "RetryPolicy": {"MaximumEventAgeInSeconds": _AGE_SECONDS, "MaximumRetryAttempts": 5},
                },
            )
        except self._client.exceptions.ConflictException:
            return

"""The schedules of a stack in EventBridge Scheduler.

All that a schedule is follows from three things: its task's id, its expression with its time zone, and settings that
are the same for the whole group (:class:`SchedulerSettings` and the constants here). The first two are in its name. So
ListSchedules, which returns names but neither expressions nor descriptions, is enough to compare, and a schedule that
changed is another schedule. The third is kept as a fingerprint in a tag of the group: when it differs, every schedule
is written anew. Another tag says when a deployment last wrote a schedule: one that was modified later was modified by
somebody else, and is looked at. To compare a stack takes a call for each page of schedules, one for the tags, and one
for each schedule that somebody has edited, never one for a task.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from orchestrator.runs.run import Trigger
from orchestrator.schedules import Rate
from orchestrator.schedules.rates import as_cron
from orchestrator.stack import Stack
from orchestrator.stores.plain_pages import read_plainly
from orchestrator.tasks.schedule_edits import edits
from orchestrator.tasks.slots import times
from orchestrator.tasks.task import TaskSchedule

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient

#: The API that a schedule calls ("Using universal targets"). Unlike Scheduler's own Step Functions target it lets us
#: name the execution.
TARGET_ARN = "arn:aws:scheduler:::aws-sdk:sfn:startExecution"

#: Scheduler tries for an hour to start an execution, then gives the slot to the dead-letter queue. Its own default, a
#: day, would start slots long after the people who could look at the queue were needed.
MAXIMUM_EVENT_AGE_SECONDS = 3600

#: With Scheduler's exponential backoff ten attempts last through what throttles or is down for minutes.
MAXIMUM_RETRY_ATTEMPTS = 10

#: A rate that is created starts so long after its creation, or later.
AHEAD = timedelta(minutes=1)

#: The most that ListSchedules returns at once; what it returns unasked, its reference does not say.
LIST_PAGE_SIZE = 100


#: The tag of the schedule group that says what its schedules were written with.
FINGERPRINT_TAG = "orchestrator:schedules"

#: The tag that says when, by AWS's clock: as the Date header of AWS's answers has it, to the second.
WRITTEN_TAG = "orchestrator:written"

#: One expression of each kind that is written in a way of its own; the fingerprint is made of them.
_SAMPLES = ("cron(0 0 * * ? *)", "rate(5 minutes)", "rate(7 minutes)")


@dataclass(frozen=True, kw_only=True)
class SchedulerSettings:
    """The ARNs that every schedule of a stack shares."""

    #: What is started: the alias of TaskRunner, and that of its Express twin, if there is one.
    state_machine: str
    express_state_machine: str | None = None
    #: What Scheduler acts as.
    role: str
    #: The queue for slots that could not be started.
    dead_letter_queue: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A schedule as ListSchedules shows it."""

    enabled: bool
    #: When it was last created or updated, by whomever.
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The group's tags about its schedules."""

    #: What they were last all written with.
    fingerprint: str | None = None
    #: When one of them was last written by a deployment, to the second.
    written: datetime | None = None


#: "StartExecution": the length of an execution's name.
_EXECUTION_NAME = 80

#: An execution id of EventBridge Scheduler: its example has 16 characters, but a UUID would be one, too.
_EXECUTION_ID = 36

#: Characters that tell two task ids apart whose beginning is the same.
_DIGEST_LENGTH = 8


class Schedules:
    """The schedules in the stack's group, and no others. ``client`` is boto3's client of EventBridge Scheduler."""

    def __init__(
        self,
        client: EventBridgeSchedulerClient,
        stack: Stack,
        settings: SchedulerSettings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._now = now
        self._group = stack.schedule_group
        self._settings = settings
        self._lock = Lock()
        self._written: datetime | None = None

    def listed(self) -> dict[str, Listed]:
        """Each schedule of the group, by its name."""
        read_plainly(self._client)
        pages = self._client.get_paginator("list_schedules").paginate(
            GroupName=self._group, PaginationConfig={"PageSize": LIST_PAGE_SIZE}
        )
        return {
            one["Name"]: Listed(enabled=one["State"] == "ENABLED", modified=one["LastModificationDate"])
            for page in pages
            for one in page["Schedules"]
        }

    def edits(self, name: str, task_id: str, schedule: TaskSchedule) -> tuple[str, ...]:
        """Returns the parameters that :meth:`update` would change in a schedule; none if there is no schedule."""
        request = self.request(name, task_id, schedule)
        try:
            described = self._client.get_schedule(GroupName=self._group, Name=name)
        except self._client.exceptions.ResourceNotFoundException:
            return ()
        return edits(request, described)

    def create(self, name: str, task_id: str, schedule: TaskSchedule) -> None:
        """Creates the schedule, or replaces one of its name that somebody has created meanwhile."""
        request = self.request(name, task_id, schedule)
        try:
            self._wrote(self._client.create_schedule(**request))
        except self._client.exceptions.ConflictException:
            self._wrote(self._client.update_schedule(**request))

    def update(self, name: str, task_id: str, schedule: TaskSchedule) -> None:
        """Replaces the schedule as a whole: UpdateSchedule resets what a request leaves out."""
        try:
            # What it replaces fires until then: a start that is put off by the minute would leave out a slot.
            self._wrote(self._client.update_schedule(**self.request(name, task_id, schedule, ahead=timedelta(0))))
        except self._client.exceptions.ResourceNotFoundException:
            # A one-time schedule that has fired since it was listed, and so is gone; any other is to be there.
            if not schedule.expression.startswith("at("):
                self.create(name, task_id, schedule)

    def delete(self, name: str) -> None:
        """Deletes the schedule of the group; nothing happens if there is none."""
        try:
            self._client.delete_schedule(GroupName=self._group, Name=name)
        except self._client.exceptions.ResourceNotFoundException:
            return

    @property
    def fingerprint(self) -> str:
        """Differs whenever a schedule of the same name would be another."""
        sampled = [TaskSchedule(expression=expression) for expression in _SAMPLES]
        if self._settings.express_state_machine:
            sampled.append(TaskSchedule(expression=_SAMPLES[0], express=True))
        samples = [self.request("name", "task", schedule) for schedule in sampled]
        timeless = [{**one, "StartDate": "StartDate" in one} for one in samples]
        return hashlib.sha256(_compact(timeless).encode()).hexdigest()[:16]

    def recorded(self) -> Recorded:
        """Returns what the last deployment has recorded about the group's schedules."""
        listed = self._client.list_tags_for_resource(ResourceArn=self._settings.group)["Tags"]
        tags = {tag["Key"]: tag["Value"] for tag in listed}
        written = tags.get(WRITTEN_TAG)
        return Recorded(
            fingerprint=tags.get(FINGERPRINT_TAG), written=datetime.fromisoformat(written) if written else None
        )

    def record(self) -> None:
        """Says that all schedules of the group are up to date, and when this object wrote the last of them."""
        tags = {FINGERPRINT_TAG: self.fingerprint} | ({WRITTEN_TAG: self._written.isoformat()} if self._written else {})
        self._client.tag_resource(
            ResourceArn=self._settings.group, Tags=[{"Key": name, "Value": value} for name, value in tags.items()]
        )

    def _wrote(self, answer: Any) -> None:
        """Notes the time of AWS's answer: this machine's own clock may be wrong."""
        at = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        with self._lock:
            self._written = max(self._written or at, at)

    def request(self, name: str, task_id: str, schedule: TaskSchedule, ahead: timedelta = AHEAD) -> dict[str, Any]:
        """CreateSchedule's and UpdateSchedule's parameters, complete. A rate starts ``ahead`` from now or later."""
        start = {
            "StateMachineArn": self._machine(schedule),
            # Says in the console what runs, in 80 characters at most. It cannot hold the scheduled time, which has
            # colons, and the execution id may differ from attempt to attempt: it is the slot that keeps a second
            # delivery from doing anything.
            "Name": f"{_execution_prefix(task_id)}-<aws.scheduler.execution-id>",
            "Input": _compact(
                {"taskId": task_id, "scheduledTime": "<aws.scheduler.scheduled-time>", "trigger": Trigger.SCHEDULE}
            ),
        }
        once = {"ActionAfterCompletion": "DELETE"} if schedule.expression.startswith("at(") else {}
        return {
            "GroupName": self._group,
            "Name": name,
            "Description": f"Runs the task {task_id}.",
            **self._times(schedule, ahead),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": TARGET_ARN,
                "RoleArn": self._settings.role,
                "Input": _compact(start),
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": MAXIMUM_EVENT_AGE_SECONDS,
                    "MaximumRetryAttempts": MAXIMUM_RETRY_ATTEMPTS,
                },
                "DeadLetterConfig": {"Arn": self._settings.dead_letter_queue},
            },
            **once,
        }

    def _machine(self, schedule: TaskSchedule) -> str:
        if not schedule.express:
            return self._settings.state_machine
        assert self._settings.express_state_machine, "a task that is express is deployed with the Express twin"
        return self._settings.express_state_machine

    def _times(self, schedule: TaskSchedule, ahead: timedelta) -> dict[str, Any]:
        """When it fires. A rate becomes a cron expression where there is one with its slots: AWS says from when a rate
        counts, but nowhere that the scheduled time of each slot is its start plus a multiple of the rate.
        """
        fired = times(schedule).expression
        cron = as_cron(fired, schedule.spread_minutes) if isinstance(fired, Rate) else None
        bounds = self._bounds(schedule)
        if cron:
            return {"ScheduleExpression": str(cron), "ScheduleExpressionTimezone": "UTC", **bounds}
        start_date = {"StartDate": self._first(schedule, ahead)} if isinstance(fired, Rate) else {}
        return {
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.timezone,
            **bounds,
            **start_date,
        }

    def _bounds(self, schedule: TaskSchedule) -> dict[str, datetime]:
        """StartDate and EndDate. A start that has passed is left out: Scheduler takes none of more than five minutes
        ago, and it changes nothing.
        """
        bounds = times(schedule)
        start = {"StartDate": bounds.start} if bounds.start and bounds.start > self._now() else {}
        return {**start, **({"EndDate": bounds.end} if bounds.end else {})}

    def _first(self, schedule: TaskSchedule, ahead: timedelta) -> datetime:
        """The StartDate of a rate, which counts from it; without one it would count from its creation.

        For a new rate it is at least :data:`AHEAD` from now: AWS does not document a start in the past.
        """
        first = times(schedule).next_after(self._now() + ahead)
        assert first is not None
        return first


def _execution_prefix(task_id: str) -> str:
    """The task's id as the beginning of an execution's name that ends with ``-`` and an id of 36 characters.

    A longer task id is cut off, and told from others by a digest: at most 43 characters.
    """
    limit = _EXECUTION_NAME - 1 - _EXECUTION_ID
    if len(task_id) <= limit:
        return task_id
    digest = hashlib.sha256(task_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{task_id[: limit - 1 - _DIGEST_LENGTH]}-{digest}"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))

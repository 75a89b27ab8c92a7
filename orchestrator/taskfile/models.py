"""The shape of tasks.yaml: what its fields are, and what each must be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.schedules import parse
from orchestrator.schedules.calendars import Calendar, OnClosed, closures
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.schedules.spreading import spread
from orchestrator.taskfile.calendar_models import CalendarModel
from orchestrator.taskfile.chain_models import ChainModel
from orchestrator.taskfile.destination_models import NotificationsModel
from orchestrator.taskfile.entry_models import (
    AlertsModel,
    ApprovalModel,
    RetryField,
    RetryModel,
    ScheduleField,
    ScheduleModel,
    approval_seconds,
)
from orchestrator.taskfile.event_models import EventsField
from orchestrator.taskfile.fields import Bound, Dollars, Duration, Owner, Params, Spread, Tag, Timezone, bound, names
from orchestrator.taskfile.file_model import Model
from orchestrator.taskfile.limit_models import LimitModel, PoolModel
from orchestrator.taskfile.maintenance_models import Maintenance, MaintenanceModel
from orchestrator.tasks.event_start import WhenAbsent
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.slots import with_passed_over
from orchestrator.tasks.task import (
    LAMBDA_TIMEOUT_LIMIT,
    LONGEST_RUN_SECONDS,
    NOT_YET_SECONDS,
    TARGET_LENGTH,
    TARGET_PATTERN,
    Alerting,
    CatchUp,
    OverlapPolicy,
    Target,
    TargetKind,
    Task,
    TaskSchedule,
    workflow_name,
)

#: What stack.yaml declares is a workflow.
_DECLARED = ("http", "ecs", "batch", "glue")
_TARGETS = "lambda/NAME, workflow/NAME, http/NAME, ecs/NAME, batch/NAME or glue/NAME"


def _target(text: str) -> str:
    kind, _, name = text.partition("/")
    if kind in _DECLARED:
        kind, name = TargetKind.WORKFLOW, workflow_name(kind, name)
        text = f"{kind}/{name}"
    if kind not in set(TargetKind) or not re.fullmatch(TARGET_PATTERN, name):
        said = f", whose name has {len(name)} characters" if len(name) > TARGET_LENGTH else ""
        raise ValueError(f"expected {_TARGETS}, found {text!r}{said}")
    return text


class DefaultsModel(Model):
    """The fields that a task takes from ``defaults`` unless it has its own."""

    timezone: Timezone = Field(default="UTC", description="In which the task's expressions are meant.")
    timeout: Duration = Field(default=300, description="Of one attempt.")
    retry: RetryField = Field(default_factory=RetryModel, description="A number of attempts, false, or in detail.")
    overlap: OverlapPolicy = Field(
        default=OverlapPolicy.SKIP, strict=False, description="When a slot comes while the last run is still going."
    )
    idempotent: bool = Field(default=False, description="Whether an attempt of unknown outcome may be repeated.")
    express: bool | Literal["auto"] = Field(
        default=False, description="Whether the cheaper Express twin runs it: auto is where it may."
    )
    nonexistent: Nonexistent = Field(
        default=Nonexistent.SKIP, strict=False, description="A local time that the clock skips: no slot, or the next."
    )
    ambiguous: Ambiguous = Field(
        default=Ambiguous.FIRST, strict=False, description="Which of two, when the clock shows a local time twice."
    )
    spread: Spread = Field(
        default=0, description="Each task keeps a place of its own in a window of this length after its times."
    )
    calendars: Annotated[list[str], BeforeValidator(names)] = Field(
        default=[], description="Names of calendars; it does not run while any of them is closed."
    )
    on_closed: OnClosed = Field(
        default=OnClosed.SKIP, strict=False, description="What becomes of a slot on a closed day."
    )
    grace: Annotated[Duration, Field(ge=60)] = Field(
        default=300, description="How long after its time a slot is looked for, and a start is not yet late."
    )
    catch_up: CatchUp = Field(
        default=CatchUp.NONE, strict=False, description="Which of the slots that nobody delivered run later."
    )
    catch_up_window: Duration = Field(default=86_400, description="No slot runs that is older than this.")
    min_duration: Duration = Field(default=0, description="A run that succeeds in less time is told of; 0 is none.")
    max_duration: Duration = Field(default=0, description="A run that takes more time is told of; 0 is none.")
    heartbeat: Duration = Field(
        default=0, description="A handler that gives no sign of life for so long is ended; 0: nobody listens."
    )
    not_yet_for: Annotated[Duration, Field(ge=60)] = Field(
        default=NOT_YET_SECONDS, description='For so long a handler may say "not yet"; then the run has failed.'
    )
    approval: Annotated[bool | ApprovalModel, Field(union_mode="left_to_right")] = Field(
        default=False, description="Whether somebody has to approve of each slot before it runs, and within what time."
    )
    pause_after_failures: int = Field(default=0, ge=0, description="So many failures in a row pause it; 0: none do.")
    budget: Dollars = Field(default=0, description="Dollars a month; plan and costs say where more is due. 0 is none.")
    alerts: AlertsModel = Field(default_factory=AlertsModel, description="When somebody is told that it fails.")
    owner: Owner = Field(default="", description="Who is told, and who knows.")
    tags: Annotated[list[Tag], BeforeValidator(names), Field(max_length=20)] = Field(
        default=[], description="Words that people look tasks up by."
    )
    runbook: str = Field(default="", max_length=1000, description="What to do when it fails: a link or a sentence.")


class TaskModel(DefaultsModel, ChainModel, LimitModel):
    """A task."""

    run: Annotated[str, AfterValidator(_target)] = Field(description=f"{_TARGETS}.")
    description: str = Field(default="", max_length=1000)
    schedule: ScheduleField | None = Field(default=None, description="When it is due.")
    schedules: list[ScheduleField] = Field(default=[], description="The same, for a task with several.")
    on: EventsField = Field(default=[], description="Events that start it, beside the clock or instead of it.")
    when_absent: WhenAbsent = Field(
        default=WhenAbsent.RUN,
        strict=False,
        description="What the schedule does if the event of its slot has not come.",
    )
    start_date: Bound | None = Field(default=None, description="No slot is earlier: a day, or a moment with its zone.")
    end_date: Bound | None = Field(default=None, description="No slot is later: a day, the last one, or a moment.")
    params: Params = Field(default={}, description="Handed to the target as they are.")

    @model_validator(mode="after")
    def _together(self) -> TaskModel:
        if self.schedule and self.schedules:
            raise ValueError("expected schedule or schedules, found both")
        if self.run.startswith("lambda/") and self.timeout > LAMBDA_TIMEOUT_LIMIT:
            raise ValueError(
                f"timeout: a Lambda function runs at most {LAMBDA_TIMEOUT_LIMIT} s, found {self.timeout} s;"
                " longer work is a workflow"
            )
        if self.heartbeat and not self.run.startswith("lambda/"):
            raise ValueError("heartbeat: only the handler of a function gives signs of life, and this is a workflow")
        if self.heartbeat >= self.timeout and self.heartbeat:
            raise ValueError(f"heartbeat: expected less than the timeout, {self.timeout} s, found {self.heartbeat} s")
        begin, end = (bound(one, self.timezone, time.min) for one in (self.start_date, self.end_date))
        if begin and end and end < begin:
            raise ValueError(
                f"endDate: expected it not before startDate, found {self.end_date} before {self.start_date}"
            )
        if self.when_absent is not WhenAbsent.RUN and (mistake := self._never_absent()):
            raise ValueError(f"whenAbsent: {mistake}")
        if len({bool(one.within) for one in self.on}) > 1:
            raise ValueError(
                "on: expected within of all or of none: each event waits for the end of its window, or none"
            )
        if self.at_once and self.overlap is not OverlapPolicy.ALLOW_ALL:
            raise ValueError(
                f"atOnce: expected overlap allow_all beside it, found {self.overlap}, by which one run is at work at"
                " once; with atOnce the others wait for a place"
            )
        if self.timeout < 1:
            raise ValueError("timeout: expected at least 1 s")
        longest = self._retry_policy().longest_run(self.timeout)
        if longest > LONGEST_RUN_SECONDS:
            raise ValueError(
                f"timeout and retry: all attempts and delays together can take {longest} s,"
                f" at most {LONGEST_RUN_SECONDS} s (a day) are allowed"
            )
        return self

    def to_task(
        self, task_id: str, closed: Sequence[Calendar], today: date, maintenance: Sequence[Maintenance] = ()
    ) -> Task:
        """The task, with the closures of its calendars, as they are worked out on that day, and of ``maintenance``."""
        kind, _, name = self.run.partition("/")
        given = [self.schedule] if self.schedule else self.schedules
        task = Task(
            id=task_id,
            target=Target(kind=TargetKind(kind), name=name),
            schedules=tuple(self._schedule(task_id, one) for one in given),
            starts=tuple(one.to_start(task_id) for one in self.on),
            when_absent=self.when_absent,
            params=self.params,
            timeout_seconds=self.timeout,
            retry=self._retry_policy(),
            overlap=self._overlap(),
            idempotent=self.idempotent,
            nonexistent=self.nonexistent,
            ambiguous=self.ambiguous,
            on_closed=self.on_closed,
            grace_seconds=self.grace,
            catch_up=self.catch_up,
            catch_up_window_seconds=self.catch_up_window,
            min_duration_seconds=self.min_duration,
            max_duration_seconds=self.max_duration,
            heartbeat_seconds=self.heartbeat,
            not_yet_seconds=self.not_yet_for,
            approval_seconds=approval_seconds(self.approval),
            pause_after_failures=self.pause_after_failures,
            budget=Decimal(f"{self.budget:.12g}"),
            alerts=Alerting(
                failures=self.alerts.failures,
                of=self.alerts.of or self.alerts.failures,
                quiet_seconds=self.alerts.quiet,
            ),
            after=self.upstreams(),
            deadline=self.deadline or "",
            on_upstream_failure=self.on_upstream_failure,
            on_deadline=self.on_deadline,
            at_once=self.at_once,
            priority=self.priority,
            owner=self.owner,
            tags=tuple(dict.fromkeys(self.tags)),
            description=self.description,
            runbook=self.runbook,
        )
        windows = [span for one in maintenance if one.covers(task) for span in one.spans]
        task = replace(task, closures=closures(closed, today, windows)) if closed or windows else task
        wanted = self.express is True or (self.express == "auto" and not list(obstacles(task)))
        task = replace(task, express=True) if wanted else task
        return task if task.ambiguous is Ambiguous.FIRST else with_passed_over(task, today)

    def _never_absent(self) -> str:
        """Why there is no event that could be absent, if there is none."""
        if not self.on or not (self.schedule or self.schedules):
            absent = "schedule" if self.on else "on"
            return f"expected it beside schedule and on, which name the same slots; found no {absent}"
        if all("#" in start.slot or start.within_seconds for start in (one.to_start("x") for one in self.on)):
            return "no event names a slot of the schedule; give one in on, like slot: '{$.detail.date}T08:00:00Z'"
        return ""

    def _overlap(self) -> OverlapPolicy:
        """Events come as they please: of a task that has no clock, none is skipped because another one is at work."""
        by_events_alone = self.on and not self.schedule and not self.schedules
        return OverlapPolicy.ALLOW_ALL if by_events_alone and "overlap" not in self.model_fields_set else self.overlap

    def _retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            max_attempts=self.retry.attempts,
            interval_seconds=self.retry.interval,
            backoff_rate=self.retry.backoff,
            max_delay_seconds=self.retry.max_delay,
            never_on=tuple(self.retry.never_on),
        )

    def _schedule(self, task_id: str, given: ScheduleModel) -> TaskSchedule:
        placed = spread(parse(given.expression), window_minutes=self.spread // 60, task_id=task_id)
        timezone = given.timezone or self.timezone
        return TaskSchedule(
            expression=str(placed.expression),
            timezone=timezone,
            spread_minutes=placed.minutes,
            start=bound(self.start_date, timezone, time.min),
            end=bound(self.end_date, timezone, time(23, 59, 59)),
        )


class EnvironmentModel(Model):
    """The changes of one environment; they are checked when they are laid over the file."""

    defaults: dict[str, Any] = Field(default={}, description="Fields of defaults.")
    tasks: dict[str, dict[str, Any]] = Field(
        default={}, description="Fields of tasks, by the task's id; `enabled: false` leaves a task out."
    )
    alerts: dict[str, Any] | None = Field(default=None, description="Who is told, instead of who the file says.")


class FileModel(Model):
    """The scheduled tasks of an application."""

    defaults: DefaultsModel = Field(default_factory=DefaultsModel)
    alerts: NotificationsModel = Field(
        default_factory=NotificationsModel, description="Who is told when a task fails, and of alarms."
    )
    calendars: dict[str, CalendarModel] = Field(default={}, description="Days on which tasks do not run, by name.")
    maintenance: dict[str, MaintenanceModel] = Field(
        default={}, description="Spans of time in which tasks do not run, by name."
    )
    pools: dict[str, PoolModel] = Field(default={}, description="How many runs may be at work at once, by name.")
    budgets: dict[str, Dollars] = Field(
        default={}, description="Dollars a month that the tasks of an owner should not cost more than, by owner."
    )
    environments: dict[str, EnvironmentModel] = Field(
        default={}, description="What dev, staging, prod … have otherwise, by the name that `--env` gets."
    )
    tasks: dict[str, TaskModel]

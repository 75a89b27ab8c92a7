"""The shape of tasks.yaml: what its fields are, and what each must be."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel

from orchestrator import durations
from orchestrator.errors import InvalidSchedule, InvalidTimezone
from orchestrator.retries import RetryPolicy
from orchestrator.schedules import Schedule, parse
from orchestrator.tasks import (
    LAMBDA_TIMEOUT_LIMIT,
    LEASE_MARGIN_SECONDS,
    LONGEST_RUN_SECONDS,
    PARAMS_LIMIT_BYTES,
    TARGET_PATTERN,
    OverlapPolicy,
    Target,
    TargetKind,
    Task,
    TaskSchedule,
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, strict=True)


def _expression(text: str) -> str:
    try:
        return str(parse(text))
    except InvalidSchedule as fault:
        raise ValueError(str(fault)) from fault


def _timezone(name: str) -> str:
    try:
        return Schedule.of("rate(1 day)", name).timezone
    except InvalidTimezone as fault:
        raise ValueError(str(fault)) from fault


def _target(text: str) -> str:
    kind, _, name = text.partition("/")
    if kind not in set(TargetKind) or not re.fullmatch(TARGET_PATTERN, name):
        raise ValueError(f"expected lambda/NAME or workflow/NAME, found {text!r}")
    return text


def _params(params: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(params, allow_nan=False).encode())
    except (TypeError, ValueError) as fault:
        raise ValueError(f"expected values that JSON has (write dates and times in quotes): {fault}") from fault
    if size > PARAMS_LIMIT_BYTES:
        raise ValueError(f"expected at most {PARAMS_LIMIT_BYTES} bytes of JSON, found {size}: put large data into S3")
    return params


def _schedule(value: Any) -> Any:
    return {"expression": value} if isinstance(value, str) else value


def _retry(value: Any) -> Any:
    if isinstance(value, bool):
        return {"attempts": RetryPolicy().max_attempts if value else 1}
    return {"attempts": value} if isinstance(value, int) else value


_DURATION_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\s*[smhd]?$"}]}

Duration = Annotated[int, BeforeValidator(durations.seconds), WithJsonSchema(_DURATION_SCHEMA)]
Expression = Annotated[str, AfterValidator(_expression)]
Timezone = Annotated[str, AfterValidator(_timezone)]


class RetryModel(_Model):
    """How a failed attempt is repeated: exponential backoff with full jitter."""

    attempts: int = Field(default=3, ge=1, le=20, description="How often the target may be called in all.")
    interval: Duration = Field(default=10, description="Before the second attempt.")
    backoff: float = Field(
        default=2, ge=1, le=10, strict=False, description="What each further delay is multiplied by."
    )
    max_delay: Duration = Field(default=300, description="No delay is longer.")
    never_on: list[str] = Field(default=[], description="Names of errors that end the run at once.")


class ScheduleModel(_Model):
    """One schedule; text alone is its expression."""

    expression: Expression = Field(description="cron(…), rate(…) or at(…), as EventBridge Scheduler has them.")
    timezone: Timezone | None = Field(default=None, description="Of the tz database, like Europe/Berlin.")


ScheduleField = Annotated[ScheduleModel, BeforeValidator(_schedule)]
RetryField = Annotated[RetryModel, BeforeValidator(_retry)]


class DefaultsModel(_Model):
    """What a task has that does not say otherwise."""

    timezone: Timezone = Field(default="UTC", description="In which the task's expressions are meant.")
    timeout: Duration = Field(default=300, description="Of one attempt.")
    retry: RetryField = Field(default_factory=RetryModel, description="A number of attempts, false, or in detail.")
    overlap: OverlapPolicy = Field(
        default=OverlapPolicy.SKIP, strict=False, description="When a slot comes while the last run is still going."
    )
    idempotent: bool = Field(default=False, description="Whether an attempt of unknown outcome may be repeated.")
    owner: str = Field(default="", max_length=200, description="Who is told, and who knows.")
    runbook: str = Field(default="", max_length=1000, description="What to do when it fails: a link or a sentence.")


class TaskModel(DefaultsModel):
    """A task."""

    run: Annotated[str, AfterValidator(_target)] = Field(description="lambda/NAME or workflow/NAME.")
    description: str = Field(default="", max_length=1000)
    schedule: ScheduleField | None = Field(default=None, description="When it is due.")
    schedules: list[ScheduleField] = Field(default=[], description="The same, for a task with several.")
    params: Annotated[dict[str, Any], AfterValidator(_params)] = Field(
        default={}, description="Handed to the target as they are."
    )

    @model_validator(mode="after")
    def _together(self) -> TaskModel:
        if self.schedule and self.schedules:
            raise ValueError("expected schedule or schedules, found both")
        if self.run.startswith("lambda/") and self.timeout > LAMBDA_TIMEOUT_LIMIT:
            raise ValueError(
                f"timeout: a Lambda function runs at most {LAMBDA_TIMEOUT_LIMIT} s, found {self.timeout} s;"
                " longer work is a workflow"
            )
        if self.timeout < 1:
            raise ValueError("timeout: expected at least 1 s")
        longest = self.to_task("x").lease_seconds - LEASE_MARGIN_SECONDS
        if longest > LONGEST_RUN_SECONDS:
            raise ValueError(
                f"timeout and retry: all attempts and delays together can take {longest} s,"
                f" at most {LONGEST_RUN_SECONDS} s (a day) are allowed"
            )
        return self

    def to_task(self, task_id: str) -> Task:
        kind, _, name = self.run.partition("/")
        given = [self.schedule] if self.schedule else self.schedules
        return Task(
            id=task_id,
            target=Target(kind=TargetKind(kind), name=name),
            schedules=tuple(
                TaskSchedule(expression=one.expression, timezone=one.timezone or self.timezone) for one in given
            ),
            params=self.params,
            timeout_seconds=self.timeout,
            retry=RetryPolicy(
                max_attempts=self.retry.attempts,
                interval_seconds=self.retry.interval,
                backoff_rate=self.retry.backoff,
                max_delay_seconds=self.retry.max_delay,
                never_on=tuple(self.retry.never_on),
            ),
            overlap=self.overlap,
            idempotent=self.idempotent,
            owner=self.owner,
            description=self.description,
            runbook=self.runbook,
        )


class FileModel(_Model):
    """The scheduled tasks of an application."""

    defaults: DefaultsModel = Field(default_factory=DefaultsModel)
    tasks: dict[str, TaskModel]

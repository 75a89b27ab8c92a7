"""The shape of a task's entries that have a short form too: schedules, retries, alerts, approvals."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.taskfile.fields import Duration, Expression, Timezone
from orchestrator.taskfile.file_model import Model
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import APPROVAL_SECONDS


def _schedule(value: Any) -> Any:
    return {"expression": value} if isinstance(value, str) else value


def _retry(value: Any) -> Any:
    if isinstance(value, bool):
        return {"attempts": RetryPolicy().max_attempts if value else 1}
    return {"attempts": value} if isinstance(value, int) else value


class RetryModel(Model):
    """How a failed attempt is repeated: exponential backoff with full jitter."""

    attempts: int = Field(default=3, ge=1, le=20, description="How often the target may be called in all.")
    interval: Duration = Field(default=10, description="Before the second attempt.")
    backoff: float = Field(
        default=2, ge=1, le=10, strict=False, description="What each further delay is multiplied by."
    )
    max_delay: Duration = Field(default=300, description="No delay is longer.")
    never_on: list[str] = Field(default=[], description="Names of errors that end the run at once.")


class AlertsModel(Model):
    """When somebody is told that the task fails."""

    failures: int = Field(default=1, ge=1, le=10, description="So many of the last runs must have failed …")
    of: int | None = Field(default=None, ge=1, le=10, description="… of so many; as many, where this is left out.")
    quiet: Duration = Field(default=3600, description="Between two alerts of the same incident.")

    @model_validator(mode="after")
    def _possible(self) -> AlertsModel:
        if self.of is not None and self.of < self.failures:
            raise ValueError(f"expected of not less than failures, found {self.failures} of {self.of}")
        return self


class ScheduleModel(Model):
    """One schedule; text alone is its expression."""

    expression: Expression = Field(description="cron(…), rate(…) or at(…), as EventBridge Scheduler has them.")
    timezone: Timezone | None = Field(default=None, description="Of the tz database, like Europe/Berlin.")


class ApprovalModel(Model):
    """Until when somebody may approve."""

    within: Annotated[Duration, Field(ge=60)] = Field(
        default=APPROVAL_SECONDS, description="After that the slot expires, and people are told."
    )


def approval_seconds(given: bool | ApprovalModel) -> int:
    """Returns for how long somebody may approve; 0: nobody has to."""
    if isinstance(given, ApprovalModel):
        return given.within
    return APPROVAL_SECONDS if given else 0


ScheduleField = Annotated[ScheduleModel, BeforeValidator(_schedule)]
RetryField = Annotated[RetryModel, BeforeValidator(_retry)]

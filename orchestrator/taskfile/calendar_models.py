"""The shape of calendars in tasks.yaml."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.errors import InvalidSchedule
from orchestrator.schedules.calendars import Calendar, ClosedDays
from orchestrator.schedules.fields import DAY_OF_WEEK
from orchestrator.taskfile.fields import Timezone
from orchestrator.taskfile.file_model import Model


def _weekdays(text: str) -> str:
    try:
        DAY_OF_WEEK.values(text, text.upper())
    except InvalidSchedule as fault:
        raise ValueError(f"expected days of the week like MON-FRI or SUN,TUE, found {text!r}") from fault
    return text.upper()


def _date(value: Any) -> Any:
    """YAML reads a bare date as one; in quotes, and in JSON, it is text."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as fault:
        raise ValueError(f"expected a date like 2026-12-25, found {value!r}") from fault


def _closed_days(value: Any) -> Any:
    return value if isinstance(value, dict) else {"from": value, "to": value}


Day = Annotated[date, BeforeValidator(_date)]


class ClosedDaysModel(Model):
    """Days on which a calendar is closed; a date alone is one day."""

    first: Day = Field(alias="from", description="The first day, like 2026-12-24.")
    last: Day = Field(alias="to", description="The last day; it is closed too.")
    why: str = Field(default="", max_length=100, description="Shown where a slot is skipped.")

    @model_validator(mode="after")
    def _in_order(self) -> ClosedDaysModel:
        if self.last < self.first:
            raise ValueError(f"expected to not before from, found {self.first} to {self.last}")
        return self


class CalendarModel(Model):
    """Days on which tasks do not run."""

    weekdays: Annotated[str, AfterValidator(_weekdays)] = Field(
        default="SUN-SAT", description="Open days of the week, like MON-FRI."
    )
    closed: list[Annotated[ClosedDaysModel, BeforeValidator(_closed_days)]] = Field(
        default=[], description="Holidays, freezes: dates, or {from, to, why}."
    )
    timezone: Timezone | None = Field(default=None, description="Whose days they are; else that of the defaults.")

    def to_calendar(self, name: str, timezone: str) -> Calendar:
        """Returns the calendar of this name, in ``timezone`` if it has none of its own."""
        return Calendar(
            name=name,
            timezone=self.timezone or timezone,
            open_weekdays=DAY_OF_WEEK.values(self.weekdays, self.weekdays),
            closed=tuple(ClosedDays(first=days.first, last=days.last, why=days.why) for days in self.closed),
        )

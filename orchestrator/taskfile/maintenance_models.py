"""Maintenance windows, as tasks.yaml says them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.schedules import Schedule
from orchestrator.schedules.calendars import Closure
from orchestrator.schedules.maintenance import Window
from orchestrator.taskfile.fields import Bound, Duration, Expression, Tag, Timezone, bound, names
from orchestrator.taskfile.file_model import Model
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """A window, worked out through the end of next year, and whose it is."""

    scopes: tuple[Scope, ...]
    spans: tuple[Closure, ...]

    def covers(self, task: Task) -> bool:
        return any(scope.covers(task) for scope in self.scopes)


class MaintenanceModel(Model):
    """A span of time in which tasks do not run: once (from, to), or whenever its schedule is due, for so long."""

    first: Bound | None = Field(default=None, alias="from", description="A moment with its zone, or a day.")
    last: Bound | None = Field(default=None, alias="to", description="Its end: a moment, or a day, which is in it.")
    schedule: Expression | None = Field(default=None, description="Or: when it begins, again and again.")
    duration: Duration | None = Field(default=None, description="How long it lasts then.")
    timezone: Timezone | None = Field(default=None, description="Of days and schedule; else that of the defaults.")
    why: str = Field(default="", max_length=100, description="Shown where a slot is skipped.")
    slots: Literal["skip", "postpone"] = Field(
        default="skip", description="What becomes of the slots in it: none runs, or one run at its end for all of them."
    )
    tags: Annotated[list[Tag], BeforeValidator(names)] = Field(default=[], description="Of tasks with these tags …")
    owners: Annotated[list[str], BeforeValidator(names)] = Field(default=[], description="… or of these owners …")
    tasks: Annotated[list[str], BeforeValidator(names)] = Field(
        default=[], description="… or of these tasks; of all tasks, where it names none."
    )

    @model_validator(mode="after")
    def _once_or_again(self) -> MaintenanceModel:
        given = [self.first is not None, self.last is not None, self.schedule is not None, self.duration is not None]
        if given not in ([True, True, False, False], [False, False, True, True]):
            raise ValueError("expected from and to, or schedule and duration")
        if self.duration == 0:
            raise ValueError("duration: expected at least 1 s")
        if self.first is not None and self._length(*self._span("UTC")) <= timedelta(0):
            raise ValueError(f"expected to later than from, found {self.first} to {self.last}")
        return self

    def to_maintenance(self, name: str, timezone: str, today: date) -> Maintenance:
        """The window of this name, in ``timezone`` if it has none of its own, as it is worked out on that day."""
        zone = self.timezone or timezone
        if self.schedule is not None:
            begins, length = Schedule.of(self.schedule, zone), timedelta(seconds=self.duration or 0)
        else:
            since, until = self._span(zone)
            begins, length = Schedule.of(f"at({since.removesuffix('Z')})"), self._length(since, until)
        window = Window(name=name, begins=begins, length=length, why=self.why, postpones=self.slots == "postpone")
        return Maintenance(scopes=tuple(self._scopes()), spans=tuple(window.closures(today)))

    def _span(self, zone: str) -> tuple[str, str]:
        last = self.last
        if isinstance(last, date) and not isinstance(last, datetime):
            last += timedelta(days=1)
        return bound(self.first, zone, time.min), bound(last, zone, time.min)

    @staticmethod
    def _length(since: str, until: str) -> timedelta:
        return datetime.fromisoformat(until) - datetime.fromisoformat(since)

    def _scopes(self) -> Iterator[Scope]:
        listed = ((ScopeKind.TAG, self.tags), (ScopeKind.OWNER, self.owners), (ScopeKind.TASK, self.tasks))
        named = [Scope(kind=kind, name=name) for kind, names_ in listed for name in names_]
        yield from named or [Scope(kind=ScopeKind.ALL)]

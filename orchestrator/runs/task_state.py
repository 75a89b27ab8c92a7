"""A record of the registry: a task as it was declared, and its state at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.errors import InvalidRecord, InvalidSchedule, InvalidTimezone
from orchestrator.instants import order, to_millisecond
from orchestrator.runs.run import RunStatus
from orchestrator.runs.spending import Spending
from orchestrator.tasks.records import task_of
from orchestrator.tasks.slots import times
from orchestrator.tasks.task import CatchUp, Task

#: A record, or its declared part, as DynamoDB's low-level client has it.
Item = Mapping[str, Any]

#: The attributes of a :class:`Checkpoint`.
CHECKPOINT_ATTRIBUTES = ("checkedUntil", "nextRun", "suspected", "caughtUp", "watchedSince")


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The execution that runs the task now."""

    execution_arn: str
    #: Seconds since 1970: from then on another run may take the task, whatever became of this one.
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class Pause:
    """A pause: who has made it and why, until when, and what runs afterwards."""

    who: str = ""
    why: str = ""
    #: ISO 8601 in UTC, or nothing.
    since: str = ""
    until: str = ""
    #: Which of the slots that it skips run when it ends.
    on_resume: CatchUp = CatchUp.NONE
    #: Of one that is over: when it ended, and who has ended it, if somebody has.
    ended: str = ""
    ended_by: str = ""
    #: The scope (:attr:`orchestrator.tasks.scope.Scope.key`) that it was made for, if not for this task alone.
    switch: str = ""
    #: Others that are on at the same time; none of them outlasts this one: :mod:`orchestrator.runs.pauses`.
    beside: tuple[Pause, ...] = ()

    def over(self, now: datetime) -> bool:
        """Whether its end has come. An end that is empty, or no moment at all, is no end."""
        return self.until >= "0" and order(self.until) <= order(to_millisecond(now))

    def covers(self, slot: datetime) -> bool:
        """Whether a slot of this moment is skipped because of it."""
        mine = order(self.since) <= order(to_millisecond(slot)) and not self.over(slot)
        return mine or any(other.covers(slot) for other in self.beside)

    def to_value(self) -> dict[str, Any]:
        """Plain values; what is empty is left out."""
        values = {
            "who": self.who,
            "why": self.why,
            "since": self.since,
            "until": self.until,
            "onResume": self.on_resume,
            "ended": self.ended,
            "endedBy": self.ended_by,
            "switch": self.switch,
            "beside": [other.to_value() for other in self.beside],
        }
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_fields(cls, fields: Fields) -> Pause:
        """Whatever the attribute holds: a person may have written it in the console."""
        known = {name: fields.find(name, str) or "" for name in ("who", "why", "since", "until", "ended", "switch")}
        on_resume = fields.find("onResume", str) if "onResume" in fields else CatchUp.NONE
        return cls(
            **known,
            ended_by=fields.find("endedBy", str) or "",
            on_resume=CatchUp(on_resume or ""),
            beside=tuple(map(cls.from_fields, fields.maps("beside"))) if "beside" in fields else (),
        )


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The point up to which the watchdog has checked a task's slots, written as in the ledger."""

    #: Every slot up to here has a row.
    checked_until: str
    #: When to check next: the first slot later than that, or the end of a pause. None: there is neither.
    next_run: str | None
    #: Slots up to here without a row were seen so once; at the next check they are missed.
    suspected: str | None = None
    #: Missed slots up to here have been started by the watchdog.
    caught_up: str | None = None
    #: Since when the task has had its present schedules; earlier slots belong to the schedules before.
    since: str | None = None

    def to_values(self) -> dict[str, str | None]:
        """The attributes by name, :data:`CHECKPOINT_ATTRIBUTES`."""
        return {
            "checkedUntil": self.checked_until,
            "nextRun": self.next_run,
            "suspected": self.suspected,
            "caughtUp": self.caught_up,
            "watchedSince": self.since,
        }

    @classmethod
    def from_item(cls, item: Item) -> Checkpoint | None:
        if "checkedUntil" not in item:
            return None
        fields = Fields(item)
        texts = {name: fields.get(name, str) for name in CHECKPOINT_ATTRIBUTES if name in fields}
        for text in texts.values():
            datetime.fromisoformat(text)
        return cls(
            checked_until=texts["checkedUntil"],
            next_run=texts.get("nextRun"),
            suspected=texts.get("suspected"),
            caught_up=texts.get("caughtUp"),
            since=texts.get("watchedSince"),
        )


@dataclass(frozen=True, kw_only=True)
class Record:
    """A task as it was declared, and its state at run time."""

    task: Task
    lease: Lease | None = None
    pause: Pause | None = None
    #: The newest pause that is over.
    last_pause: Pause | None = None
    #: Runs that have failed since the last that succeeded.
    consecutive_failures: int = 0
    last_status: RunStatus | None = None
    last_slot: str | None = None
    checkpoint: Checkpoint | None = None
    #: Ids of open incidents that have hit it.
    incidents: tuple[str, ...] = ()
    #: Of a task with a budget.
    spending: Spending | None = None

    def pause_at(self, now: datetime) -> Pause | None:
        """The pause that keeps the task from running now; one that is over does not, although its record may still be
        there until the watchdog has started what it skipped.
        """
        return None if self.pause is None or self.pause.over(now) else self.pause

    @classmethod
    def from_item(cls, item: Item) -> Record:
        """Raises :class:`InvalidRecord` if the item is not what a registration makes."""
        try:
            fields, task = Fields(item), task_of(item)
            status = fields.find("lastStatus", str)
            for schedule in task.schedules:
                times(schedule)
            return cls(
                task=task,
                lease=_lease(fields.map("lease")) if "lease" in fields else None,
                pause=_pause(item["pause"]) if item.get("pause") else None,
                last_pause=_pause(item["lastPause"]) if item.get("lastPause") else None,
                consecutive_failures=fields.find("consecutiveFailures", int) or 0,
                last_status=RunStatus(status) if status else None,
                last_slot=fields.find("lastSlot", str),
                checkpoint=Checkpoint.from_item(item),
                incidents=fields.text_set("incidents"),
                spending=Spending.from_fields(fields.map("spending")) if "spending" in fields else None,
            )
        except KeyError as fault:
            raise InvalidRecord(_id(item), f"it lacks {fault}") from fault
        except (ValueError, TypeError, AttributeError, InvalidSchedule, InvalidTimezone) as fault:
            raise InvalidRecord(_id(item), str(fault)) from fault


def _lease(fields: Fields) -> Lease:
    return Lease(execution_arn=fields.get("executionArn", str), expires_at=fields.get("expiresAt", int))


def _pause(attribute: Item) -> Pause:
    """An attribute that is no map is a pause of which nothing is known."""
    return Pause.from_fields(Fields(attribute.get("M", {})))


def _id(item: Item) -> str:
    return Fields(item).get("taskId", str)

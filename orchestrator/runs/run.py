"""A run: what happened to one slot of a task, or to one ad hoc start. A row of the ledger.

The row's key is ``taskId`` + ``slot``. A scheduled run's slot is its scheduled time (``2026-12-01T08:00:00Z``); an ad
hoc run's is the moment its execution started, to the millisecond (``2026-12-01T08:00:12.345Z``); an event's is the
moment that the event names, mostly with an id behind it (``2026-12-01T08:00:00Z#4f0c``). So all sort together by time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.errors import InvalidRow
from orchestrator.runs.approval import Approval, approval_of
from orchestrator.runs.hold import Hold, hold_of


class RunStatus(StrEnum):
    """The states of a run."""

    #: Its execution holds the slot and has not ended.
    RUNNING = "RUNNING"
    #: Its execution holds the slot and waits for the task's runs before it; or it is held: :attr:`Run.hold`.
    WAITING = "WAITING"
    #: Its target returned a result.
    SUCCEEDED = "SUCCEEDED"
    #: Its target failed, every retry included, or TaskRunner refused the task (``error`` says why).
    FAILED = "FAILED"
    #: Its target did not answer within the task's timeout.
    TIMED_OUT = "TIMED_OUT"
    #: Somebody stopped its execution.
    ABORTED = "ABORTED"
    #: It was not started on purpose; ``reason`` says why.
    SKIPPED = "SKIPPED"
    #: Nobody started it in time.
    MISSED = "MISSED"
    #: Nobody started it in time, and now it is too old to be caught up.
    EXPIRED = "EXPIRED"


#: A row in one of these states does not change again, except by a rerun.
TERMINAL = frozenset(RunStatus) - {RunStatus.RUNNING, RunStatus.WAITING}

#: Somebody should look at these.
UNSUCCESSFUL = frozenset(
    {RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.ABORTED, RunStatus.MISSED, RunStatus.EXPIRED}
)


class SkipReason(StrEnum):
    """Why a run was skipped."""

    #: Another run held the task's lease, or waited for it, and the overlap policy says so; or this one waited too long.
    #: Of an aborted run: a later one stopped it.
    OVERLAP = "overlap"
    #: Somebody paused the task.
    PAUSED = "paused"
    #: Somebody was asked to approve of it, and has refused.
    REFUSED = "refused"
    #: A calendar is closed, or the clock is set back and the other occurrence runs; the row's cause says which.
    CLOSED = "closed"
    #: The clock is set forward over the local time: there is no such slot, and the row stands at the change.
    NONEXISTENT = "nonexistent"
    #: The event of the slot had not come by its schedule. Of a missed run, too: an event that comes later runs it.
    ABSENT = "absent"
    #: A slot of another task, for which it waits, has not gone well; the row's cause says which.
    UPSTREAM = "upstream"


class Attention(StrEnum):
    """Why people should hear of a run that has not failed."""

    #: It started later after its slot than the task's grace.
    LATE = "late"
    #: It took more than the task's bound.
    TOO_LONG = "too long"
    #: It took less than the task's bound.
    TOO_SHORT = "too short"
    #: It waits for others, and will miss its deadline if they take as long as they mostly do.
    AT_RISK = "at risk"
    #: Incidents that have hit the task are open.
    RECOVERED = "recovered"


class Trigger(StrEnum):
    """The starters of runs."""

    #: EventBridge Scheduler.
    SCHEDULE = "schedule"
    #: A rule of EventBridge, for the slot that its event names.
    EVENT = "event"
    #: A person or a program, with ``start-execution``, for now or for a slot.
    AD_HOC = "ad hoc"
    #: A backfill, for a slot of the past. It neither takes nor heeds the lease: docs/how-to/rerun-and-backfill.md.
    BACKFILL = "backfill"
    #: A person, for a slot that has a row already.
    RERUN = "rerun"
    #: The watchdog, for a slot that nobody delivered. It waits for the task's lease.
    CATCH_UP = "catch up"
    #: The end of a pause, for a slot that the pause has skipped. It waits for the task's lease.
    RESUME = "resume"


#: Runs of slots that have not run when they were due: they wait for the task's lease, whatever its overlap policy is.
BELATED = (Trigger.CATCH_UP, Trigger.RESUME)

#: The row of an input that names no task is kept under this id.
NO_TASK_ID = "_invalid"

#: Rows live this long; DynamoDB removes them some days later.
ROW_LIFETIME_SECONDS = 400 * 86_400

#: As much of a cause as a row keeps.
CAUSE_LIMIT = 1000

#: A row keeps this many of the runs before the one that it tells of.
HISTORY_LIMIT = 20

#: As much of the name of whoever started a run, and of what Lambda calls its calls: ten ids and the spaces between.
NAME_LIMIT, REQUESTS_LIMIT = 200, 370

#: Stands for the call of which nobody says what Lambda calls it.
NO_REQUEST = "-"

_REQUEST_LENGTH = 36


#: Characters that end a line, steer a terminal or turn the direction of writing, one or more of them: a class that
#: means the same in Python's regular expressions and in JSONata's.
CONTROL_PATTERN = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+"

_CONTROL = re.compile(CONTROL_PATTERN)


def one_line(text: str) -> str:
    """Text from outside, fit for a row and an alert: without control characters, of bounded length."""
    return _CONTROL.sub(" ", text)[:CAUSE_LIMIT]


@dataclass(frozen=True, kw_only=True)
class RunEnd:
    """The end of a run that did not record its own, or the reason why a slot has no run."""

    status: RunStatus
    error: str | None = None
    cause: str = ""
    #: ISO 8601 in UTC; None for what was never started.
    ended_at: str | None = None
    #: Why it was skipped.
    reason: SkipReason | None = None
    #: What it has cost, as far as whoever ends it knows.
    dollars: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """An earlier run of the same slot, which the row keeps in its history."""

    #: Never RUNNING: one that died is ABORTED.
    status: RunStatus
    trigger: Trigger | None = None
    started_by: str | None = None
    execution_arn: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    #: Of this and all the runs before it.
    attempts: int = 0
    error: str | None = None
    dollars: Decimal | None = None

    @property
    def version(self) -> str:
        """The earlier run's :attr:`Run.version`."""
        return self.started_at or self.status

    def to_value(self) -> dict[str, Any]:
        """As a row's history has it; what does not apply is left out."""
        values = {
            "status": self.status,
            "trigger": self.trigger,
            "startedBy": self.started_by,
            "executionArn": self.execution_arn,
            "startedAt": self.started_at,
            "endedAt": self.ended_at,
            "attempts": self.attempts,
            "error": self.error,
            "dollars": self.dollars,
        }
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def of(cls, run: Run) -> EarlierRun:
        """What the row of a run that has ended keeps of it when another one takes its place."""
        return cls(
            status=run.status,
            trigger=run.trigger,
            started_by=run.started_by,
            execution_arn=run.execution_arn,
            started_at=run.started_at,
            ended_at=run.ended_at,
            attempts=run.attempts,
            error=run.error,
            dollars=run.dollars,
        )

    @classmethod
    def from_fields(cls, fields: Fields) -> EarlierRun:
        """An element of a row's ``history``. Raises :class:`KeyError` and :class:`ValueError`."""
        trigger = fields.find("trigger", str)
        return cls(
            status=RunStatus(fields.get("status", str)),
            trigger=Trigger(trigger) if trigger else None,
            started_by=fields.find("startedBy", str),
            execution_arn=fields.find("executionArn", str),
            started_at=fields.find("startedAt", str),
            ended_at=fields.find("endedAt", str),
            attempts=fields.find("attempts", int) or 0,
            error=fields.find("error", str),
            dollars=_dollars(fields),
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """A row of the ledger. Times are ISO 8601 in UTC, durations are seconds."""

    task_id: str
    slot: str
    status: RunStatus
    trigger: Trigger = Trigger.SCHEDULE
    #: A person, as they say, or the ARN of the execution that has started this one; nobody where a schedule has.
    started_by: str | None = None
    reason: str | None = None
    execution_arn: str | None = None
    #: The nested execution, when the task's target is a workflow.
    child_execution_arn: str | None = None
    #: What Lambda calls the calls of its function, the last is the last; None where nobody has said. At most ten.
    request_ids: tuple[str | None, ...] = ()
    started_at: str | None = None
    ended_at: str | None = None
    #: From the start to the end; a run that waited for others counts from when its turn came.
    duration_seconds: float | None = None
    #: From the slot to the start of the execution; none for an ad hoc run.
    start_delay_seconds: float | None = None
    #: Of this and all earlier runs of the slot.
    attempts: int = 0
    error: str | None = None
    cause: str | None = None
    #: What the target returned, as JSON text cut to a short length.
    result: str | None = None
    #: What of a run that succeeded is worth telling: see :mod:`orchestrator.runs.alerts`.
    attention: tuple[Attention, ...] = ()
    #: Further deliveries of the same slot, which did nothing.
    duplicates: int = 0
    #: What it has cost by the time that its row was written, in US dollars at the list prices of the deployment, with
    #: what it had cost while it was held; None where nobody has said it.
    dollars: Decimal | None = None
    #: Earlier runs of the slot, the oldest first, at most :data:`HISTORY_LIMIT`.
    history: tuple[EarlierRun, ...] = ()
    #: What it waits for, without an execution that is kept open; None unless it is WAITING so.
    hold: Hold | None = None
    #: What it asks, or has asked, of people.
    approval: Approval | None = None
    #: Whether its task waits for others, or others for it: whoever writes its row wakes them.
    linked: bool = False
    #: What its event gave it beside the task's own params, as JSON text, where its execution cannot be asked.
    params: str | None = None

    @property
    def version(self) -> str:
        """The start of the run, which tells it from other runs of its slot. A rerun names it to take its place."""
        return self.started_at or self.status

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Run:
        """A row as DynamoDB's low-level client gives it (``{"taskId": {"S": …}, …}``).

        Raises :class:`InvalidRow`: whoever may write to the table can write anything.
        """
        try:
            return cls._from_item(item)
        except KeyError as fault:
            raise InvalidRow(_said(item, "taskId"), _said(item, "slot"), f"it lacks {fault}") from fault
        except (ValueError, TypeError, AttributeError) as fault:
            raise InvalidRow(_said(item, "taskId"), _said(item, "slot"), str(fault)) from fault

    @classmethod
    def _from_item(cls, item: Mapping[str, Any]) -> Run:
        fields = Fields(item)
        # Absent, or null, where it does not apply.
        started_at, ended_at = fields.find("startedAt", str), fields.find("endedAt", str)
        for moment in (started_at, ended_at):
            if moment is not None:
                datetime.fromisoformat(moment)
        attention = fields.find("attention", str)
        history = fields.maps("history") if "L" in item.get("history", {}) else ()
        return cls(
            task_id=fields.get("taskId", str),
            slot=fields.get("slot", str),
            status=RunStatus(fields.get("status", str)),
            trigger=Trigger(fields.find("trigger", str) or Trigger.SCHEDULE),
            started_by=fields.find("startedBy", str),
            reason=fields.find("reason", str),
            execution_arn=fields.find("executionArn", str),
            child_execution_arn=fields.find("childExecutionArn", str),
            request_ids=tuple(_requests(fields.find("requestIds", str) or "")),
            started_at=started_at,
            ended_at=ended_at,
            duration_seconds=fields.find("durationSeconds", float),
            start_delay_seconds=fields.find("startDelaySeconds", float),
            # A person may have written 2.0.
            attempts=int(fields.find("attempts", float) or 0),
            error=fields.find("error", str),
            cause=fields.find("cause", str),
            result=fields.find("result", str),
            attention=tuple(map(Attention, attention.split(", "))) if attention else (),
            duplicates=int(fields.find("duplicates", float) or 0),
            dollars=_dollars(fields),
            params=fields.find("params", str),
            history=tuple(map(EarlierRun.from_fields, history)),
            hold=hold_of(item),
            approval=approval_of(item),
            linked="linked" in fields,
        )


def _dollars(fields: Fields) -> Decimal | None:
    amount = fields.find("dollars", float)
    return None if amount is None else Decimal(f"{amount:.12g}")


def _requests(text: str) -> Iterator[str | None]:
    """What is left of an id where the text was cut is none."""
    for one in text.split():
        if one == NO_REQUEST or len(one) == _REQUEST_LENGTH:
            yield None if one == NO_REQUEST else one


def _said(item: Mapping[str, Any], name: str) -> str:
    """A part of a row's key, for a sentence about a row that cannot be read."""
    return Fields(item).find(name, str) or "?"

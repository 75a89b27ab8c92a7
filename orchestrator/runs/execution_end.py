"""The end of an execution of TaskRunner that did not record its own outcome, as EventBridge or Step Functions tells it.

``States.ALL`` catches neither ``States.Runtime`` and ``States.DataLimitExceeded`` nor a time-out of the state machine
or an abort ("Handling errors in Step Functions workflows").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator import instants
from orchestrator.runs.run import NO_TASK_ID, Run, RunEnd, RunStatus, Trigger
from orchestrator.tasks.event_start import LONGEST_WINDOW_SECONDS
from orchestrator.tasks.express import EXPRESS_SECONDS
from orchestrator.tasks.task import TASK_ID_PATTERN

#: How an execution ends, and what its row says then.
STATUSES = {
    "FAILED": RunStatus.FAILED,
    "TIMED_OUT": RunStatus.TIMED_OUT,
    "ABORTED": RunStatus.ABORTED,
}

#: The error of the row of a run whose execution is gone without having said how it ended.
LOST = "ExecutionLost"

#: In a row, between the ARN of an Express execution and what tells its deliveries apart: Step Functions may run one
#: more than once.
DELIVERY_MARK = "#"

#: What an input may say of the held row whose place the run is to take: numbers, in seconds and in dollars.
HELD = ("startDelay", "dollars")

#: The error of the execution, and of the row, of a run that another one stopped because its overlap policy says so.
STOPPED = "Stopped"


#: How long after the time of an Express execution its row is taken for that of a dead one: it may have begun late, and
#: clocks differ.
_EXPRESS_MARGIN = timedelta(seconds=60)


def is_express(execution_arn: str | None) -> bool:
    """Whether it is an Express execution's, which Step Functions tells nobody of."""
    return (execution_arn or "").split(":")[5:6] == ["express"]


def express_end(run: Run, now: datetime) -> RunEnd | None:
    """What has become of a run in an Express execution whose row has not ended: None while it may go on, then it is
    dead. Of an Express execution no request tells and no event comes: the time is all that there is.
    """
    started = datetime.fromisoformat(run.started_at) if run.started_at else None
    if started is not None and now < started + timedelta(seconds=EXPRESS_SECONDS) + _EXPRESS_MARGIN:
        return None
    cause = f"its Express execution has had its {EXPRESS_SECONDS} s and never recorded how it ended; the log may say so"
    return RunEnd(status=RunStatus.ABORTED, ended_at=instants.to_millisecond(now), error=LOST, cause=cause)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The request that the input of an execution of TaskRunner makes."""

    task_id: str
    slot: str
    trigger: Trigger
    #: The version of the slot's run whose place the new one is to take; empty if there is none.
    replaces: str = ""
    #: Whether what the slot had to wait for is not asked again.
    released: bool = False

    @classmethod
    def read(cls, given: Any, started_at: str) -> Asked:
        """Reads an input by TaskRunner's own rules (``definitions/system/task_runner/variables.py``), as tests prove.

        An input that TaskRunner refuses asks for nothing, not even for the slot that it names. Of an event the task is
        known all the same: its rule names the task, and only what the event itself says can be wrong.
        """
        if _is_of_event(given) and not _is_valid(given):
            return cls(task_id=given["taskId"], slot=started_at, trigger=Trigger.EVENT)
        if not _is_valid(given):
            return cls(task_id=NO_TASK_ID, slot=started_at, trigger=Trigger.AD_HOC)
        return cls(
            task_id=given["taskId"],
            slot=_slot(given, started_at),
            trigger=Trigger(given.get("trigger", Trigger.AD_HOC)),
            replaces=given.get("replaces") or "",
            released=given.get("released", False),
        )


def _is_valid(given: Any) -> bool:
    return (
        _names_task(given)
        and ("scheduledTime" not in given or instants.is_slot(_whole(given["scheduledTime"])))
        and ("within" not in given or _is_window(given))
        and ("trigger" not in given or given["trigger"] in list(Trigger))
        and isinstance(given.get("replaces"), str | None)
        and isinstance(given.get("params", {}), Mapping)
        and isinstance(given.get("released", False), bool)
        and ("notBefore" not in given or instants.read(given["notBefore"]) is not None)
        and ("held" not in given or _is_held_row(given["held"]))
    )


def _is_held_row(held: Any) -> bool:
    return isinstance(held, Mapping) and all(_is_number(held.get(name, 0)) for name in HELD)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names_task(given: Any) -> bool:
    named = given.get("taskId") if isinstance(given, Mapping) else None
    return isinstance(named, str) and re.fullmatch(TASK_ID_PATTERN, named) is not None


def _is_of_event(given: Any) -> bool:
    return _names_task(given) and given.get("trigger") == Trigger.EVENT


def _whole(text: Any) -> Any:
    """A day as its midnight in UTC; anything else as it is."""
    return f"{text}T00:00:00Z" if isinstance(text, str) and len(text) == len("2026-12-01") else text


def _is_window(given: Any) -> bool:
    """Whether the end of the window can be told: it is whole seconds long, and ends before the year 10000."""
    within, at = given["within"], given.get("scheduledTime")
    is_number = isinstance(within, int | float) and not isinstance(within, bool)
    is_length = is_number and 1 <= within <= LONGEST_WINDOW_SECONDS and within == int(within)
    return is_length and isinstance(at, str) and at < "9999"


def _slot(given: Any, started_at: str) -> str:
    """The slot that an input names, the end of the window that its moment lies in, or else the execution's start."""
    named = str(_whole(given.get("scheduledTime", started_at)))
    return instants.window_end(instants.of_slot(named), int(given["within"])) if "within" in given else named


@dataclass(frozen=True, kw_only=True)
class ExecutionEnd:
    """The end of an execution, and the run that it was."""

    execution_arn: str
    state_machine_arn: str
    asked: Asked
    status: RunStatus
    #: ISO 8601 in UTC.
    started_at: str
    ended_at: str
    error: str = ""
    cause: str = ""

    @property
    def unclaimed_slot(self) -> str:
        """Under what its row stands if it has not claimed its slot: a start by hand must not keep a schedule's own
        delivery from running.
        """
        return self.started_at if self.asked.trigger is Trigger.AD_HOC else self.asked.slot

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> ExecutionEnd | None:
        """Reads a "Step Functions Execution Status Change"; None for other events and for executions still running."""
        detail = event.get("detail")
        if not isinstance(detail, Mapping) or _text(detail.get("status")) not in STATUSES:
            return None
        arn, machine = detail.get("executionArn"), detail.get("stateMachineArn")
        if not isinstance(arn, str) or not isinstance(machine, str):
            return None
        started, ended = _moment(detail.get("startDate")), _moment(detail.get("stopDate"))
        return cls(
            execution_arn=arn,
            state_machine_arn=machine,
            asked=Asked.read(_json(detail.get("input")), started),
            status=STATUSES[detail["status"]],
            started_at=started,
            ended_at=ended,
            error=_text(detail.get("error")),
            cause=_text(detail.get("cause")),
        )


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _moment(milliseconds: Any) -> str:
    """The moment of an event's milliseconds since 1970; 1970 itself if the event has none."""
    try:
        moment = datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return instants.to_millisecond(moment)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

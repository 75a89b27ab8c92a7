"""An execution of TaskRunner that ended without having recorded how: what EventBridge, or Step Functions, says of it.

``States.ALL`` catches neither ``States.Runtime`` and ``States.DataLimitExceeded`` nor a time-out of the state machine
or an abort ("Handling errors in Step Functions workflows").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestrator.runs import NO_TASK_ID, RunStatus, Trigger
from orchestrator.tasks import TASK_ID_PATTERN

#: How an execution ends, and what its row says then.
STATUSES = {
    "FAILED": RunStatus.FAILED,
    "TIMED_OUT": RunStatus.TIMED_OUT,
    "ABORTED": RunStatus.ABORTED,
}

#: The error of the execution, and of the row, of a run that another one stopped because its overlap policy says so.
STOPPED = "Stopped"

_SCHEDULED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@dataclass(frozen=True, kw_only=True)
class Death:
    """The end of an execution, and the run that it was."""

    execution_arn: str
    state_machine_arn: str
    task_id: str
    slot: str
    trigger: Trigger
    status: RunStatus
    #: ISO 8601 in UTC.
    ended_at: str
    error: str = ""
    cause: str = ""
    #: The version of the slot's run whose place this one was to take; empty if there was none.
    replaces: str = ""

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Death | None:
        """From a "Step Functions Execution Status Change"; None if it is none, or of an execution that goes on."""
        detail = event.get("detail")
        if not isinstance(detail, Mapping) or _text(detail.get("status")) not in STATUSES:
            return None
        arn, machine = detail.get("executionArn"), detail.get("stateMachineArn")
        if not isinstance(arn, str) or not isinstance(machine, str):
            return None
        given = _object(detail.get("input"))
        started, ended = _moment(detail.get("startDate")), _moment(detail.get("stopDate"))
        return cls(
            execution_arn=arn,
            state_machine_arn=machine,
            **_run(given, started),
            status=STATUSES[detail["status"]],
            ended_at=ended or started,
            error=_text(detail.get("error")),
            cause=_text(detail.get("cause")),
            replaces=_text(given.get("replaces")),
        )


def _run(given: Mapping[str, Any], started: str) -> dict[str, Any]:
    """The task, slot and trigger of an execution with this input, by TaskRunner's own rules."""
    task_id, scheduled, trigger = (given.get(name) for name in ("taskId", "scheduledTime", "trigger"))
    is_scheduled = isinstance(scheduled, str) and bool(_SCHEDULED_TIME.fullmatch(scheduled))
    if not isinstance(task_id, str) or not re.fullmatch(TASK_ID_PATTERN, task_id):
        return {"task_id": NO_TASK_ID, "slot": started, "trigger": Trigger.AD_HOC}
    supposed = Trigger.SCHEDULE if is_scheduled else Trigger.AD_HOC
    return {
        "task_id": task_id,
        "slot": scheduled if is_scheduled else started,
        "trigger": Trigger(trigger) if trigger in list(Trigger) else supposed,
    }


def _object(text: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _moment(milliseconds: Any) -> str:
    """Since 1970, as the event has it; the beginning of time where it has not."""
    try:
        moment = datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""Why a run is as it is, in a line."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from orchestrator.instants import to_second
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, one_line

#: As much as a table or a line shows of why; `orchestrator show` has all of it.
_SHORT = 160

#: What Step Functions makes of a nested execution that did not succeed: the cause is what DescribeExecution says of it,
#: as JSON, and a row may have cut it anywhere ("Starting state machine executions from a Task state").
_NESTED = re.compile(r'^\s*\{.*"(?:ExecutionArn|StateMachineArn)"', re.DOTALL)


def why(run: Run) -> str:
    """Its reason, or its error with the message; of a nested workflow, the workflow's own error and message; of a held
    slot, what it waits for.
    """
    if run.hold is not None:
        return one_line(run.hold.why or _unexplained(run.hold))
    if run.approval is not None and run.approval.is_open:
        return one_line(f"asks for approval: {run.approval.why}")
    if run.reason:
        return run.reason
    if not run.error:
        return ""
    error, cause = run.error, run.cause or ""
    if _NESTED.search(cause):
        error = _text_of(cause, "Error") or error
        cause = _text_of(cause, "Cause")
    # The cause of a function that a workflow calls is JSON, too.
    message = _text_of(cause, "errorMessage") or cause
    return one_line(f"{error}: {message}" if message else error)


def short(text: str) -> str:
    """As much of it as a table has room for."""
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def _unexplained(hold: Hold) -> str:
    """Of a hold that nobody has looked at."""
    if hold.wake_at is None:
        return f"waits: {hold.kind}"
    return f"waits until {to_second(datetime.fromtimestamp(hold.wake_at, UTC))}"


def _text_of(cause: str, name: str) -> str:
    """A field of JSON text that may end anywhere; empty if it is not there."""
    match = re.search(rf'"{name}"\s*:\s*"((?:[^"\\]|\\.)*)', cause)
    if not match:
        return ""
    try:
        return str(json.loads(f'"{match[1]}"', strict=False))
    except ValueError:
        return match[1]

"""A run, with everything that its row says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from rich.text import Text

from orchestrator.cli.views.tables import status_text
from orchestrator.instants import to_second
from orchestrator.runs.approval import Approval
from orchestrator.runs.explanation import why
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run


def _waits(hold: Hold | None) -> str | None:
    """Since when and until when at most, and when it is looked at next."""
    if hold is None:
        return None
    again = f"looked at again at {to_second(datetime.fromtimestamp(hold.wake_at, UTC))}" if hold.wake_at else None
    until = f"until {hold.deadline}" if hold.deadline else None
    return ", ".join(filter(None, (f"since {hold.since}", until, again)))


def _approval(approval: Approval | None) -> str | None:
    """The question of a state, and the answer; the token is nobody's to read."""
    if approval is None:
        return None
    asked = f"{approval.state}: {approval.why}" if approval.state else None
    said = f"{approval.answer} by {approval.who} at {approval.at}: {approval.reason}" if approval.answer else None
    return "; ".join(filter(None, (asked, said or "nobody has answered yet")))


def run_lines(run: Run, *, dollars: Decimal | None = None) -> Iterator[Text]:
    """A line for each thing that applies; ``dollars`` are what it has cost."""
    yield Text(f"{run.task_id} {run.slot}  ", style="bold").append_text(status_text(run.status))
    waited = None if run.start_delay_seconds is None else f"{run.start_delay_seconds:.1f} s after its slot"
    told = {
        "why": why(run),
        "cause": run.cause if run.cause and run.cause not in why(run) else None,
        "waits": _waits(run.hold),
        "approval": _approval(run.approval),
        "started": ", ".join(filter(None, (run.started_at, f"by {run.trigger}", run.started_by, waited))),
        "ended": run.ended_at,
        "took": None if run.duration_seconds is None else f"{run.duration_seconds:.1f} s",
        "cost": None if dollars is None else f"${dollars:.6f} at list prices",
        "attempts": str(run.attempts) if run.attempts else None,
        "duplicates": str(run.duplicates) if run.duplicates else None,
        "attention": ", ".join(run.attention),
        "result": run.result,
        "execution": run.execution_arn,
        "workflow": run.child_execution_arn,
        "requests": " ".join(one or "?" for one in run.request_ids),
    }
    for name, text in told.items():
        if text:
            yield Text(f"{name + ':':<12}").append(text)
    for earlier in run.history:
        by = (earlier.trigger or "schedule", earlier.started_by, earlier.started_at)
        cost = "" if earlier.dollars is None else f"  ${earlier.dollars:.6f}"
        said = f"{earlier.status}, {', '.join(filter(None, by))}{cost}  {earlier.error or ''}"
        yield Text(f"{'before:':<12}").append(said.rstrip(), style="dim")

"""A run, with everything that its row says."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from orchestrator.cli.views.tables import status_text
from orchestrator.runs.explanation import why
from orchestrator.runs.run import Run


def run_lines(run: Run) -> Iterator[Text]:
    """A line for each thing that applies."""
    yield Text(f"{run.task_id} {run.slot}  ", style="bold").append_text(status_text(run.status))
    waited = None if run.start_delay_seconds is None else f"{run.start_delay_seconds:.1f} s after its slot"
    told = {
        "why": why(run),
        "cause": run.cause if run.cause and run.cause not in why(run) else None,
        "started": ", ".join(filter(None, (run.started_at, f"by {run.trigger}", run.started_by, waited))),
        "held": f"since {run.hold.since}, until {run.hold.deadline or 'it may run'}" if run.hold else None,
        "ended": run.ended_at,
        "took": None if run.duration_seconds is None else f"{run.duration_seconds:.1f} s",
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
        said = f"{earlier.status}, {', '.join(filter(None, by))}  {earlier.error or ''}"
        yield Text(f"{'before:':<12}").append(said.rstrip(), style="dim")

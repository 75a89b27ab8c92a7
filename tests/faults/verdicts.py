"""What became of a slot, and the table of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.runs.alerts import severities
from orchestrator.runs.run import Run, RunStatus
from orchestrator.stores.incidents import Incidents
from tests.faults.injection import Fault
from tests.testbed.task_runner import STACK, TaskRunner

#: Nobody was told, and nothing explains the slot.
LOST = "LOST"


def told(runner: TaskRunner) -> frozenset[str]:
    """Tasks of an incident that people were told of."""
    incidents = Incidents(runner.aws.client("dynamodb"), STACK).open()
    return frozenset(task for incident in incidents if incident.last_told for task in incident.tasks)


def verdict(run: Run | None, task_id: str, told: frozenset[str]) -> str:
    if run is not None and run.hold is not None:
        # Its row says what it waits for, and the watchdog looks at it.
        return str(run.status.lower())
    if run is None or run.status in (RunStatus.RUNNING, RunStatus.WAITING):
        return LOST
    status = run.status.lower().replace("_", " ")
    if not severities(run, ()):
        # Well, or as the task's overlap policy says.
        return status
    return f"{status}, told" if task_id in told else LOST


def table(title: str, found: Mapping[tuple[str, Fault], str]) -> str:
    """A row for each call, a column for each fault; nothing stands where a call did not meet a fault."""
    rows = list(dict.fromkeys(call for call, _ in found))
    cells = [[title, *Fault], *([row, *(found.get((row, fault), "") for fault in Fault)] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(_line(row, widths) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

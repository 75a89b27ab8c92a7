"""The metrics of runs, made from what changes in the ledger, and of rounds of the watchdog, in CloudWatch's embedded
metric format.

One line of a log is all that a row's metrics cost ("Specification: Embedded metric format"). The library that writes
this format writes a line for each set of dimensions; here one line has all three.

A change that is read twice is counted twice, at the moment that the change itself has: a sum can be too high in a
period in which there was something to count, and never in another. So an alarm at one failure is right all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.errors import InvalidRow
from orchestrator.runs.execution_end import LOST
from orchestrator.runs.run import TERMINAL, Run, RunStatus
from orchestrator.stack import FAILURES_METRIC, HEARTBEAT_METRIC, METRICS_NAMESPACE, Stack

#: A further delivery of a slot, which has no row of its own: the slot's row counts it.
DUPLICATE = "DUPLICATE"

#: What is counted as a failure: a run that has ended badly by itself, whoever wrote so, or of which nobody knows.
FAILED = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT})

#: Of the changes of rows only these: rows that have ended, and rows with duplicates. As patterns of EventBridge.
PATTERNS: tuple[Mapping[str, Any], ...] = (
    {"dynamodb": {"NewImage": {"status": {"S": sorted(TERMINAL)}}}},
    {"dynamodb": {"NewImage": {"duplicates": {"N": [{"anything-but": ["0"]}]}}}},
)

_OF_STATUS = ("Stack", "TaskType", "Status")
_OF_TASK = ("Stack", "TaskType")
_OF_STACK = ("Stack",)

#: Of each metric its dimensions and its unit.
_METRICS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "TaskExecution": (_OF_STATUS, "Count"),
    "TaskDuration": (_OF_TASK, "Seconds"),
    "StartDelay": (_OF_TASK, "Seconds"),
    FAILURES_METRIC: (_OF_STACK, "Count"),
    HEARTBEAT_METRIC: (_OF_STACK, "Count"),
}


def measures(stack: Stack, former: Mapping[str, Any], image: Mapping[str, Any], at: int) -> Iterable[dict[str, Any]]:
    """What a change of a row counts for: a line for each end of a run, and one for duplicates.

    ``former`` (empty, if there was no row) and ``image`` are the row before and after, as DynamoDB has them; ``at`` is
    when it changed, in milliseconds since 1970. A row that cannot be read counts for nothing: others report it.
    """
    try:
        run, before = Run.from_item(image), _readable(former)
    except InvalidRow:
        return
    is_new = before is None or (before.status, before.version) != (run.status, run.version)
    if run.status in TERMINAL and is_new:
        yield line(stack, at, _of_end(run), TaskType=run.task_id, Status=run.status.value, slot=run.slot)
    known = before.duplicates if before is not None and before.version == run.version else 0
    if run.duplicates > known:
        again = {"TaskExecution": run.duplicates - known}
        yield line(stack, at, again, TaskType=run.task_id, Status=DUPLICATE, slot=run.slot)


def _of_end(run: Run) -> dict[str, float]:
    values = {
        "TaskExecution": 1,
        "TaskDuration": run.duration_seconds,
        "StartDelay": run.start_delay_seconds,
        FAILURES_METRIC: 1 if run.status in FAILED or run.error == LOST else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _readable(former: Mapping[str, Any]) -> Run | None:
    """None where there was no row, or none that could be read: what can be read now is news."""
    try:
        return Run.from_item(former) if "status" in Fields(former) else None
    except InvalidRow:
        return None


def line(stack: Stack, at: int, values: Mapping[str, float], **said: str) -> dict[str, Any]:
    """An event of the log, whose metrics are as of ``at``, in milliseconds since 1970. What is said and no dimension,
    such as the slot, is there for whoever searches the log.
    """
    directives: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for name in values:
        dimensions, unit = _METRICS[name]
        directives.setdefault(dimensions, []).append({"Name": name, "Unit": unit})
    return {
        "_aws": {
            "Timestamp": at,
            "CloudWatchMetrics": [
                {"Namespace": METRICS_NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
                for dimensions, metrics in directives.items()
            ],
        },
        "Stack": stack.name,
        **said,
        **values,
    }

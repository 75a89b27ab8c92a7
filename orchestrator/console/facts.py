"""What a task declares and what a row holds, as labels and texts."""

from __future__ import annotations

import json

from orchestrator.console.rendering import seconds
from orchestrator.runs.run import Run, Trigger
from orchestrator.tasks.task import Task


def zone(task: Task) -> str:
    """Returns the time zone that a task's moments are shown in."""
    return task.schedules[0].timezone if task.schedules else "UTC"


def limits(task: Task) -> list[tuple[str, int]]:
    """Returns the seconds that a task's runs are held against: their names and lengths."""
    return [
        ("at least", task.min_duration_seconds),
        ("at most", task.max_duration_seconds),
        ("timeout", task.timeout_seconds),
    ]


def task_facts(task: Task) -> list[tuple[str, str]]:
    """Returns what a task declares: labels and texts, without empty ones."""
    retry, bounds = task.retry, (task.min_duration_seconds, task.max_duration_seconds)
    said = {
        "Runs": str(task.target),
        "Schedules": "; ".join(f"{one.expression} {one.timezone}" for one in task.schedules) or "none",
        **({"Events": "; ".join(map(str, task.starts))} if task.starts else {}),
        "Params": json.dumps(task.params, ensure_ascii=False) if task.params else "",
        "Timeout": seconds(task.timeout_seconds),
        "Attempts": f"{retry.max_attempts}, first after {seconds(retry.interval_seconds)}",
        "Overlap": task.overlap,
        "Idempotent": "yes" if task.idempotent else "",
        "Catch up": f"{task.catch_up}, not older than {seconds(task.catch_up_window_seconds)}",
        "Late after": seconds(task.grace_seconds),
        "Expected to take": " to ".join(seconds(bound) for bound in bounds if bound),
        "Pauses after": f"{task.pause_after_failures} failures" if task.pause_after_failures else "",
        "Owner": task.owner,
        "Tags": ", ".join(task.tags),
        "Runbook": task.runbook,
    }
    return [(name, text) for name, text in said.items() if text]


def _waits(run: Run) -> str:
    if run.hold is None:
        return ""
    until = f", until {run.hold.deadline}" if run.hold.deadline else ""
    return f"{run.hold.why or run.hold.kind}, since {run.hold.since}{until}"


#: Who has started a run whose row names nobody.
_STARTERS = {
    Trigger.SCHEDULE: "EventBridge Scheduler",
    Trigger.CATCH_UP: "the watchdog",
    Trigger.AD_HOC: "a person or a program, with StartExecution: CloudTrail knows who",
}


def run_facts(run: Run) -> list[tuple[str, str]]:
    """Returns what a row holds besides its status: labels and texts."""
    delay = run.start_delay_seconds
    said = {
        "Started": f"{run.started_at or 'never'}, by {run.trigger}",
        "Started by": run.started_by or _STARTERS.get(run.trigger, ""),
        "After its slot": "" if delay is None else seconds(delay),
        "Ended": run.ended_at or "",
        "Waits": _waits(run),
        "Took": seconds(run.duration_seconds),
        "Cost": "" if run.dollars is None else f"${run.dollars:.6f} at list prices",
        "Attempts": str(run.attempts or ""),
        "Deliveries beyond the first": str(run.duplicates or ""),
        "Requests of Lambda": " ".join(one or "?" for one in run.request_ids),
        "Attention": ", ".join(run.attention),
        "Execution": run.execution_arn or "",
        "Workflow": run.child_execution_arn or "",
    }
    return [(name, text) for name, text in said.items() if text]

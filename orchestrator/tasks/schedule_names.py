"""The names of a task's schedules and of the executions that they start: each begins with the task's id.

A schedule that changes gets another name.
"""

from __future__ import annotations

import hashlib

from orchestrator.tasks.slots import is_rate
from orchestrator.tasks.task import TaskSchedule

_DIGEST_LENGTH = 8

#: "StartExecution": the length of an execution's name.
_EXECUTION_NAME = 80

#: An execution id of EventBridge Scheduler: its example has 16 characters, but a UUID would be one, too.
_EXECUTION_ID = 36


def schedule_name(task_id: str, schedule: TaskSchedule) -> str:
    """The task's id and what tells its schedules apart: at most 57 of the 64 characters of a schedule's name."""
    # A rate's place in its task's spread is not in the expression.
    phase = f"|{schedule.spread_minutes}" if schedule.spread_minutes and is_rate(schedule) else ""
    digest = hashlib.sha256(f"{schedule.expression}|{schedule.timezone}{phase}".encode()).hexdigest()
    return f"{task_id}-{digest[:_DIGEST_LENGTH]}"


def execution_prefix(task_id: str) -> str:
    """The task's id as the beginning of an execution's name that ends with ``-`` and an id of 36 characters.

    A longer task id is cut off, and told from others by a digest: at most 43 characters.
    """
    limit = _EXECUTION_NAME - 1 - _EXECUTION_ID
    if len(task_id) <= limit:
        return task_id
    digest = hashlib.sha256(task_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{task_id[: limit - 1 - _DIGEST_LENGTH]}-{digest}"


def task_of(name: str) -> str:
    """The id of the task that a schedule of this name belongs to, if it is one of ours."""
    return name[: -_DIGEST_LENGTH - 1]

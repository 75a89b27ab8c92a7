"""The names of a task's schedules: each begins with the task's id, and a schedule that changes gets another."""

from __future__ import annotations

import hashlib
from datetime import datetime

from orchestrator.tasks.slots import is_rate
from orchestrator.tasks.task import TaskSchedule

_DIGEST_LENGTH = 8


def schedule_name(task_id: str, schedule: TaskSchedule) -> str:
    """The task's id and what tells its schedules apart: at most 57 of the 64 characters of a schedule's name."""
    # A rate's place in its task's spread is not in the expression.
    phase = f"|{schedule.spread_minutes}" if schedule.spread_minutes and is_rate(schedule) else ""
    # One that starts the other machine is another, too.
    machine = "|express" if schedule.express else ""
    window = f"|{schedule.start}|{schedule.end}" if schedule.start or schedule.end else ""
    digest = hashlib.sha256(f"{schedule.expression}|{schedule.timezone}{phase}{machine}{window}".encode()).hexdigest()
    return f"{task_id}-{digest[:_DIGEST_LENGTH]}"


def task_of(name: str) -> str:
    """The id of the task that a schedule of this name belongs to, if it is one of ours."""
    task_id, point, _ = name.partition(".")
    return task_id if point else name[: -_DIGEST_LENGTH - 1]


def one_time_name(task_id: str, at: datetime) -> str:
    """Names the schedule of a one-time run: the task's id and the seconds since 1970, at most 60 characters."""
    return f"{task_id}.{int(at.timestamp())}"

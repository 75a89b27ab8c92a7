"""How tasks.yaml says what a task waits for."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from orchestrator.taskfile import durations
from orchestrator.taskfile.file_model import Model
from orchestrator.tasks.task import TASK_ID_PATTERN
from orchestrator.tasks.upstream import OnDeadline, OnFailure, SlotOf, Upstream

_OF_DAY = re.compile(r"[0-2]?[0-9]:[0-5][0-9]")


def _upstream(value: Any) -> Any:
    return {"task": value} if isinstance(value, str) else value


def _upstreams(value: Any) -> Any:
    """One task alone is a list of one."""
    return [value] if isinstance(value, str | dict) else value


def _deadline(value: Any) -> str:
    """A local time as ``08:30``, or seconds. YAML reads 18:30 without quotes as a number."""
    if isinstance(value, str) and _OF_DAY.fullmatch(value):
        try:
            return time.fromisoformat(value.zfill(5)).isoformat("minutes")
        except ValueError as fault:
            raise ValueError(f"expected a time of the day like '08:30', found {value!r}") from fault
    try:
        found = 0 if isinstance(value, int) else durations.seconds(value)
    except ValueError:
        found = 0
    if not found:
        raise ValueError(f"expected a local time in quotes like '08:30', or a length of time like 2h, found {value!r}")
    return str(found)


class UpstreamModel(Model):
    """A task that another one waits for; its id alone is the slot at the same moment, or the latest before."""

    task: Annotated[str, Field(pattern=f"^{TASK_ID_PATTERN}$")] = Field(description="Whose slots must have succeeded.")
    slot: SlotOf = Field(default=SlotOf.SAME, strict=False, description="Which of them.")


UpstreamField = Annotated[UpstreamModel, BeforeValidator(_upstream)]
Deadline = Annotated[str, BeforeValidator(_deadline), WithJsonSchema({"type": "string"})]


class ChainModel(Model):
    """What a task's slots wait for, and for how long."""

    after: Annotated[list[UpstreamField], BeforeValidator(_upstreams), Field(max_length=20)] = Field(
        default=[], description="Tasks whose slots must have succeeded first: ids, or {task, slot}."
    )
    deadline: Deadline | None = Field(
        default=None,
        description="Until when a slot waits: a local time like '08:30', or so long after it; a week.",
    )
    on_upstream_failure: OnFailure = Field(
        default=OnFailure.SKIP, strict=False, description="What becomes of it when one of them has not gone well."
    )
    on_deadline: OnDeadline = Field(
        default=OnDeadline.EXPIRE, strict=False, description="What becomes of a slot that still waits at its deadline."
    )

    def upstreams(self) -> tuple[Upstream, ...]:
        """As a task has them, each once."""
        return tuple(dict.fromkeys(Upstream(task_id=one.task, slot=one.slot) for one in self.after))

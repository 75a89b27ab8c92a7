"""How tasks.yaml says how many runs may be at work at once."""

from __future__ import annotations

from pydantic import Field, model_validator

from orchestrator.taskfile.file_model import Model
from orchestrator.tasks.limits import MOST_AT_ONCE, MOST_PER_MINUTE, PRIORITIES, Limit


class PoolModel(Model):
    """How many runs of the tasks that name it may be at work at once, and how many may begin in a minute."""

    at_once: int = Field(default=MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE, description="So many are at work at once.")
    per_minute: int | None = Field(default=None, ge=1, le=MOST_PER_MINUTE, description="So many begin in a minute.")

    def to_limit(self, name: str) -> Limit:
        return Limit(name=name, at_once=self.at_once, per_minute=self.per_minute)


class LimitModel(Model):
    """Where a task's runs wait for a place."""

    pool: str | None = Field(default=None, description="The name of a pool; a run waits for a place in it.")
    at_once: int = Field(default=0, ge=0, le=MOST_AT_ONCE, description="So many of its own runs at once; 0: no bound.")
    priority: int = Field(default=0, ge=0, le=PRIORITIES[-1], description="In the pool the greater goes first.")

    @model_validator(mode="after")
    def _limited(self) -> LimitModel:
        if self.priority and not (self.pool or self.at_once):
            raise ValueError("priority: expected it beside pool or atOnce, where runs wait for a place")
        return self

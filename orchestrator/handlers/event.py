"""What a target receives from TaskRunner: which task, which slot, which attempt, and the task's params.

``{taskId, slot, scheduledTime, timezone, attempt, runKey, params}``, and ``heartbeatSeconds`` of a task that has a
``heartbeat``; a handler reads it with
``TaskEvent[MyParams].read(event, target="lambda/my-target")``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Generic, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from orchestrator.errors import InvalidParameters


class Params(BaseModel):
    """The params of one target; a subclass has a field for each.

    ``retention_days: int`` is ``retentionDays`` in tasks.yaml. A name that is no field is refused, since it is most
    likely a misspelt one; so is a value of another JSON type than the field's.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Step(BaseModel):
    """The input that a state of a nested workflow hands to its function; a subclass has a field for each value."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Raises :class:`InvalidParameters`; like that of a task, it quotes no value."""
        try:
            return cls.model_validate_json(json.dumps(event))
        except ValidationError as fault:
            problems = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in fault.errors()]
            raise InvalidParameters(cls.__name__, problems) from None

    def log_keys(self) -> dict[str, Any]:
        """The keys that every line of the log carries."""
        return {}


P = TypeVar("P", bound=Params)


class TaskEvent(BaseModel, Generic[P]):
    """One attempt of one run. A name beside these is ignored: Step Functions adds some of its own."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, strict=True)

    task_id: str = Field(min_length=1)
    #: The moment that the run is for: what "yesterday" is to be counted from, whenever the run really happens.
    slot: AwareDatetime
    #: The same when a schedule started the run; None when a person or a program did.
    scheduled_time: AwareDatetime | None = None
    #: The zone of the task's first schedule: whose days and months the slot stands for.
    timezone: str = "UTC"
    #: 1, 2, …
    attempt: int = Field(default=1, ge=1)
    #: The same for all attempts of a run, and for no other run: the key of what must happen once.
    run_key: str = Field(min_length=1)
    #: How long the handler may be silent: :func:`orchestrator.handlers.heartbeat`. None where nobody listens.
    heartbeat_seconds: int | None = Field(default=None, ge=1)
    params: P

    @classmethod
    def read(cls, event: Mapping[str, Any], *, target: str) -> Self:
        """The event of a handler. Raises :class:`InvalidParameters`, which names every mistake.

        It quotes no text that a param may hold: an error goes into logs and alerts, and a param may be an address.
        """
        try:
            # From JSON, as it came: strictness then knows lists, numbers and texts, and which texts are times.
            return cls.model_validate_json(json.dumps(event))
        except ValidationError as fault:
            raise InvalidParameters(target, [cls._problem(error) for error in fault.errors()]) from None

    @classmethod
    def _problem(cls, error: Any) -> str:
        where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"]).lstrip(".")
        if error["type"] != "extra_forbidden":
            return f"{where or 'event'}: {error['msg'].removeprefix('Value error, ')}"
        params = cls.model_fields["params"].annotation
        known = sorted(to_camel(name) for name in getattr(params, "model_fields", ()))
        meant = get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(known)}" if known else "there are none"
        return f"{where}: no such parameter; {hint}"

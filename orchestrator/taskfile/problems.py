"""The mistakes in tasks.yaml: each with its file, line and field, the value, and what was expected."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import InvalidTaskFile
from orchestrator.taskfile.destination_models import DestinationModel, NotificationsModel
from orchestrator.taskfile.environments import Location

M = TypeVar("M", bound=BaseModel)

#: So many names are listed.
_LISTED = 20

#: Pydantic's words for what people see most, in ours.
_WORDS = {
    "missing": "expected this field, found none",
    "extra_forbidden": "unknown field",
    "bool_type": "expected true or false",
    "dict_type": "expected a mapping",
    "int_type": "expected a whole number",
    "list_type": "expected a list",
    "model_type": "expected a mapping",
    "string_type": "expected text (put it in quotes if it looks like a number)",
}


#: Fields whose values nobody should find in a message.
_SECRET = frozenset({"webhook", "routingKey"})


class Problems:
    """The mistakes in a file, with their lines."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Location, int] = {}
        self.found: list[tuple[int, str]] = []

    def add(self, at: Location, said: str) -> None:
        line = next(line for end in range(len(at), -1, -1) if (line := self.lines.get(at[:end])))
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")
        self.found.append((line, f"{self.name}:{line}: {field}: {said}" if field else f"{self.name}:{line}: {said}"))

    def in_after(self, task_id: str, said: str) -> None:
        """A mistake in what a task waits for."""
        self.add(("tasks", task_id, "after"), said)

    def raise_if_any(self) -> None:
        if self.found:
            raise InvalidTaskFile([said for _, said in sorted(self.found)])


def checked(model: type[M], data: Any, at: Location, problems: Problems) -> M | None:
    """Returns ``data`` as the model has it, or None after each of its mistakes has been added to ``problems``."""
    try:
        return model.model_validate(data)
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            where = (*at, *error["loc"])
            problems.add(where, _say(error, model))
        return None


def _say(error: ErrorDetails, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return unknown_field(str(error["loc"][-1]), model)
    said = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    given = error["input"]
    # A URL may stand where somebody has forgotten the field that it belongs to.
    is_url = model in (DestinationModel, NotificationsModel) and error["type"] in ("list_type", "model_type")
    is_secret = is_url or _SECRET.intersection(map(str, error["loc"]))
    hidden = error["type"] in ("value_error", "missing") or is_secret
    shown = "" if hidden else f", found {str(given)[:60]!r}"
    return said + shown


def unknown_field(name: str, model: type[BaseModel]) -> str:
    """Returns what is said of a field that the model has not."""
    fields = [field.alias or key for key, field in model.model_fields.items()]
    return f"unknown field{did_you_mean(name, fields)}"


def did_you_mean(name: str, names: Collection[str]) -> str:
    """Returns the end of a sentence about an unknown name: the name that is like it, or those that there are."""
    if close := get_close_matches(name, names, n=1):
        return f"; did you mean {close[0]!r}?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; there is: {', '.join(sorted(names)[:_LISTED])}{more}" if names else ""

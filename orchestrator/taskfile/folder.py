"""A project's folder: which one it is, and what it calls its stacks."""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestrator.errors import InvalidProject
from orchestrator.stack import DEFAULT_PROJECT, PROJECT_NAME

#: The file that makes a folder a project.
TASKS = "tasks.yaml"

#: The file of what the stack has and stands in, beside its tasks.
STACK = "stack.yaml"


def nearest(start: Path) -> Path | None:
    """The folder with a ``tasks.yaml``: ``start``, or the nearest above it."""
    start = start.absolute()
    return next((folder for folder in (start, *start.parents) if (folder / TASKS).is_file()), None)


def name_of(root: Path) -> str:
    """What the stacks of the project in ``root`` begin with: ``name`` of stack.yaml.

    Nothing else of the file is read, so that commands which only look at a stack know quickly which one it is. Raises
    :class:`~orchestrator.errors.InvalidProject`: a stack by another name may be somebody else's.
    """
    path = root / STACK
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return DEFAULT_PROJECT
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidProject([f"{STACK}{line}: this is not YAML: {getattr(fault, 'problem', fault)}"]) from fault
    name = said.get("name") if isinstance(said, dict) else None
    if name is None:
        return DEFAULT_PROJECT
    if not isinstance(name, str) or not PROJECT_NAME.fullmatch(name):
        raise InvalidProject([f"{STACK}: name: expected 1 to 12 of a-z and 0-9, a letter first, found {name!r}"])
    return name

"""What becomes of another scheduler's entries: tasks, and those that are refused with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from orchestrator.schedules import Schedule

#: Next times of both sides that are compared, and shown.
SHOWN = 3

Fires = Callable[[datetime], Iterable[datetime]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A task to be, and when its original fires."""

    id: str
    #: Where the original stands, like ``crontab:12``.
    origin: str
    expressions: tuple[str, ...]
    timezone: str = "UTC"
    description: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    #: Attempts in all, where the original says.
    attempts: int | None = None
    #: What it runs, in the original's words: a handler is to be written for it.
    command: str = ""
    #: Of a function or a state machine that is there already.
    arn: str | None = None
    #: When the original fires after a moment, in order; None if it fires as the expressions do.
    fires: Fires | None = None
    #: What could not be carried over.
    notes: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module of its handler."""
        name = re.sub(r"\W+", "_", self.id.lower()).strip("_")
        return name if not name[:1].isdigit() else f"task_{name}"

    def next_new(self, now: datetime) -> list[datetime]:
        """When the task fires, as EventBridge Scheduler will have it."""
        found: set[datetime] = set()
        for expression in self.expressions:
            schedule, moment = Schedule.of(expression, self.timezone), now
            for _ in range(SHOWN):
                following = schedule.next_after(moment)
                if following is None:
                    break
                found.add(following)
                moment = following
        return sorted(found)[:SHOWN]

    def next_old(self, now: datetime) -> list[datetime]:
        """When the original fires."""
        return list(islice(self.fires(now), SHOWN)) if self.fires else self.next_new(now)


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The tasks that a source gives, and what could not be carried over."""

    entries: tuple[Entry, ...]
    #: Where, and why not.
    refused: tuple[tuple[str, str], ...] = ()


def distinct(name: str, taken: Sequence[str]) -> str:
    """A task's id made of a name: what ids may hold, and no other's."""
    made = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:44] or "task"
    number, found = 2, made
    while found.lower() in {one.lower() for one in taken}:
        found, number = f"{made}-{number}", number + 1
    return found


def files(converted: Converted) -> dict[str, str]:
    """The project's files that say it: tasks.yaml, a handler to be written for each command, stack.yaml."""
    written = {"tasks.yaml": _tasks(converted), "tests/test_project.py": _TEST}
    existing = {entry.id: entry.arn for entry in converted.entries if entry.arn}
    if existing:
        lines = "".join(f"  {name}: {arn}\n" for name, arn in existing.items())
        written["stack.yaml"] = f"# Functions and state machines that are there already.\nexisting:\n{lines}"
    for entry in converted.entries:
        if not entry.arn:
            written[f"lambdas/{entry.module}.py"] = _HANDLER.format(
                origin=entry.origin, command=_comment(entry.command, 4), said=json.dumps(f"write {entry.id}")
            )
    return written


_HANDLER = '''"""What {origin} has run so far, to be written:

{command}
"""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    raise NotImplementedError({said})
'''

_TEST = """from pathlib import Path

from orchestrator.deployment import Project


def test_the_project_would_be_deployed_as_it_is() -> None:
    project = Project.find(Path(__file__).parent)
    project.application(project.stack()).validate()
"""


def _tasks(converted: Converted) -> str:
    lines = ["# Converted by `orchestrator init`. `orchestrator preview TASK` says when a task is due.", "tasks:"]
    for entry in converted.entries:
        lines += [f"  # {entry.origin}", *(f"  # not carried over: {note}" for note in entry.notes)]
        lines.append(f"  {entry.id}:")
        if entry.description:
            lines.append(f"    description: {json.dumps(entry.description, ensure_ascii=False)}")
        target = f"workflow/{entry.id}" if entry.arn else f"lambda/{entry.module.replace('_', '-')}"
        lines.append(f"    run: {target}")
        if len(entry.expressions) == 1:
            lines.append(f"    schedule: {entry.expressions[0]}")
        else:
            lines += ["    schedules:", *(f"      - {expression}" for expression in entry.expressions)]
        if entry.timezone != "UTC":
            lines.append(f"    timezone: {entry.timezone}")
        if entry.params:
            lines.append(f"    params: {json.dumps(entry.params, ensure_ascii=False)}")
        if entry.attempts:
            lines.append(f"    retry: {entry.attempts}")
        lines.append("")
    lines += [
        "  watchdog:",
        "    description: Finds what nobody has run, what died without a word, and pauses that are over.",
        "    run: lambda/watchdog",
        "    schedule: rate(5 minutes)",
        "    timeout: 4m",
        "    retry: false",
        "    idempotent: true",
    ]
    lines += [f"\n# refused: {origin}: {why}" for origin, why in converted.refused]
    return "\n".join([*lines, ""])


def _comment(text: str, indent: int) -> str:
    quoted = text.replace("\\", "\\\\").replace('"""', "'''")
    return "\n".join(" " * indent + line for line in (quoted or "?").splitlines())

"""What becomes of another scheduler's entries: tasks, and those that are refused with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from orchestrator import system
from orchestrator.schedules import Schedule
from orchestrator.tasks.task import TARGET_LENGTH

#: Next times of both sides that are compared, and shown.
SHOWN = 3

#: The task that is written beside those that are converted.
_WATCHDOG = "watchdog"

Fires = Callable[[datetime], Iterable[datetime]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A task to be, and when its original fires."""

    id: str
    #: Where the original stands, like ``crontab:12``.
    origin: str
    expressions: tuple[str, ...]
    #: A pattern of EventBridge, where events start it.
    pattern: Mapping[str, Any] = field(default_factory=dict)
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
    return _unused(made, {_WATCHDOG, *(one.lower() for one in taken)}, length=48)


def _unused(name: str, taken: Collection[str], *, length: int) -> str:
    """A name, cut to its length, with a number where it is taken in whatever case."""
    number, found = 2, name[:length]
    while found.lower() in taken:
        found, number = f"{name[: length - len(str(number)) - 1]}-{number}", number + 1
    return found


def _targets(converted: Converted) -> dict[str, str]:
    """What each task runs, by its id: names of functions and workflows, no two alike and none that every stack has."""
    taken = {function.name for function in system.FUNCTIONS}
    found: dict[str, str] = {}
    for entry in converted.entries:
        made = re.sub(r"[^a-z0-9]+", "-", entry.id.lower()).strip("-") or "task"
        name = _unused(f"task-{made}" if made[0].isdigit() else made, taken, length=TARGET_LENGTH)
        taken.add(name)
        found[entry.id] = name
    return found


def files(converted: Converted) -> dict[str, str]:
    """The project's files that say it: tasks.yaml, a handler to be written for each command, stack.yaml."""
    targets = _targets(converted)
    written = {"tasks.yaml": _tasks(converted, targets), "tests/test_project.py": _TEST}
    existing = {targets[entry.id]: entry.arn for entry in converted.entries if entry.arn}
    if existing:
        lines = "".join(f"  {name}: {arn}\n" for name, arn in existing.items())
        written["stack.yaml"] = f"# Functions and state machines that are there already.\nexisting:\n{lines}"
    for entry in converted.entries:
        if not entry.arn:
            written[f"lambdas/{targets[entry.id].replace('-', '_')}.py"] = _HANDLER.format(
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


def _tasks(converted: Converted, targets: Mapping[str, str]) -> str:
    lines = ["# Converted by `orchestrator init`. `orchestrator preview TASK` says when a task is due.", "tasks:"]
    for entry in converted.entries:
        lines += [f"  # {entry.origin}", *(f"  # not carried over: {note}" for note in entry.notes)]
        lines.append(f"  {entry.id}:")
        if entry.description:
            lines.append(f"    description: {json.dumps(entry.description, ensure_ascii=False)}")
        lines.append(f"    run: {'workflow' if entry.arn else 'lambda'}/{targets[entry.id]}")
        if entry.pattern:
            lines.append(f"    on: {{pattern: {json.dumps(entry.pattern, ensure_ascii=False)}}}")
        elif len(entry.expressions) == 1:
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

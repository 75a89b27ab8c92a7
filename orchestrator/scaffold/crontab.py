"""Tasks of a crontab."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from orchestrator.scaffold.converted import Converted, Entry, distinct
from orchestrator.scaffold.cron import PRESETS, UnixCron

_ASSIGNMENT = re.compile(r"(?P<name>\w+)\s*=\s*(?P<value>.*)")

#: What only runs something else.
_RUNNERS = frozenset(
    {"[", "]", "bash", "cd", "flock", "ionice", "nice", "php", "python", "python3", "sh", "sudo", "test"}
)

#: What says whose time zone is meant ("crontab(5)" of cronie). TZ alone is the commands' own there.
_ZONE = "CRON_TZ"


def read(file: Path, timezone: str = "UTC") -> Converted:
    """Reads a crontab; ``timezone`` is the machine's, which a crontab does not name.

    One of the system (``/etc/crontab``, ``/etc/cron.d``) has a user before the command.
    """
    has_user = file.name == "crontab" or "cron.d" in file.parts
    entries: list[Entry] = []
    refused: list[tuple[str, str]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        text, origin = line.strip(), f"{file.name}:{number}"
        if not text or text.startswith("#"):
            continue
        if (found := _ASSIGNMENT.fullmatch(text)) and not text[0].isdigit():
            value = found["value"].strip("'\" ")
            if found["name"] == "TZ":
                refused.append((origin, "TZ is the time zone of commands; when they start, CRON_TZ or --timezone says"))
            elif found["name"] != _ZONE:
                refused.append((origin, f"{found['name']} is a variable of cron; handlers have their own environment"))
            elif _is_zone(value):
                timezone = value
            else:
                refused.append((origin, f"{value!r} is no time zone"))
            continue
        try:
            entries.append(_entry(text, origin, timezone, has_user, [entry.id for entry in entries]))
        except ValueError as fault:
            refused.append((origin, str(fault)))
    return Converted(entries=tuple(entries), refused=tuple(refused))


def _entry(text: str, origin: str, timezone: str, has_user: bool, taken: list[str]) -> Entry:
    count = 1 if text.startswith("@") else 5
    words = text.split(None, count + has_user)
    if len(words) <= count + has_user:
        raise ValueError("there is no command")
    expression, command = " ".join(words[:count]), words[-1]
    if expression == "@reboot":
        raise ValueError("@reboot is when a machine starts, and there is none")
    if expression.startswith("@") and expression not in PRESETS:
        raise ValueError(f"{expression} is not what cron knows")
    cron = UnixCron.of(expression)
    notes = []
    if re.search(r"(?<!\\)%", command):
        notes.append("what follows % is the command's input")
    if has_user:
        notes.append(f"the user {words[count]}")
    return Entry(
        id=distinct(_name(command), taken),
        origin=origin,
        expressions=cron.expressions(),
        timezone=timezone,
        command=command,
        fires=partial(cron.fires, timezone=timezone),
        notes=tuple(notes),
    )


def _name(command: str) -> str:
    """Names a task after the first script of a command, or else the first program that does not just run another."""
    words = [word for word in re.split(r"[\s;&|<>]+", command) if word and not word.startswith(("-", "$", "%"))]
    scripts = [word for word in words if re.search(r"\.(sh|py|pl|rb|php|js)$", word)]
    programs = [word for word in words if word.rsplit("/", 1)[-1] not in _RUNNERS and not word.endswith(".lock")]
    found = [*scripts, *programs]
    return re.sub(r"\.\w+$", "", found[0].rsplit("/", 1)[-1]) if found else "task"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True

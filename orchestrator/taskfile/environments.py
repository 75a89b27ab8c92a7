"""Environments: what one tasks.yaml says of dev, staging and prod that differs.

An override stands where the thing itself does, below the environment's name: ``environments.prod.tasks.x.timeout``.
It is laid over the file before anything is checked, so that what an environment gets is checked as it will be. Who is
told is a list, and an environment that names any names all: ``environments.prod.alerts`` takes the place of ``alerts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: Where something is in the file: keys and indexes.
Location = tuple[str | int, ...]

_PARTS = ("alerts", "defaults", "tasks")

#: Two ways to say one thing: who says it one way takes back the other.
_EITHER = {"schedule": "schedules", "schedules": "schedule"}


def in_environment(
    data: Mapping[str, Any], environment: str, mistake: Callable[[Location, str], object]
) -> dict[str, Any]:
    """The file without ``environments``, as ``environment`` has it. One that the file does not name has no overrides.

    ``mistake`` is called with the place of each mistake of any environment, and what it is.
    """
    plain = {name: value for name, value in data.items() if name != "environments"}
    environments = data.get("environments") or {}
    if not isinstance(environments, Mapping):
        mistake(("environments",), "expected a mapping of environments")
        return plain
    wrong = False
    for at, said in _mistakes(environments, data["tasks"]):
        mistake(at, said)
        wrong = True
    overrides = environments.get(environment) or {}
    if wrong or not overrides:
        return plain
    defaults = over(data.get("defaults") or {}, overrides.get("defaults") or {})
    tasks = dict(data["tasks"])
    for task_id, fields in (overrides.get("tasks") or {}).items():
        if fields.get("enabled", True):
            tasks[task_id] = _overridden(tasks[task_id], fields)
        else:
            del tasks[task_id]
    alerts = {"alerts": overrides["alerts"]} if "alerts" in overrides else {}
    return {**plain, **alerts, "defaults": defaults, "tasks": tasks}


def over(defaults: Any, fields: Any) -> Any:
    """Fields over those that they override; a retry in detail keeps what it does not say."""
    if not (isinstance(defaults, Mapping) and isinstance(fields, Mapping)):
        return fields
    merged = {**defaults, **fields}
    if isinstance(defaults.get("retry"), Mapping) and isinstance(fields.get("retry"), Mapping):
        merged["retry"] = {**defaults["retry"], **fields["retry"]}
    return merged


def _overridden(task: Any, fields: Mapping[str, Any]) -> Any:
    if not isinstance(task, Mapping):
        return task
    taken_back = {other for field, other in _EITHER.items() if field in fields}
    kept = {name: value for name, value in task.items() if name not in taken_back}
    return over(kept, {name: value for name, value in fields.items() if name != "enabled"})


def _mistakes(environments: Mapping[str, Any], tasks: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    for name, overrides in environments.items():
        at: Location = ("environments", str(name))
        if not isinstance(overrides, Mapping | None):
            yield at, "expected a mapping with alerts, defaults and tasks"
            continue
        for part, values in (overrides or {}).items():
            if part not in _PARTS:
                yield (*at, str(part)), f"unknown field; there is: {', '.join(_PARTS)}"
            elif not isinstance(values, Mapping | None):
                yield (*at, part), "expected a mapping"
        yield from _task_mistakes((*at, "tasks"), (overrides or {}).get("tasks"), tasks)


def _task_mistakes(at: Location, overrides: Any, tasks: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    for task_id, fields in overrides.items() if isinstance(overrides, Mapping) else ():
        if task_id not in tasks:
            yield (*at, str(task_id)), "there is no such task in tasks; declare it there, and override it here"
        elif not isinstance(fields, Mapping):
            yield (*at, str(task_id)), "expected a mapping"
        elif not isinstance(fields.get("enabled", True), bool):
            yield (*at, str(task_id), "enabled"), "expected true or false"

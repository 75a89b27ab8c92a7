"""tasks.yaml: what a user edits.

Every mistake is reported at once, with its file, line and field, the value, and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestrator.runs.destinations import Destination
from orchestrator.schedules.calendars import Calendar
from orchestrator.taskfile import source
from orchestrator.taskfile.calendar_models import CalendarModel
from orchestrator.taskfile.chains import chained
from orchestrator.taskfile.destination_models import DestinationModel, NotificationsModel
from orchestrator.taskfile.environments import Location, in_environment, over
from orchestrator.taskfile.fields import dollars
from orchestrator.taskfile.limit_models import PoolModel
from orchestrator.taskfile.maintenance_models import Maintenance, MaintenanceModel
from orchestrator.taskfile.models import DefaultsModel, FileModel, TaskModel
from orchestrator.taskfile.problems import Problems, checked, did_you_mean, unknown_field
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.records import CLOSURES_LIMIT_BYTES, closures_text
from orchestrator.tasks.task import TASK_ID_PATTERN, TargetKind, Task


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The contents of tasks.yaml."""

    tasks: tuple[Task, ...]
    #: Who is told.
    destinations: tuple[Destination, ...]
    #: Dollars a month that the tasks of an owner should not cost more than.
    budgets: Mapping[str, Decimal] = field(default_factory=dict)


def load(
    path: Path,
    *,
    today: date,
    known_functions: Collection[str] | None = None,
    known_workflows: Collection[str] | None = None,
    environment: str = "",
) -> tuple[Task, ...]:
    """The tasks of a file; see :func:`read`."""
    return read(
        path,
        today=today,
        known_functions=known_functions,
        known_workflows=known_workflows,
        environment=environment,
    ).tasks


def read(
    path: Path,
    *,
    today: date,
    known_functions: Collection[str] | None = None,
    known_workflows: Collection[str] | None = None,
    environment: str = "",
) -> Declared:
    """Reads a file for ``environment``; ``today`` is the day for which calendars are worked out.

    Where the names of functions or workflows are given, a task must run one of them. Raises :class:`InvalidTaskFile`
    with every mistake.
    """
    problems = Problems(path.name)
    problems.lines[()] = 1
    whole = source.read(path, problems)
    data = in_environment(whole, environment, problems.add)
    # What an environment overrides stands in its own lines.
    overridden = {at[2:]: line for at, line in problems.lines.items() if at[:2] == ("environments", environment)}
    problems.lines |= {at: line for at, line in overridden.items() if at}
    known = {TargetKind.LAMBDA: known_functions, TargetKind.WORKFLOW: known_workflows}
    each = tuple(_tasks(data, problems, known, today))
    tasks = chained(each, list(map(str, data["tasks"])), today, problems.in_after)
    # An entry may name a task that this environment leaves out.
    everything = [over(one.get("defaults") or {}, task) for one in (whole, data) for task in one["tasks"].values()]
    owners = {str(one.get("owner", "")) for one in everything if isinstance(one, Mapping)}
    task_ids = {str(task_id) for task_id in whole["tasks"]}
    destinations = tuple(_destinations(data, problems, task_ids, owners))
    tags = {str(tag) for one in everything if isinstance(one, Mapping) for tag in _listed(one.get("tags"))}
    _check_maintenance(data.get("maintenance"), problems, {"tasks": task_ids, "owners": owners, "tags": tags})
    budgets = dict(_budgets(data.get("budgets") or {}, problems, owners - {""}))
    problems.raise_if_any()
    return Declared(tasks=tasks, destinations=destinations, budgets=budgets)


def _tasks(
    data: Mapping[str, Any],
    problems: Problems,
    known: Mapping[TargetKind, Collection[str] | None],
    today: date,
) -> Iterator[Task]:
    for name in data.keys() - FileModel.model_fields.keys():
        problems.add((str(name),), unknown_field(str(name), FileModel))
    defaults = data.get("defaults") or {}
    if checked(DefaultsModel, defaults, ("defaults",), problems) is None:
        defaults = {}
    calendars = _calendars(data.get("calendars") or {}, defaults, problems)
    pools = dict(_pools(data.get("pools") or {}, problems))
    maintenance = list(_maintenance(data.get("maintenance") or {}, defaults, problems, today))
    for task_id, fields in data["tasks"].items():
        at: Location = ("tasks", str(task_id))
        if not re.fullmatch(TASK_ID_PATTERN, str(task_id)):
            problems.add(at, "expected an id of letters, digits, - and _, at most 48 of them")
        model = checked(TaskModel, over(defaults, fields), at, problems)
        if model is not None:
            for name in model.calendars:
                if name not in calendars:
                    said = f"there is no calendar {name!r}{did_you_mean(name, calendars)}"
                    problems.add((*at, "calendars"), said)
            closed = [calendars[name] for name in model.calendars if name in calendars]
            task = model.to_task(str(task_id), closed, today, maintenance)
            size = len(closures_text(task.closures))
            if size > CLOSURES_LIMIT_BYTES:
                said = (
                    f"calendars and maintenance: expected at most {CLOSURES_LIMIT_BYTES} bytes of closures through"
                    f" the end of next year, found {size}: what recurs so often is a schedule"
                )
                problems.add(at, said)
            if model.pool is not None and model.pool not in pools:
                problems.add((*at, "pool"), f"there is no pool {model.pool!r}{did_you_mean(model.pool, pools)}")
            if model.pool in pools:
                task = replace(task, pool=pools[model.pool])
            if task.is_system and task.limit is not None:
                problems.add(at, "expected neither pool nor atOnce: nothing may hold up what looks after the others")
            if model.express is True:
                for why in obstacles(task):
                    problems.add((*at, "express"), f"expected no express, or auto: {why}")
            for number, event in enumerate(model.on):
                if event.task and not event.stack and (said := _no_other_task(event.task, str(task_id), data["tasks"])):
                    problems.add((*at, "on", number, "task"), said)
            names = known[task.target.kind]
            if names is not None and task.target.name not in names:
                said = f"there is no {task.target.kind} {task.target.name!r}{did_you_mean(task.target.name, names)}"
                problems.add((*at, "run"), said)
            yield task


def _no_other_task(named: str, task_id: str, task_ids: Collection[str]) -> str:
    if named == task_id:
        return "a task cannot start itself by what becomes of it: each run would be followed by another"
    return "" if named in task_ids else f"there is no task {named!r}{did_you_mean(named, list(map(str, task_ids)))}"


def _budgets(data: Any, problems: Problems, owners: Collection[str]) -> Iterator[tuple[str, Decimal]]:
    if not isinstance(data, dict):
        problems.add(("budgets",), "expected a mapping of owners to dollars a month")
        return
    for owner, amount in data.items():
        if owner not in owners:
            problems.add(("budgets", str(owner)), f"no task has the owner {owner!r}{did_you_mean(str(owner), owners)}")
            continue
        try:
            yield str(owner), Decimal(f"{dollars(amount):.12g}")
        except ValueError as fault:
            problems.add(("budgets", str(owner)), str(fault))


def _calendars(data: Any, defaults: Mapping[str, Any], problems: Problems) -> dict[str, Calendar]:
    if not isinstance(data, dict):
        problems.add(("calendars",), "expected a mapping of calendars")
        return {}
    timezone = str(defaults.get("timezone", DefaultsModel().timezone))
    models = {
        str(name): checked(CalendarModel, value, ("calendars", str(name)), problems) for name, value in data.items()
    }
    return {name: model.to_calendar(name, timezone) for name, model in models.items() if model is not None}


def _pools(data: Any, problems: Problems) -> Iterator[tuple[str, Limit]]:
    if not isinstance(data, dict):
        problems.add(("pools",), "expected a mapping of pools")
        return
    for name, value in data.items():
        if not re.fullmatch(TASK_ID_PATTERN, str(name)):
            problems.add(("pools", str(name)), "expected a name of letters, digits, - and _, at most 48 of them")
        model = checked(PoolModel, value or {}, ("pools", str(name)), problems)
        if model is not None:
            yield str(name), model.to_limit(str(name))


def _maintenance(data: Any, defaults: Mapping[str, Any], problems: Problems, today: date) -> Iterator[Maintenance]:
    if not isinstance(data, dict):
        problems.add(("maintenance",), "expected a mapping of maintenance windows")
        return
    timezone = str(defaults.get("timezone", DefaultsModel().timezone))
    for name, value in data.items():
        model = checked(MaintenanceModel, value, ("maintenance", str(name)), problems)
        if model is not None:
            yield model.to_maintenance(str(name), timezone, today)


def _check_maintenance(data: Any, problems: Problems, known: Mapping[str, Collection[str]]) -> None:
    """Whose a window is must be somebody."""
    missing = {"tasks": "there is no task", "owners": "no task has the owner", "tags": "no task has the tag"}
    for window, fields in data.items() if isinstance(data, Mapping) else ():
        for part, said in missing.items() if isinstance(fields, Mapping) else ():
            for name in _listed(fields.get(part)):
                if name not in known[part]:
                    close = did_you_mean(str(name), [one for one in known[part] if one])
                    problems.add(("maintenance", str(window), part), f"{said} {name!r}{close}")


def _listed(value: Any) -> Collection[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _destinations(
    data: Mapping[str, Any], problems: Problems, task_ids: Collection[str], owners: Collection[str]
) -> Iterator[Destination]:
    alerts = data.get("alerts")
    # One by one, so that a mistake in one entry does not hide who the others are.
    entries = alerts.get("to") if isinstance(alerts, Mapping) else None
    if alerts is not None and (not isinstance(entries, list) or set(alerts) != {"to"}):
        checked(NotificationsModel, alerts, ("alerts",), problems)
        return
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries or []):
        at: Location = ("alerts", "to", number)
        model = checked(DestinationModel, entry, at, problems)
        if model is None:
            continue
        destination = model.to_destination()
        for part, named, known in (("tasks", model.tasks, task_ids), ("owners", model.owners, owners)):
            for name in named:
                if name not in known:
                    said = f"there is no task {name!r}" if part == "tasks" else f"no task has the owner {name!r}"
                    problems.add((*at, part), said + did_you_mean(name, [one for one in known if one]))
        if (first := seen.setdefault(destination.key, number)) != number:
            said = f"the same {destination.kind} as alerts.to[{first}]: one entry says all that it is told"
            problems.add((*at, str(destination.kind)), said)
        yield destination

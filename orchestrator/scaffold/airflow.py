"""Tasks of a folder of Airflow's DAGs: read as sources, for nothing of them is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.errors import InvalidTimezone
from orchestrator.scaffold.converted import Converted, Entry, distinct
from orchestrator.scaffold.cron import PRESETS, UnixCron
from orchestrator.schedules import Schedule

#: Names of the argument that is the schedule, the newest first.
_SCHEDULES = ("schedule", "schedule_interval", "timetable")

#: Timetables that are a cron expression in a time zone.
_CRON_TIMETABLES = ("CronDataIntervalTimetable", "CronTriggerTimetable")

#: Stands for what is only known when the file runs.
_UNKNOWN = object()


def read(folder: Path) -> Converted:
    """Reads the ids, schedules, time zones and retries of the DAGs below a folder."""
    entries: list[Entry] = []
    refused: list[tuple[str, str]] = []
    for path in sorted(folder.rglob("*.py")):
        shown = path.relative_to(folder).as_posix()
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as fault:
            refused.append((shown, f"this is not Python: {fault}"))
            continue
        constants = {
            target.id: statement.value
            for statement in ast.walk(tree)
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        for name, call in _dags(tree):
            origin = f"{shown}:{call.lineno}"
            try:
                entries.append(_entry(name, call, constants, origin, [entry.id for entry in entries], tree))
            except (ValueError, InvalidTimezone) as fault:
                refused.append((origin, str(fault)))
    return Converted(entries=tuple(entries), refused=tuple(refused))


def _dags(tree: ast.Module) -> Iterator[tuple[str | None, ast.Call]]:
    """Yields each call that makes a DAG, and the name of the function if a decorator makes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and _called(decorator) == "dag":
                    yield node.name, decorator
        elif isinstance(node, ast.Call) and _called(node) == "DAG":
            yield None, node


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _entry(
    name: str | None, call: ast.Call, constants: dict[str, ast.expr], origin: str, taken: list[str], tree: ast.Module
) -> Entry:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    named = given.get("dag_id") or (call.args[0] if call.args else None)
    dag_id = _value(named, constants) if named is not None else name
    if not isinstance(dag_id, str):
        raise ValueError("its dag_id is worked out when it runs")
    written = next((given[one] for one in _SCHEDULES if one in given), None)
    if written is None:
        raise ValueError(f"{dag_id} names no schedule: Airflow 3 leaves it to people, Airflow 2 starts it every day")
    timezone = _timezone(given.get("start_date"), constants)
    schedule = _value(written, constants)
    if isinstance(written, ast.Call) and _called(written) in _CRON_TIMETABLES:
        schedule, timezone = _of_timetable(written, constants, timezone)
    expressions, cron = _expressions(dag_id, schedule, written, timezone)
    notes = ["its tasks, which are to be written: a handler, or a workflow in definitions/"]
    defaults = _value(given.get("default_args"), constants)
    retries = defaults.get("retries") if isinstance(defaults, dict) else None
    if cron:
        notes.append("its data interval: a run is told its slot, which is when the interval ends")
    else:
        notes.append("what its timedelta counts from: the first slot may be at another minute")
    if _value(given.get("catchup"), constants) is True:
        notes.append("catchup; `orchestrator backfill` runs slots of the past")
    notes += [f"its {one}" for one in ("end_date", "max_active_runs", "on_failure_callback") if one in given]
    calls = {_called(one) for one in ast.walk(tree) if isinstance(one, ast.Call)}
    operators = sorted(name for name in calls if name.endswith("Operator"))
    return Entry(
        id=distinct(dag_id, taken),
        origin=origin,
        expressions=expressions,
        timezone=timezone,
        description=str(_value(given.get("description"), constants) or "") if "description" in given else "",
        attempts=retries + 1 if isinstance(retries, int) and 0 <= retries < 20 else None,
        command=f"DAG {dag_id}" + (f", with {', '.join(operators)}" if operators else ""),
        fires=partial(cron.fires, timezone=timezone) if cron else None,
        notes=tuple(notes),
    )


def _of_timetable(call: ast.Call, constants: dict[str, ast.expr], timezone: str) -> tuple[Any, str]:
    """Returns the cron expression of a timetable, and the time zone that it names."""
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    zone = _value(given.get("timezone"), constants)
    if isinstance(zone, str):
        timezone = Schedule.of("rate(1 day)", zone).timezone
    return _value(call.args[0] if call.args else given.get("cron"), constants), timezone


def _expressions(
    dag_id: str, schedule: Any, written: ast.expr | None, timezone: str
) -> tuple[tuple[str, ...], UnixCron | None]:
    if schedule is None:
        raise ValueError(f"{dag_id} has no schedule: it is started by hand")
    if isinstance(schedule, timedelta):
        minutes, rest = divmod(schedule.total_seconds(), 60)
        if rest or minutes < 1:
            raise ValueError(f"{dag_id}: every {schedule} is no whole number of minutes")
        unit = "minute" if minutes == 1 else "minutes"
        return (str(Schedule.of(f"rate({int(minutes)} {unit})", timezone).expression),), None
    if not isinstance(schedule, str):
        shown = ast.unparse(written) if written is not None else "?"
        raise ValueError(f"{dag_id}: {shown} is no cron expression: datasets and timetables are not carried over")
    if schedule in ("@once", "@continuous") or (schedule.startswith("@") and schedule not in PRESETS):
        raise ValueError(f"{dag_id}: {schedule} has no slots")
    try:
        cron = UnixCron.of(schedule)
    except ValueError as fault:
        raise ValueError(f"{dag_id}: {schedule!r}: {fault}") from fault
    return cron.expressions(), cron


def _timezone(start: ast.expr | None, constants: dict[str, ast.expr]) -> str:
    """Returns a DAG's time zone, which its ``start_date`` says; Airflow's default is UTC."""
    if isinstance(start, ast.Name):
        start = constants.get(start.id)
    for node in ast.walk(start) if start is not None else ():
        if isinstance(node, ast.keyword) and node.arg in ("tz", "tzinfo", "timezone"):
            named = node.value.args[0] if isinstance(node.value, ast.Call) and node.value.args else node.value
            zone = _value(named, constants)
            if isinstance(zone, str):
                return Schedule.of("rate(1 day)", zone).timezone
    return "UTC"


def _value(node: ast.expr | None, constants: dict[str, ast.expr], depth: int = 0) -> Any:
    """Evaluates an expression without running code; ``_UNKNOWN`` if that is impossible."""
    if node is None or depth > 5:
        return None if node is None else _UNKNOWN
    if isinstance(node, ast.Name) and node.id in constants:
        return _value(constants[node.id], constants, depth + 1)
    if isinstance(node, ast.Call) and _called(node) == "timedelta":
        values = {one.arg: _value(one.value, constants, depth + 1) for one in node.keywords if one.arg}
        if all(isinstance(value, int | float) for value in values.values()) and not node.args:
            return timedelta(**values)
        return _UNKNOWN
    if isinstance(node, ast.Dict):
        return {
            _value(key, constants, depth + 1): _value(value, constants, depth + 1)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return _UNKNOWN

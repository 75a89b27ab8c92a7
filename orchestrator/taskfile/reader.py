"""tasks.yaml: what a user edits.

Every mistake is reported at once, with its file, line and field, the value, and what was expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.composer import Composer

from orchestrator.errors import InvalidTaskFile
from orchestrator.runs.destinations import Destination
from orchestrator.schedules.calendars import Calendar
from orchestrator.taskfile.chains import chained
from orchestrator.taskfile.destination_models import DestinationModel, NotificationsModel
from orchestrator.taskfile.environments import Location, in_environment, over
from orchestrator.taskfile.limit_models import PoolModel
from orchestrator.taskfile.maintenance_models import Maintenance, MaintenanceModel
from orchestrator.taskfile.models import CalendarModel, DefaultsModel, FileModel, TaskModel
from orchestrator.tasks.express import obstacles
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.records import CLOSURES_LIMIT_BYTES, closures_text
from orchestrator.tasks.task import TASK_ID_PATTERN, TargetKind, Task

#: A file with more nodes than this, aliases followed, is a mistake or an attack: it is a hundred for each of ten
#: thousand tasks.
_NODE_LIMIT = 1_000_000

_SWITCH, _TEXT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"

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


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The contents of tasks.yaml."""

    tasks: tuple[Task, ...]
    #: Who is told.
    destinations: tuple[Destination, ...]
    #: Dollars a month that the tasks of an owner should not cost more than.
    budgets: Mapping[str, Decimal] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """A date that no month has stays text, so that the field that wants a date can say where it stands."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


if yaml.__with_libyaml__:

    class _Parser(Composer, yaml.CSafeLoader):
        """Five times as fast. Nodes are put together in Python: libyaml's own way of doing so ends the process where
        they are nested too deeply.
        """

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)


class _Problems:
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
    problems = _Problems(path.name)
    problems.lines[()] = 1
    whole = _read(path, problems)
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
    budgets = dict(_budgets(data.get("budgets") or {}, problems, owners))
    problems.raise_if_any()
    return Declared(tasks=tasks, destinations=destinations, budgets=budgets)


def schema() -> str:
    """The JSON Schema of the file, for editors that complete it."""
    whole = FileModel.model_json_schema(by_alias=True)
    whole["properties"]["tasks"]["propertyNames"] = {"pattern": f"^{TASK_ID_PATTERN}$"}
    for definition in whole["$defs"].values():
        _admit_shorthand(definition.get("properties", {}))
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}, indent=2) + "\n"


def _admit_shorthand(properties: dict[str, Any]) -> None:
    """Adds the models' short forms to a schema: an expression alone, a number of attempts, a name alone."""
    if "routingKey" in properties:
        for name in ("owners", "tasks", "severities"):
            listed = {key: properties[name].pop(key) for key in ("items", "type")}
            properties[name]["anyOf"] = [listed["items"], listed]
    text, number, switch = {"type": "string"}, {"type": "integer", "minimum": 1}, {"type": "boolean"}
    if "schedules" in properties:
        properties["schedules"]["items"] = {"anyOf": [text, properties["schedules"]["items"]]}
        properties["schedule"]["anyOf"] = [text, *properties["schedule"]["anyOf"]]
    for name, keys in (("on", ("items", "maxItems", "type")), ("outcome", ("items", "minItems", "type"))):
        if name in properties:
            listed = {key: properties[name].pop(key) for key in keys}
            properties[name]["anyOf"] = [listed["items"], listed]
    if "retry" in properties:
        reference = properties["retry"].pop("$ref")
        properties["retry"]["anyOf"] = [number, switch, {"$ref": reference}]


def _read(path: Path, problems: _Problems) -> Mapping[str, Any]:
    """The file as plain values; every node's line is noted."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as fault:
        raise InvalidTaskFile([f"{path}: cannot be read: {fault.strerror}"]) from fault
    except UnicodeDecodeError as fault:
        raise InvalidTaskFile([f"{path.name}: expected UTF-8, found another encoding: {fault.reason}"]) from fault
    loader = _Loader(text)
    try:
        node = _single_node(text, loader)
        if node is None:
            raise InvalidTaskFile([f"{path.name}:1: expected a mapping with tasks, found nothing"])
        _note(node, (), problems, [0])
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        line = mark.line + 1 if mark else 1
        # What a schedule in a flow mapping runs into: * begins an alias there, and ? a key.
        cron = "alias" in str(fault.context) or "'?'" in str(fault.problem)
        hint = "; inside { } write an expression in quotes" if cron else ""
        said = f"{path.name}:{line}: this is not YAML: {fault.problem or fault.context}{hint}"
        raise InvalidTaskFile([said]) from fault
    except (yaml.YAMLError, RecursionError, ValueError) as fault:
        raise InvalidTaskFile([f"{path.name}: this is not YAML: {fault}"]) from fault
    if not isinstance(data, dict) or not isinstance(data.get("tasks"), dict):
        problems.add(("tasks",) if isinstance(data, dict) else (), "expected a mapping of tasks")
        problems.raise_if_any()
    return dict(data)


def _single_node(text: str, loader: _Loader) -> yaml.Node | None:
    """``loader``, which is slow, is everywhere, and says better what is wrong."""
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return _Parser(text).get_single_node()
    return loader.get_single_node()


def _note(node: yaml.Node, at: Location, problems: _Problems, count: list[int]) -> None:
    count[0] += 1
    if count[0] > _NODE_LIMIT:
        raise yaml.YAMLError(f"more than {_NODE_LIMIT} values")
    problems.lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == _SWITCH:
                # The field `on` is one of YAML's words for true.
                key.tag = _TEXT
            name = str(key.value)
            problems.lines[(*at, name)] = key.start_mark.line + 1
            if name in seen and name != "<<":
                problems.add((*at, name), "this name is used twice")
            seen.add(name)
            _note(value, (*at, name), problems, count)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note(value, (*at, index), problems, count)


def _tasks(
    data: Mapping[str, Any],
    problems: _Problems,
    known: Mapping[TargetKind, Collection[str] | None],
    today: date,
) -> Iterator[Task]:
    for name in data.keys() - FileModel.model_fields.keys():
        problems.add((str(name),), _unknown(str(name), FileModel))
    defaults = data.get("defaults") or {}
    if _checked(DefaultsModel, defaults, ("defaults",), problems) is None:
        defaults = {}
    calendars = _calendars(data.get("calendars") or {}, defaults, problems)
    pools = dict(_pools(data.get("pools") or {}, problems))
    maintenance = list(_maintenance(data.get("maintenance") or {}, defaults, problems, today))
    for task_id, fields in data["tasks"].items():
        at: Location = ("tasks", str(task_id))
        if not re.fullmatch(TASK_ID_PATTERN, str(task_id)):
            problems.add(at, "expected an id of letters, digits, - and _, at most 48 of them")
        model = _checked(TaskModel, over(defaults, fields), at, problems)
        if isinstance(model, TaskModel):
            for name in model.calendars:
                if name not in calendars:
                    said = f"there is no calendar {name!r}{_did_you_mean(name, calendars)}"
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
                problems.add((*at, "pool"), f"there is no pool {model.pool!r}{_did_you_mean(model.pool, pools)}")
            task = replace(task, pool=pools.get(model.pool or ""))
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
                said = f"there is no {task.target.kind} {task.target.name!r}{_did_you_mean(task.target.name, names)}"
                problems.add((*at, "run"), said)
            yield task


def _no_other_task(named: str, task_id: str, task_ids: Collection[str]) -> str:
    if named == task_id:
        return "a task cannot start itself by what becomes of it: each run would be followed by another"
    return "" if named in task_ids else f"there is no task {named!r}{_did_you_mean(named, list(map(str, task_ids)))}"


def _budgets(data: Any, problems: _Problems, owners: Collection[str]) -> Iterator[tuple[str, Decimal]]:
    if not isinstance(data, dict):
        problems.add(("budgets",), "expected a mapping of owners to dollars a month")
        return
    for owner, dollars in data.items():
        if owner not in owners:
            problems.add(("budgets", str(owner)), f"no task has the owner {owner!r}{_did_you_mean(str(owner), owners)}")
        elif isinstance(dollars, bool) or not isinstance(dollars, int | float) or dollars < 0:
            problems.add(("budgets", str(owner)), f"expected dollars a month, found {dollars!r}")
        else:
            yield str(owner), Decimal(f"{dollars:g}")


def _calendars(data: Any, defaults: Mapping[str, Any], problems: _Problems) -> dict[str, Calendar]:
    if not isinstance(data, dict):
        problems.add(("calendars",), "expected a mapping of calendars")
        return {}
    timezone = str(defaults.get("timezone", DefaultsModel().timezone))
    models = {
        str(name): _checked(CalendarModel, value, ("calendars", str(name)), problems) for name, value in data.items()
    }
    return {
        name: model.to_calendar(name, timezone) for name, model in models.items() if isinstance(model, CalendarModel)
    }


def _pools(data: Any, problems: _Problems) -> Iterator[tuple[str, Limit]]:
    if not isinstance(data, dict):
        problems.add(("pools",), "expected a mapping of pools")
        return
    for name, value in data.items():
        if not re.fullmatch(TASK_ID_PATTERN, str(name)):
            problems.add(("pools", str(name)), "expected a name of letters, digits, - and _, at most 48 of them")
        model = _checked(PoolModel, value or {}, ("pools", str(name)), problems)
        if isinstance(model, PoolModel):
            yield str(name), model.to_limit(str(name))


def _maintenance(data: Any, defaults: Mapping[str, Any], problems: _Problems, today: date) -> Iterator[Maintenance]:
    if not isinstance(data, dict):
        problems.add(("maintenance",), "expected a mapping of maintenance windows")
        return
    timezone = str(defaults.get("timezone", DefaultsModel().timezone))
    for name, value in data.items():
        model = _checked(MaintenanceModel, value, ("maintenance", str(name)), problems)
        if isinstance(model, MaintenanceModel):
            yield model.to_maintenance(str(name), timezone, today)


def _check_maintenance(data: Any, problems: _Problems, known: Mapping[str, Collection[str]]) -> None:
    """Whose a window is must be somebody."""
    missing = {"tasks": "there is no task", "owners": "no task has the owner", "tags": "no task has the tag"}
    for window, fields in data.items() if isinstance(data, Mapping) else ():
        for part, said in missing.items() if isinstance(fields, Mapping) else ():
            for name in _listed(fields.get(part)):
                if name not in known[part]:
                    close = _did_you_mean(str(name), [one for one in known[part] if one])
                    problems.add(("maintenance", str(window), part), f"{said} {name!r}{close}")


def _listed(value: Any) -> Collection[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _destinations(
    data: Mapping[str, Any], problems: _Problems, task_ids: Collection[str], owners: Collection[str]
) -> Iterator[Destination]:
    alerts = data.get("alerts")
    # One by one, so that a mistake in one entry does not hide who the others are.
    entries = alerts.get("to") if isinstance(alerts, Mapping) else None
    if alerts is not None and (not isinstance(entries, list) or set(alerts) != {"to"}):
        _checked(NotificationsModel, alerts, ("alerts",), problems)
        return
    seen: dict[str, int] = {}
    for number, entry in enumerate(entries or []):
        at: Location = ("alerts", "to", number)
        model = _checked(DestinationModel, entry, at, problems)
        if not isinstance(model, DestinationModel):
            continue
        destination = model.to_destination()
        for part, named, known in (("tasks", model.tasks, task_ids), ("owners", model.owners, owners)):
            for name in named:
                if name not in known:
                    said = f"there is no task {name!r}" if part == "tasks" else f"no task has the owner {name!r}"
                    problems.add((*at, part), said + _did_you_mean(name, [one for one in known if one]))
        if (first := seen.setdefault(destination.key, number)) != number:
            said = f"the same {destination.kind} as alerts.to[{first}]: one entry says all that it is told"
            problems.add((*at, str(destination.kind)), said)
        yield destination


def _checked(model: type[BaseModel], data: Any, at: Location, problems: _Problems) -> BaseModel | None:
    try:
        return model.model_validate(data)
    except ValidationError as fault:
        for error in fault.errors(include_url=False):
            where = (*at, *error["loc"])
            problems.add(where, _say(error, model))
        return None


def _say(error: ErrorDetails, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(str(error["loc"][-1]), model)
    said = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    given = error["input"]
    # A URL may stand where somebody has forgotten the field that it belongs to.
    is_url = model in (DestinationModel, NotificationsModel) and error["type"] in ("list_type", "model_type")
    is_secret = is_url or _SECRET.intersection(map(str, error["loc"]))
    hidden = error["type"] in ("value_error", "missing") or is_secret
    shown = "" if hidden else f", found {str(given)[:60]!r}"
    return said + shown


def _unknown(name: str, model: type[BaseModel]) -> str:
    fields = [field.alias or key for key, field in model.model_fields.items()]
    return f"unknown field{_did_you_mean(name, fields)}"


def _did_you_mean(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there is: {', '.join(sorted(names))}" if names else ""

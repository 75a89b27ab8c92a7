"""Tasks of EventBridge's rules and schedules, of an account or of what `aws` prints of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.clients import Clients
from orchestrator.errors import InvalidSchedule, InvalidTimezone
from orchestrator.scaffold.converted import Converted, Entry, distinct
from orchestrator.schedules import Schedule
from orchestrator.tasks.event_start import pattern_mistake
from orchestrator.tasks.rule_names import task_of_rule


def read(file: Path) -> Converted:
    """What a file holds: ``{"Rules": […]}`` with the ``Targets`` of each, ``{"Schedules": […]}`` with all that
    `get-schedule` says of each, or a list of either.

    Raises ValueError for anything else.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise ValueError(f"{file}: this is not JSON: {fault}") from fault
    listed = [*data.get("Rules", ()), *data.get("Schedules", ())] if isinstance(data, Mapping) else data
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
        raise ValueError(f"{file}: expected Rules or Schedules, or a list of them")
    return convert(listed, file.name)


def of_account(clients: Clients) -> Converted:
    """Reads the rules and schedules of the account in this region; it changes nothing."""
    events, scheduler = clients("events"), clients("scheduler")
    listed: list[Any] = []
    for page in events.get_paginator("list_rules").paginate():
        for rule in page["Rules"]:
            # Those that AWS itself manages are refused anyway.
            targets = [] if "ManagedBy" in rule else events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            listed.append({**rule, "Targets": targets})
    for schedules in scheduler.get_paginator("list_schedules").paginate():
        for one in schedules["Schedules"]:
            listed.append(scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]))
    return convert(listed, "EventBridge")


def convert(listed: list[Any], source: str) -> Converted:
    """Rules and schedules as tasks that run what they have run so far."""
    entries: list[Entry] = []
    refused: list[tuple[str, str]] = []
    for one in listed:
        origin = f"{source}: {one.get('Name', '?')}"
        try:
            entries += _entries(one, origin, [entry.id for entry in entries])
        except (ValueError, InvalidSchedule, InvalidTimezone) as fault:
            refused.append((origin, str(fault)))
    return Converted(entries=tuple(entries), refused=tuple(refused))


def _entries(one: Mapping[str, Any], origin: str, taken: list[str]) -> Iterator[Entry]:
    expression, pattern = one.get("ScheduleExpression"), json.loads(one.get("EventPattern") or "{}")
    if not expression and not pattern:
        raise ValueError("it has neither a schedule nor a pattern")
    if one.get("ManagedBy") or task_of_rule(str(one.get("Name"))):
        raise ValueError(f"it is managed by {one.get('ManagedBy') or 'orchestrator apply'}")
    if mistake := pattern_mistake(pattern) if pattern and not expression else None:
        raise ValueError(mistake)
    if str(one.get("State", "ENABLED")).startswith("DISABLED"):
        raise ValueError("it is disabled")
    timezone = one.get("ScheduleExpressionTimezone") or "UTC"
    expressions = (str(Schedule.of(expression, timezone).expression),) if expression else ()
    targets = one.get("Targets") or ([one["Target"]] if one.get("Target") else [])
    if not targets:
        raise ValueError("it has no target")
    notes = ["its pattern: it starts by its schedule alone"] if expression and pattern else []
    if expression and expression.startswith("rate"):
        notes.append("what its rate counts from: the first slot may be at another minute")
    if one.get("FlexibleTimeWindow", {}).get("Mode") == "FLEXIBLE":
        notes.append("its flexible time window; `spread` of a task is alike")
    notes += [f"its {name}" for name in ("StartDate", "EndDate", "KmsKeyArn") if one.get(name)]
    names = list(taken)
    for target in targets:
        arn = str(target.get("Arn", ""))
        service = arn.split(":")[2] if arn.count(":") > 2 else ""
        if service not in ("lambda", "states") or (service == "states" and ":stateMachine:" not in arn):
            raise ValueError(f"its target is neither a function nor a state machine: {arn}")
        name = distinct(str(one["Name"]), names)
        names.append(name)
        params, more = _params(target)
        yield Entry(
            id=name,
            origin=origin,
            expressions=expressions,
            pattern=pattern if not expression else {},
            timezone=timezone,
            description=str(one.get("Description") or ""),
            params=params,
            arn=arn,
            notes=(*notes, *more, "its target gets {taskId, slot, params, …} instead of its own input"),
        )


def _params(target: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    if target.get("InputTransformer") or target.get("InputPath"):
        return {}, ["how it transforms its input"]
    try:
        given = json.loads(target.get("Input") or "{}")
    except ValueError:
        given = target["Input"]
    return (given, []) if isinstance(given, dict) else ({"input": given}, [])

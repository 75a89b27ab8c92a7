"""A task's record in the registry: the declared part of it, as values and as an item of DynamoDB.

The record holds what is *declared* beside what is *run time* (the lease of the running execution, the pause, the count
of consecutive failures). Whoever writes the declared part writes nothing else, so that a deploy never overwrites
run-time state.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from orchestrator import instants
from orchestrator.dynamodb import Fields, to_item
from orchestrator.schedules.calendars import Closure, OnClosed
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.tasks.event_start import EventStart, WhenAbsent
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.price import Price
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import (
    NOT_YET_SECONDS,
    Alerting,
    CatchUp,
    OverlapPolicy,
    Target,
    TargetKind,
    Task,
    TaskSchedule,
)
from orchestrator.tasks.upstream import OnDeadline, OnFailure, SlotOf, Upstream

#: Largest text of a task's closures: the record stays far below the 256 KiB that a state may hold.
CLOSURES_LIMIT_BYTES = 100_000


def item_of(task: Task) -> dict[str, Any]:
    """Returns the declared part of the record, as DynamoDB's low-level client takes it."""
    return to_item(values_of(task))


def values_of(task: Task) -> dict[str, Any]:
    """Returns the declared part of the record as plain values, by attribute."""
    return {
        "taskId": task.id,
        "kind": task.target.kind,
        "target": task.target.name,
        "schedules": [
            {
                "expression": s.expression,
                "timezone": s.timezone,
                "spreadMinutes": s.spread_minutes,
                "start": s.start or None,
                "end": s.end or None,
            }
            for s in task.schedules
        ],
        # Text: nobody but a deployment reads them.
        "on": json.dumps([start.to_value() for start in task.starts], sort_keys=True, ensure_ascii=False),
        "whenAbsent": task.when_absent,
        # Text: the runner hands params on as they are, and a nested attribute value would need unwrapping.
        "params": json.dumps(task.params, sort_keys=True, ensure_ascii=False),
        "timeoutSeconds": task.timeout_seconds,
        "leaseSeconds": task.lease_seconds,
        "retry": {
            "maxAttempts": task.retry.max_attempts,
            "intervalSeconds": task.retry.interval_seconds,
            "backoffRate": Decimal(f"{task.retry.backoff_rate:g}"),
            "maxDelaySeconds": task.retry.max_delay_seconds,
            "neverOn": task.retry.never_on,
        },
        "overlap": task.overlap,
        "idempotent": task.idempotent,
        "express": task.express,
        "nonexistent": task.nonexistent,
        "ambiguous": task.ambiguous,
        "closures": closures_text(task.closures),
        "onClosed": task.on_closed,
        **_numbers(task),
        "catchUp": task.catch_up,
        "budget": task.budget or None,
        "ownersBudget": task.owners_budget or None,
        "rates": task.rates.to_value() if task.rates else None,
        # What TaskRunner works a run's cost out from.
        "price": task.price.to_value() if task.price else None,
        "alerts": {
            "failures": task.alerts.failures,
            "of": task.alerts.of,
            "quietSeconds": task.alerts.quiet_seconds,
        },
        **_said_of_others(task),
        "owner": task.owner,
        "tags": task.tags,
        "description": task.description,
        "runbook": task.runbook,
    }


def task_of(item: Mapping[str, Any]) -> Task:
    """Returns the task of a record.

    Raises :class:`KeyError` or :class:`ValueError` if :func:`item_of` did not make it.
    """
    fields = Fields(item)
    retry, alerts = fields.map("retry"), fields.map("alerts")
    return Task(
        id=fields.get("taskId", str),
        target=Target(kind=TargetKind(fields.get("kind", str)), name=fields.get("target", str)),
        schedules=tuple(
            TaskSchedule(
                expression=schedule.get("expression", str),
                timezone=schedule.get("timezone", str),
                spread_minutes=schedule.get("spreadMinutes", int),
                start=schedule.find("start", str) or "",
                end=schedule.find("end", str) or "",
            )
            for schedule in fields.maps("schedules")
        ),
        starts=tuple(map(EventStart.from_value, json.loads(fields.find("on", str) or "[]"))),
        when_absent=WhenAbsent(fields.find("whenAbsent", str) or WhenAbsent.RUN),
        params=json.loads(fields.get("params", str)),
        timeout_seconds=fields.get("timeoutSeconds", int),
        retry=RetryPolicy(
            max_attempts=retry.get("maxAttempts", int),
            interval_seconds=retry.get("intervalSeconds", int),
            backoff_rate=retry.get("backoffRate", float),
            max_delay_seconds=retry.get("maxDelaySeconds", int),
            never_on=retry.texts("neverOn"),
        ),
        overlap=OverlapPolicy(fields.get("overlap", str)),
        idempotent=fields.get("idempotent", bool),
        express=fields.find("express", bool) or False,
        nonexistent=Nonexistent(fields.get("nonexistent", str)),
        ambiguous=Ambiguous(fields.get("ambiguous", str)),
        closures=tuple(map(_closure, json.loads(fields.get("closures", str)))),
        on_closed=OnClosed(fields.get("onClosed", str)),
        grace_seconds=fields.get("graceSeconds", int),
        catch_up=CatchUp(fields.get("catchUp", str)),
        catch_up_window_seconds=fields.get("catchUpWindowSeconds", int),
        min_duration_seconds=fields.get("minDurationSeconds", int),
        max_duration_seconds=fields.get("maxDurationSeconds", int),
        pause_after_failures=fields.get("pauseAfterFailures", int),
        **_money(fields),
        heartbeat_seconds=fields.find("heartbeatSeconds", int) or 0,
        approval_seconds=fields.find("approvalSeconds", int) or 0,
        not_yet_seconds=fields.find("notYetSeconds", int) or NOT_YET_SECONDS,
        alerts=Alerting(
            failures=alerts.get("failures", int),
            of=alerts.get("of", int),
            quiet_seconds=alerts.get("quietSeconds", int),
        ),
        **_links(fields),
        owner=fields.get("owner", str),
        tags=fields.texts("tags") if "tags" in fields else (),
        description=fields.get("description", str),
        runbook=fields.get("runbook", str),
    )


def closures_text(closures: Iterable[Closure]) -> str:
    """Returns closures as the JSON text of the record."""
    return json.dumps([_closure_value(closure) for closure in closures])


def _said_of_others(task: Task) -> dict[str, Any]:
    """What concerns other tasks: None where there is nothing to say, so that a plain task's record stays small."""
    values = {
        "after": [{"task": one.task_id, "slot": one.slot} for one in task.after],
        "deadline": task.deadline,
        "onUpstreamFailure": "" if task.on_upstream_failure is OnFailure.SKIP else task.on_upstream_failure,
        "onDeadline": "" if task.on_deadline is OnDeadline.EXPIRE else task.on_deadline,
        "downstream": task.downstream,
        "pool": _pool_value(task.pool) if task.pool else None,
        "atOnce": task.at_once,
        "priority": task.priority,
        # What TaskRunner asks, and writes into rows.
        "gates": task.gates,
        "linked": task.is_linked,
    }
    return {name: value or None for name, value in values.items()}


def _numbers(task: Task) -> dict[str, int | None]:
    """The last three are mostly as they are by default, and a record of less than a kilobyte is cheaper."""
    return {
        "graceSeconds": task.grace_seconds,
        "catchUpWindowSeconds": task.catch_up_window_seconds,
        "minDurationSeconds": task.min_duration_seconds,
        "maxDurationSeconds": task.max_duration_seconds,
        "pauseAfterFailures": task.pause_after_failures,
        "heartbeatSeconds": task.heartbeat_seconds or None,
        "notYetSeconds": task.not_yet_seconds if task.not_yet_seconds != NOT_YET_SECONDS else None,
        "approvalSeconds": task.approval_seconds or None,
    }


def _money(fields: Fields) -> dict[str, Any]:
    return {
        "budget": Decimal(f"{fields.find('budget', float) or 0:g}"),
        "owners_budget": Decimal(f"{fields.find('ownersBudget', float) or 0:g}"),
        "rates": Rates.from_fields(fields.map("rates")) if "rates" in fields else None,
        "price": Price.from_value(fields.numbers("price")) if "price" in fields else None,
    }


def _links(fields: Fields) -> dict[str, Any]:
    """Reads what concerns other tasks; a record that says nothing of it is a plain task's."""
    return {
        "after": tuple(_upstream(one) for one in fields.maps("after")) if "after" in fields else (),
        "deadline": fields.find("deadline", str) or "",
        "on_upstream_failure": OnFailure(fields.find("onUpstreamFailure", str) or OnFailure.SKIP),
        "on_deadline": OnDeadline(fields.find("onDeadline", str) or OnDeadline.EXPIRE),
        "downstream": fields.texts("downstream") if "downstream" in fields else (),
        "pool": _pool(fields.map("pool")) if "pool" in fields else None,
        "at_once": fields.find("atOnce", int) or 0,
        "priority": fields.find("priority", int) or 0,
    }


def _pool_value(pool: Limit) -> dict[str, Any]:
    return {"name": pool.name, "atOnce": pool.at_once, "perMinute": pool.per_minute}


def _pool(fields: Fields) -> Limit:
    at_once, per_minute = fields.get("atOnce", int), fields.find("perMinute", int)
    return Limit(name=fields.get("name", str), at_once=at_once, per_minute=per_minute)


def _upstream(fields: Fields) -> Upstream:
    return Upstream(task_id=fields.get("task", str), slot=SlotOf(fields.get("slot", str)))


def _closure_value(closure: Closure) -> dict[str, Any]:
    """Returns a closure with its moments as text, which TaskRunner compares with a slot."""
    since, until = map(instants.to_second, (closure.since, closure.until))
    maintenance = {"maintenance": True} if closure.maintenance else {}
    postponed = {"postponedTo": instants.to_second(closure.postponed_to)} if closure.postponed_to else {}
    return {"since": since, "until": until, "why": closure.why, **maintenance, **postponed}


def _closure(value: Mapping[str, Any]) -> Closure:
    since, until = (_moment(value[name]) for name in ("since", "until"))
    postponed_to = _moment(value["postponedTo"]) if "postponedTo" in value else None
    maintenance = bool(value.get("maintenance"))
    return Closure(since=since, until=until, why=value["why"], maintenance=maintenance, postponed_to=postponed_to)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_PLAIN = Task(id="x", target=Target(kind=TargetKind.LAMBDA, name="x"))

#: Attributes that a record lacks where there is nothing to say.
OPTIONAL = frozenset(name for name, value in values_of(_PLAIN).items() if value is None)

#: Attributes that a registration sets; every other attribute of a record is run-time state.
DECLARED = (frozenset(item_of(_PLAIN)) | OPTIONAL) - {"taskId"}

"""A task: the user's unit of scheduled work, and its record in the registry.

The record holds what is *declared* (this module) beside what is *run time* (the lease of the running execution, the
pause, the count of consecutive failures). Whoever writes the declared part writes nothing else, so that a deploy never
overwrites run-time state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from orchestrator import instants
from orchestrator.dynamodb import Fields, to_item
from orchestrator.schedules.calendars import Closure, OnClosed
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.tasks.event_start import EventStart, WhenAbsent
from orchestrator.tasks.gates import HoldKind, in_order
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.retries import RetryPolicy

#: A task's id goes into schedule names, execution names and metric dimensions. It has no anchors, because ``$`` also
#: matches before a newline at the end in Python and not in JSONata: match the whole text.
TASK_ID_PATTERN = r"[A-Za-z0-9_-]{1,48}"

#: A target's logical name; TaskRunner puts a fixed prefix before it, so it must not hold what would leave the prefix.
TARGET_LENGTH = 32
TARGET_PATTERN = rf"[A-Za-z0-9_-]{{1,{TARGET_LENGTH}}}"

#: A Lambda function runs no longer ("Lambda quotas").
LAMBDA_TIMEOUT_LIMIT = 900

#: All attempts of a run and all delays between them must end within a day.
LONGEST_RUN_SECONDS = 86_400

#: What the lease outlasts the run by: claiming, recording and its retries.
LEASE_MARGIN_SECONDS = 300

#: A slot that waits for the task's runs before it is skipped when it has waited so long.
LONGEST_WAIT_SECONDS = 86_400

#: So long somebody may take to approve of a slot where its task says nothing else.
APPROVAL_SECONDS = 86_400

#: For so long a handler may say "not yet" where its task says nothing else.
NOT_YET_SECONDS = 86_400

#: So many slots of a task wait at most; a further one is skipped.
MOST_WAITING = 100

#: What the product's own tasks run.
SYSTEM_TARGETS = frozenset({"lambda/watchdog"})

#: Largest params, as JSON text in UTF-8: the record stays far below the 256 KiB that a state may hold.
PARAMS_LIMIT_BYTES = 100_000

#: Largest text of a task's closures, for the same reason.
CLOSURES_LIMIT_BYTES = 100_000


class TargetKind(StrEnum):
    """The kinds of targets."""

    #: A Lambda function: simple work.
    LAMBDA = "lambda"
    #: A nested state machine: work of several steps.
    WORKFLOW = "workflow"


class OverlapPolicy(StrEnum):
    """The policies for a slot that comes while the task's previous run is still active."""

    #: The slot is skipped, and its row says so.
    SKIP = "skip"
    #: It waits until nothing of the task runs any more; a further one is skipped while it does.
    BUFFER_ONE = "buffer_one"
    #: It waits; those that wait run one after the other, in the order of their slots.
    BUFFER_ALL = "buffer_all"
    #: The run that goes on is stopped; the slot runs when Step Functions says that it has stopped.
    CANCEL_OTHER = "cancel_other"
    #: The run that goes on is stopped, and the slot runs at once.
    TERMINATE_OTHER = "terminate_other"
    #: Both run.
    ALLOW_ALL = "allow_all"


class CatchUp(StrEnum):
    """Which of the slots that did not run when they were due are run later."""

    #: None.
    NONE = "none"
    #: The last of them.
    LATEST = "latest"
    #: All, one after the other.
    ALL = "all"


class SlotOf(StrEnum):
    """Which slot of another task a slot waits for; slots that are skipped on a closed day are passed over."""

    #: The one at the same moment, or else the latest before it.
    SAME = "same"
    #: The one before that.
    PREVIOUS = "previous"
    #: All on the same day, by the clock of the task that waits.
    SAME_DAY = "same day"
    #: The latest that is earlier.
    LATEST_BEFORE = "latest before"


class OnFailure(StrEnum):
    """What becomes of a slot when one that it waits for has not gone well."""

    #: It is skipped, and its row says so.
    SKIP = "skip"
    #: It runs all the same.
    RUN = "run"
    #: It goes on waiting: somebody may run the other one again.
    WAIT = "wait"


class OnDeadline(StrEnum):
    """What becomes of a slot that still waits at its deadline."""

    #: It expires, and people are told.
    EXPIRE = "expire"
    #: It runs all the same.
    RUN = "run"


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Another task, or the same, for whose slots a slot waits."""

    task_id: str
    slot: SlotOf = SlotOf.SAME


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """When somebody is told that a task fails."""

    #: So many of the last ``of`` runs must have failed.
    failures: int = 1
    of: int = 1
    #: After an alert the same incident is silent for so long; then whatever happens next is told as a reminder.
    quiet_seconds: int = 3600


@dataclass(frozen=True, kw_only=True)
class Target:
    """A task's target by its logical name (never an ARN): ``lambda/report-generator``."""

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class TaskSchedule:
    """One of a task's schedules: an expression of EventBridge Scheduler in a time zone."""

    expression: str
    timezone: str = "UTC"
    #: How much later than written the expression is; a rate, which looks the same, counts from so long after midnight.
    spread_minutes: int = 0
    #: Whether it starts TaskRunner's Express twin; what a task declares says so for all its schedules (``express``).
    express: bool = False
    #: No slot is earlier or later, ISO 8601 in UTC; empty where there is no such bound. A one-time schedule has none.
    start: str = ""
    end: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task as declared."""

    id: str
    target: Target
    schedules: tuple[TaskSchedule, ...] = ()
    #: Events that start it beside its schedules.
    starts: tuple[EventStart, ...] = ()
    #: What a schedule does if the event of its slot has not come.
    when_absent: WhenAbsent = WhenAbsent.RUN
    params: Mapping[str, Any] = field(default_factory=dict)
    #: Of one attempt.
    timeout_seconds: int = 300
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    overlap: OverlapPolicy = OverlapPolicy.SKIP
    #: Whether an attempt whose outcome nobody knows (a timeout, a crash) may be repeated.
    idempotent: bool = False
    #: Whether its schedules start TaskRunner's Express twin: :mod:`orchestrator.tasks.express`.
    express: bool = False
    nonexistent: Nonexistent = Nonexistent.SKIP
    ambiguous: Ambiguous = Ambiguous.FIRST
    #: When no scheduled slot runs, in order and without overlap.
    closures: tuple[Closure, ...] = ()
    on_closed: OnClosed = OnClosed.SKIP
    #: A slot without a row so long after its time is looked for; a run that starts so much later is late.
    grace_seconds: int = 300
    #: What the watchdog does with slots that nobody has delivered, as long as they are not older than the window.
    catch_up: CatchUp = CatchUp.NONE
    catch_up_window_seconds: int = 86_400
    #: A run that succeeds in less, or takes more, is told of; 0 is no bound.
    min_duration_seconds: int = 0
    max_duration_seconds: int = 0
    #: So many failures one after the other pause the task; 0 never does.
    pause_after_failures: int = 0
    #: Dollars a month that it should not cost more than; 0 is no bound.
    budget: Decimal = Decimal(0)
    #: A handler that is silent for longer is ended; 0: nobody listens.
    heartbeat_seconds: int = 0
    #: Somebody has to approve of each slot, for so long after it is due; 0: nobody.
    approval_seconds: int = 0
    #: For so long a handler may say "not yet".
    not_yet_seconds: int = NOT_YET_SECONDS
    alerts: Alerting = field(default_factory=Alerting)
    #: What its slots wait for before they run.
    after: tuple[Upstream, ...] = ()
    #: Until when a slot waits: a local time (``08:30``) or a number of seconds after it; empty is a week.
    deadline: str = ""
    on_upstream_failure: OnFailure = OnFailure.SKIP
    on_deadline: OnDeadline = OnDeadline.EXPIRE
    #: The pool whose places its runs share with those of other tasks.
    pool: Limit | None = None
    #: How many of its runs may be at work at once; 0 is no bound.
    at_once: int = 0
    #: Who goes first in the pool: the greater.
    priority: int = 0
    #: Ids of the tasks that wait for this one; worked out over the whole of tasks.yaml.
    downstream: tuple[str, ...] = ()
    owner: str = ""
    #: Words that people look tasks up by.
    tags: tuple[str, ...] = ()
    description: str = ""
    #: What to do when it fails: a link or a sentence.
    runbook: str = ""

    @property
    def gates(self) -> tuple[HoldKind, ...]:
        """What its slots wait for before they run, in the order in which it is asked."""
        asked = {
            HoldKind.UPSTREAM: bool(self.after),
            HoldKind.APPROVAL: self.approval_seconds > 0,
            HoldKind.TIME: any(start.within_seconds for start in self.starts),
            HoldKind.POOL: self.limit is not None,
        }
        return in_order(kind for kind, is_asked in asked.items() if is_asked)

    @property
    def limit(self) -> Limit | None:
        """The pool that its slots wait for a place in: the one that it shares, or else its own."""
        own = Limit(name=f"task:{self.id}", at_once=self.at_once) if self.at_once else None
        return self.pool or own

    @property
    def is_linked(self) -> bool:
        """Whether its rows concern more than its own slots: others wait for them, or they for others."""
        return bool(self.gates or self.downstream)

    @property
    def is_system(self) -> bool:
        """Whether the product itself needs the task, and no team has asked for it."""
        return str(self.target) in SYSTEM_TARGETS

    @property
    def lease_seconds(self) -> int:
        """The seconds that an execution holds the task: past every attempt and delay, so that only the dead lose it."""
        return self.retry.longest_run(self.timeout_seconds) + LEASE_MARGIN_SECONDS

    @property
    def follows_scheduler(self) -> bool:
        """Whether it runs at no time at which EventBridge Scheduler does not fire its schedules."""
        return self.nonexistent is Nonexistent.SKIP and self.ambiguous is Ambiguous.FIRST and not self.moves_slots

    @property
    def moves_slots(self) -> bool:
        """Whether a slot of a closure may run at another time."""
        moves = self.on_closed is not OnClosed.SKIP
        return any(closure.postponed_to or (moves and not closure.maintenance) for closure in self.closures)

    @property
    def closures_bytes(self) -> int:
        """How many bytes of the record its closures take."""
        return len(self._closures_text()) if self.closures else 0

    def _closures_text(self) -> str:
        return json.dumps([_closure_value(closure) for closure in self.closures])

    def to_item(self) -> dict[str, Any]:
        """The declared part of the record, as DynamoDB's low-level client takes it."""
        return to_item(self.to_values())

    def to_values(self) -> dict[str, Any]:
        """The declared part of the record as plain values, by attribute."""
        return {
            "taskId": self.id,
            "kind": self.target.kind,
            "target": self.target.name,
            "schedules": [
                {
                    "expression": s.expression,
                    "timezone": s.timezone,
                    "spreadMinutes": s.spread_minutes,
                    "start": s.start or None,
                    "end": s.end or None,
                }
                for s in self.schedules
            ],
            # Text: nobody but a deployment reads them.
            "on": json.dumps([start.to_value() for start in self.starts], sort_keys=True, ensure_ascii=False),
            "whenAbsent": self.when_absent,
            # Text: the runner hands params on as they are, and a nested attribute value would need unwrapping.
            "params": json.dumps(self.params, sort_keys=True, ensure_ascii=False),
            "timeoutSeconds": self.timeout_seconds,
            "leaseSeconds": self.lease_seconds,
            "retry": {
                "maxAttempts": self.retry.max_attempts,
                "intervalSeconds": self.retry.interval_seconds,
                "backoffRate": Decimal(f"{self.retry.backoff_rate:g}"),
                "maxDelaySeconds": self.retry.max_delay_seconds,
                "neverOn": self.retry.never_on,
            },
            "overlap": self.overlap,
            "idempotent": self.idempotent,
            "express": self.express,
            "nonexistent": self.nonexistent,
            "ambiguous": self.ambiguous,
            "closures": self._closures_text(),
            "onClosed": self.on_closed,
            **self._numbers(),
            "catchUp": self.catch_up,
            "budget": self.budget,
            "alerts": {
                "failures": self.alerts.failures,
                "of": self.alerts.of,
                "quietSeconds": self.alerts.quiet_seconds,
            },
            **self._links(),
            "owner": self.owner,
            "tags": self.tags,
            "description": self.description,
            "runbook": self.runbook,
        }

    def _links(self) -> dict[str, Any]:
        """What concerns other tasks: None where there is nothing to say, so that a plain task's record stays small."""
        values = {
            "after": [{"task": one.task_id, "slot": one.slot} for one in self.after],
            "deadline": self.deadline,
            "onUpstreamFailure": "" if self.on_upstream_failure is OnFailure.SKIP else self.on_upstream_failure,
            "onDeadline": "" if self.on_deadline is OnDeadline.EXPIRE else self.on_deadline,
            "downstream": self.downstream,
            "pool": _pool_value(self.pool) if self.pool else None,
            "atOnce": self.at_once,
            "priority": self.priority,
            # What TaskRunner asks, and writes into rows.
            "gates": self.gates,
            "linked": self.is_linked,
        }
        return {name: value or None for name, value in values.items()}

    def _numbers(self) -> dict[str, int]:
        return {
            "graceSeconds": self.grace_seconds,
            "catchUpWindowSeconds": self.catch_up_window_seconds,
            "minDurationSeconds": self.min_duration_seconds,
            "maxDurationSeconds": self.max_duration_seconds,
            "pauseAfterFailures": self.pause_after_failures,
            "heartbeatSeconds": self.heartbeat_seconds,
            "notYetSeconds": self.not_yet_seconds,
            "approvalSeconds": self.approval_seconds,
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Task:
        """The declared part of a record. KeyError or ValueError if :meth:`to_item` did not make it."""
        fields = Fields(item)
        retry, alerts = fields.map("retry"), fields.map("alerts")
        return cls(
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
            budget=Decimal(f"{fields.find('budget', float) or 0:g}"),
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
OPTIONAL = frozenset(name for name, value in _PLAIN.to_values().items() if value is None)

#: Attributes that a registration sets; every other attribute of a record is run-time state.
DECLARED = (frozenset(_PLAIN.to_item()) | OPTIONAL) - {"taskId"}

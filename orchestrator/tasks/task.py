"""A task: the user's unit of scheduled work, as it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from orchestrator.schedules.calendars import Closure, OnClosed
from orchestrator.schedules.clock_changes import Ambiguous, Nonexistent
from orchestrator.tasks.event_start import EventStart, WhenAbsent
from orchestrator.tasks.gates import HoldKind, in_order
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.price import Price
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.upstream import OnDeadline, OnFailure, Upstream

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


class TargetKind(StrEnum):
    """The kinds of targets."""

    #: A Lambda function: simple work.
    LAMBDA = "lambda"
    #: A nested state machine: work of several steps.
    WORKFLOW = "workflow"


def workflow_name(kind: str, name: str) -> str:
    """What the workflow of something is called that stack.yaml declares: ``http/crm`` is ``workflow/http-crm``."""
    return f"{kind}-{name}"


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
    #: The same of all tasks of its owner together; `budgets` of tasks.yaml says it.
    owners_budget: Decimal = Decimal(0)
    #: What its runs cost; a deployment says it of a task with either budget.
    rates: Rates | None = None
    #: What the parts of a run cost; a deployment says it of every task.
    price: Price | None = None
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

    @cached_property
    def follows_scheduler(self) -> bool:
        """Whether it runs at no time at which EventBridge Scheduler does not fire its schedules."""
        return self.nonexistent is Nonexistent.SKIP and self.ambiguous is Ambiguous.FIRST and not self.moves_slots

    @cached_property
    def moves_slots(self) -> bool:
        """Whether a slot of a closure may run at another time."""
        moves = self.on_closed is not OnClosed.SKIP
        return any(closure.postponed_to or (moves and not closure.maintenance) for closure in self.closures)

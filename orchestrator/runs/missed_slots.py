"""Detects the slots of a task that have no row, and decides what the watchdog does about each.

The watchdog checks a slot once its task's grace has passed. A slot is missed when two checks in a row have not found
its row: the first may have come between a start and its claim. A missed slot is recorded, or the watchdog starts it
under the slot's own key, so that a late original finds the slot taken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from orchestrator.runs.run import Run, RunStatus, SkipReason
from orchestrator.runs.task_state import Checkpoint, Pause, Record
from orchestrator.schedules.clock_changes import Nonexistent
from orchestrator.tasks.event_start import WhenAbsent
from orchestrator.tasks.slots import Slot, expected, key, nonexistent, times, upcoming
from orchestrator.tasks.task import CatchUp, Task

#: The most slots of one task in one check; the next check continues after them.
MOST_SLOTS = 500

#: How long after a deployment begins to write schedules all of them are in effect, and the StartDate of every rate has
#: come, which is a minute after its creation (:mod:`orchestrator.stores.schedule_group`). No slot is expected earlier.
SETTLING = timedelta(minutes=2)

_INSTANT = timedelta(seconds=1)

#: A span up to this long is computed at once; a longer one, of a task that is seldom due, slot by slot.
_AT_ONCE = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The row that a slot without one gets."""

    slot: str
    status: RunStatus
    #: Why it was skipped.
    reason: SkipReason | None = None
    cause: str


@dataclass(frozen=True, kw_only=True)
class Detection:
    """The result of one check of a task's slots."""

    #: Rows to write where there is still none.
    verdicts: tuple[Verdict, ...]
    #: Slots to start, in order.
    starts: tuple[str, ...]
    #: Where the next check begins.
    checkpoint: Checkpoint


def first_checkpoint(task: Task, begin: datetime) -> Checkpoint:
    """The checkpoint of a task whose slots are delivered from ``begin`` on, exclusive."""
    return Checkpoint(checked_until=key(begin), next_run=_next_check(task, begin, None), since=key(begin))


def detect(
    task: Task, checkpoint: Checkpoint, pause: Pause | None, recorded: Collection[str], now: datetime
) -> Detection:
    """Checks the slots after the checkpoint whose grace has passed by ``now``.

    ``recorded`` holds every slot later than ``checkpoint.checked_until`` that has a row.
    """
    since, horizon = _moment(checkpoint.checked_until), now - timedelta(seconds=task.grace_seconds)
    due = _due(task, since, horizon)
    horizon = max(horizon, since) if len(due) < MOST_SLOTS else due[-1].at
    missing = [slot for slot in due if key(slot.at) not in recorded]
    seen_before = [slot for slot in missing if checkpoint.suspected and key(slot.at) <= checkpoint.suspected]
    unexplained = [slot for slot in seen_before if not _reason(slot, pause)]
    starts = _to_start(task, checkpoint, unexplained, now)
    kept = [slot for slot in missing if slot not in seen_before or key(slot.at) in starts]
    verdicts = [_verdict(task, slot, pause, now) for slot in seen_before if key(slot.at) not in starts]
    checked = kept[0].at - _INSTANT if kept else horizon
    return Detection(
        verdicts=(*verdicts, *_nonexistent(task, since, checked)),
        starts=starts,
        checkpoint=Checkpoint(
            checked_until=key(checked),
            next_run=_next_check(task, checked, pause if pause and not pause.over(now) else None),
            suspected=key(missing[-1].at) if kept else None,
            caught_up=starts[-1] if starts else checkpoint.caught_up if kept else None,
            since=checkpoint.since,
        ),
    )


def too_long(record: Record, run: Run, now: datetime) -> bool:
    """Whether a run that has not ended has taken longer than its task's ``maxDuration``.

    The time counts from the start or, for a run that waited for its turn, from when it took the task's lease.
    """
    bound, lease = record.task.max_duration_seconds, record.lease
    if not bound or run.started_at is None:
        return False
    began = _moment(run.started_at)
    if lease is not None and lease.execution_arn == run.execution_arn:
        began = max(began, datetime.fromtimestamp(lease.expires_at - record.task.lease_seconds, UTC))
    return now - began > timedelta(seconds=bound)


def _due(task: Task, since: datetime, horizon: datetime) -> list[Slot]:
    """The first slots later than ``since`` and not later than ``horizon``."""
    if horizon - since <= _AT_ONCE:
        return expected(task, since, horizon)[:MOST_SLOTS]
    return list(islice(takewhile(lambda slot: slot.at <= horizon, upcoming(task, since)), MOST_SLOTS))


def _to_start(task: Task, checkpoint: Checkpoint, missed: Sequence[Slot], now: datetime) -> tuple[str, ...]:
    """The slots to start, each at most once, so that an execution that leaves no row is not started again and again."""
    if task.catch_up is CatchUp.NONE or task.when_absent is not WhenAbsent.RUN or not missed:
        return ()
    oldest = now - timedelta(seconds=task.catch_up_window_seconds)
    candidates = [key(slot.at) for slot in missed if slot.at >= oldest]
    chosen = candidates if task.catch_up is CatchUp.ALL else candidates[-1:]
    return tuple(slot for slot in chosen if not checkpoint.caught_up or slot > checkpoint.caught_up)


def _reason(slot: Slot, pause: Pause | None) -> SkipReason | None:
    """Why a slot would not have run even if it had been delivered."""
    if slot.skipped:
        return SkipReason.CLOSED
    if pause is not None and pause.covers(slot.at):
        return SkipReason.PAUSED
    return None


def _verdict(task: Task, slot: Slot, pause: Pause | None, now: datetime) -> Verdict:
    at, reason = key(slot.at), _reason(slot, pause)
    if reason is not None:
        why = slot.skipped or (pause.why if pause else "")
        return Verdict(slot=at, status=RunStatus.SKIPPED, reason=reason, cause=why or "nobody delivered it")
    too_old = slot.at < now - timedelta(seconds=task.catch_up_window_seconds)
    if task.catch_up is not CatchUp.NONE and too_old:
        return Verdict(slot=at, status=RunStatus.EXPIRED, cause="nobody delivered it, and it is too old to catch up")
    return Verdict(slot=at, status=RunStatus.MISSED, cause="no execution has begun this slot: nobody delivered it")


def _nonexistent(task: Task, after: datetime, until: datetime) -> list[Verdict]:
    """A row at each change of clock that left out a local time of the task. It is not written over a slot's own row."""
    if until <= after:
        return []
    reasons: dict[datetime, list[str]] = {}
    for schedule in task.schedules if task.nonexistent is Nonexistent.SKIP else ():
        for change, local in nonexistent(schedule, after, until):
            reasons.setdefault(change, []).append(f"{local:%Y-%m-%d %H:%M} {schedule.timezone}")
    return [
        Verdict(
            slot=key(change),
            status=RunStatus.SKIPPED,
            reason=SkipReason.NONEXISTENT,
            cause=f"the clock is set forward: there is no {', '.join(locals_)}",
        )
        for change, locals_ in sorted(reasons.items())
    ]


def _next_check(task: Task, after: datetime, pause: Pause | None) -> str | None:
    if task.follows_scheduler:
        # Closed days, too: what Scheduler delivers has a row.
        fired = [times(schedule).next_after(after) for schedule in task.schedules]
        moments = [key(at) for at in fired if at is not None]
    else:
        moments = [key(slot.at) for slot in islice(upcoming(task, after), 1)]
    if pause is not None and pause.until:
        moments.append(pause.until)
    return min(moments, default=None)


def _moment(slot: str) -> datetime:
    return datetime.fromisoformat(slot).astimezone(UTC)

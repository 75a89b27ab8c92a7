"""Which slots of a task nobody has run, and what the watchdog does about them.

A slot is looked for when its task's grace has passed, and missed when two looks one after the other have not found its
row: the first may have come between a start and its claim. What is missed is recorded, or started by the watchdog
under the slot's own key, so that a late original finds the slot taken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from orchestrator.runs.run import Run, RunStatus, SkipReason
from orchestrator.runs.task_state import Pause, Record, Watch
from orchestrator.schedules.clock_changes import Nonexistent
from orchestrator.tasks.slots import Slot, expected, key, nonexistent, times, upcoming
from orchestrator.tasks.task import CatchUp, Task

#: Of one task in one look; the next goes on from there.
MOST_SLOTS = 500

#: So long after a deployment has begun to write them, schedules are there, and so is the StartDate of every rate, which
#: is a minute after its creation (:mod:`orchestrator.stores.schedule_group`): what was due earlier nobody has promised.
SETTLING = timedelta(minutes=2)

_INSTANT = timedelta(seconds=1)

#: So long a time is gone through at once; a longer one, of a task that is seldom due, slot by slot.
_AT_ONCE = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A slot that has no row, and the row that it gets."""

    slot: str
    status: RunStatus
    #: Why it was skipped.
    reason: SkipReason | None = None
    cause: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the watchdog decided about a task in one round."""

    #: Rows to write where there is still none.
    verdicts: tuple[Verdict, ...]
    #: Slots to start, in order.
    starts: tuple[str, ...]
    #: Where the next look begins.
    watch: Watch


def watch_from(task: Task, begin: datetime) -> Watch:
    """Where the watchdog begins with a task whose slots later than ``begin`` are delivered."""
    return Watch(checked_until=key(begin), next_run=_next_look(task, begin, None), since=key(begin))


def look(task: Task, watch: Watch, pause: Pause | None, recorded: Collection[str], now: datetime) -> Look:
    """``recorded`` are the slots that have a row, of all later than ``watch.checked_until``."""
    since, horizon = _moment(watch.checked_until), now - timedelta(seconds=task.grace_seconds)
    due = _due(task, since, horizon)
    horizon = max(horizon, since) if len(due) < MOST_SLOTS else due[-1].at
    missing = [slot for slot in due if key(slot.at) not in recorded]
    seen_before = [slot for slot in missing if watch.suspected and key(slot.at) <= watch.suspected]
    unexplained = [slot for slot in seen_before if not _reason(slot, pause)]
    starts = _to_start(task, watch, unexplained, now)
    kept = [slot for slot in missing if slot not in seen_before or key(slot.at) in starts]
    verdicts = [_verdict(task, slot, pause, now) for slot in seen_before if key(slot.at) not in starts]
    checked = kept[0].at - _INSTANT if kept else horizon
    return Look(
        verdicts=(*verdicts, *_nonexistent(task, since, checked)),
        starts=starts,
        watch=Watch(
            checked_until=key(checked),
            next_run=_next_look(task, checked, pause if pause and not pause.over(now) else None),
            suspected=key(missing[-1].at) if kept else None,
            caught_up=starts[-1] if starts else watch.caught_up if kept else None,
            since=watch.since,
        ),
    )


def too_long(record: Record, run: Run, now: datetime) -> bool:
    """Whether a run that goes on has done so for longer than its task should.

    As at its end it counts from when its turn came: that of a run that has waited is when it took the task's lease.
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


def _to_start(task: Task, watch: Watch, missed: Sequence[Slot], now: datetime) -> tuple[str, ...]:
    """The slots to start, each at most once, so that an execution that leaves no row is not started again and again."""
    if task.catch_up is CatchUp.NONE or not missed:
        return ()
    oldest = now - timedelta(seconds=task.catch_up_window_seconds)
    candidates = [key(slot.at) for slot in missed if slot.at >= oldest]
    chosen = candidates if task.catch_up is CatchUp.ALL else candidates[-1:]
    return tuple(slot for slot in chosen if not watch.caught_up or slot > watch.caught_up)


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
    """A row at each change of clock that left out a local time of the task; it is none's where a slot stands there."""
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


def _next_look(task: Task, after: datetime, pause: Pause | None) -> str | None:
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

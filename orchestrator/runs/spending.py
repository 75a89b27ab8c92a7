"""What tasks have spent in a month, as the watchdog adds it up.

The watchdog looks once a day. It reads the rows of the last two days alone, and keeps the sum of the days before in the
task's record: what is held, or is run again, within that time is still counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.instants import month_after, month_of, of_slot, order
from orchestrator.runs.run import TERMINAL, Run, RunStatus, SkipReason, Trigger
from orchestrator.tasks.rates import Rates, rounded
from orchestrator.tasks.slots import key, upcoming
from orchestrator.tasks.task import Task

#: Seconds between two rounds of the watchdog, as in tasks.yaml. One check covers all slots of a task since the last.
ROUND_SECONDS = 300

_HOUR_SECONDS = 3600

_DAY = timedelta(days=1)

#: So many slots to come are counted; where there are more, the rest of the month goes on like them.
_COUNTED = 2000

#: Slots to come that are skipped for these are known beforehand.
_OF_CALENDARS = (SkipReason.CLOSED, SkipReason.NONEXISTENT)

#: Where events start a task, a month goes on as it began once so much of it has passed.
_BEGINNING = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What a task has cost in a month, in dollars."""

    #: In UTC: ``2026-12``, and the day of the last look, ``2026-12-05``.
    month: str
    day: str
    #: Of the slots earlier than the day before that.
    settled: Decimal
    #: Of all slots so far, and what the whole month will come to.
    dollars: Decimal
    expected: Decimal
    #: Of the month before.
    before: Decimal = Decimal(0)

    def to_value(self) -> dict[str, Any]:
        """As the task's record has it."""
        amounts = {name: rounded(getattr(self, name)) for name in ("dollars", "expected", "before")}
        # Day by day something is added to it.
        return {"month": self.month, "day": self.day, "settled": Decimal(f"{self.settled:.12g}"), **amounts}

    @classmethod
    def from_fields(cls, fields: Fields) -> Spending:
        """Raises :class:`KeyError` and :class:`ValueError`."""
        amounts = {name: fields.get(name, float) for name in ("settled", "dollars", "expected", "before")}
        return cls(
            month=fields.get("month", str),
            day=fields.get("day", str),
            **{name: Decimal(f"{amount:.12g}") for name, amount in amounts.items()},
        )


def hours_and_checks(runs: Iterable[Run]) -> tuple[int, int]:
    """In how many hours metrics are sent for the runs, and how many of the watchdog's rounds check their slots."""
    hours, checks = set[int](), set[int]()
    for run in runs:
        at = int(of_slot(run.started_at or run.slot).timestamp())
        hours.add(at // _HOUR_SECONDS)
        if run.trigger is Trigger.SCHEDULE:
            checks.add(at // ROUND_SECONDS)
    return len(hours), len(checks)


def dollars(rates: Rates, runs: Sequence[Run]) -> Decimal:
    """What the rows' runs have cost: each what its row says, or else what the rates make of it. One that has not ended
    counts as one that takes no time.
    """
    hours, checks = hours_and_checks(runs)
    return sum((_of_run(rates, run) for run in runs), hours * rates.hour + checks * rates.check)


def _of_run(rates: Rates, run: Run) -> Decimal:
    if run.dollars is not None:
        before = sum((earlier.dollars or Decimal(0) for earlier in run.history), Decimal(0))
        return run.dollars + before + run.duplicates * rates.duplicate
    if run.execution_arn is None:
        return rates.written
    if run.status is RunStatus.SKIPPED or not run.attempts:
        return rates.skipped
    more = (run.attempts - 1) * rates.attempt + run.duplicates * rates.duplicate
    started = rates.event if run.trigger is Trigger.EVENT else Decimal(0)
    if run.trigger not in (Trigger.SCHEDULE, Trigger.EVENT):
        started = rates.hand
    return rates.run + Decimal(str(run.duration_seconds or 0)) * rates.second + more + started


def unread_since(spending: Spending | None, now: datetime) -> datetime:
    """From when on the rows must be read: the day before the last look, or where the month begins."""
    known = _known(spending, now)
    if known is None:
        return month_of(now)
    looked = datetime.fromisoformat(known.day).replace(tzinfo=now.tzinfo)
    return max(month_of(looked), looked - _DAY)


def added_up(task: Task, rates: Rates, spending: Spending | None, unread: Sequence[Run], now: datetime) -> Spending:
    """Adds the rows since :func:`unread_since` to what was known of the month, and begins another month."""
    known, month = _known(spending, now), f"{now:%Y-%m}"
    is_new = known is None or known.month != month
    mine = [run for run in unread if run.slot[:7] == month]
    young = order(key(max(month_of(now), _midnight(now) - _DAY)))
    settled = Decimal(0) if is_new or known is None else known.settled
    settled += dollars(rates, [run for run in mine if order(run.slot) < young])
    recent = [run for run in mine if order(run.slot) >= young]
    of_recent = dollars(rates, recent)
    before = Decimal(0)
    if known is not None:
        rest = [run for run in unread if run.slot[:7] == known.month]
        before = known.settled + dollars(rates, rest) if is_new else known.before
    ended = [_of_run(rates, run) for run in unread if run.status in TERMINAL and run.reason not in _OF_CALENDARS]
    mean = sum(ended, Decimal(0)) / len(ended) if ended else rates.run + rates.second
    return Spending(
        month=month,
        day=f"{now:%Y-%m-%d}",
        settled=settled,
        dollars=settled + of_recent,
        expected=_expected(task, rates, settled + of_recent, mean, now),
        before=before,
    )


def _expected(task: Task, rates: Rates, so_far: Decimal, mean: Decimal, now: datetime) -> Decimal:
    """The whole month: the runs of the slots to come cost as much as the last ones, ``mean`` each, beside the metrics
    of their hours and the checks of their slots, which a run shares with others.
    """
    begin = month_of(now)
    end = month_after(begin)
    if task.starts or not task.schedules:
        part = (now - begin) / (end - begin)
        return so_far / Decimal(str(part)) if now - begin >= _BEGINNING else so_far
    slots = list(islice(takewhile(lambda slot: slot.at < end, upcoming(task, now)), _COUNTED))
    times = [int(slot.at.timestamp()) for slot in slots if slot.skipped is None]
    hours, checks = ({at // seconds for at in times} for seconds in (_HOUR_SECONDS, ROUND_SECONDS))
    to_come = len(times) * mean + len(hours) * rates.hour + len(checks) * rates.check
    if len(slots) == _COUNTED:
        to_come *= Decimal(str((end - now) / (slots[-1].at - now)))
    return so_far + to_come


def _known(spending: Spending | None, now: datetime) -> Spending | None:
    """What goes on in this month: the look at another month than this or the last has nothing to say."""
    months = (f"{now:%Y-%m}", f"{month_of(now) - _DAY:%Y-%m}")
    return spending if spending is not None and spending.month in months else None


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)

"""The proof of the last days: of each day, the slots that were due beside the rows that explain them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from orchestrator.instants import order, to_second
from orchestrator.runs.outline import Outline
from orchestrator.runs.task_state import Record
from orchestrator.runs.verification import Finding, Problem, comparable, verify

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day in UTC."""

    date: date
    #: How many slots were due.
    slots: int
    findings: tuple[Finding, ...]

    @property
    def unexplained(self) -> int:
        """The number of slots without a row."""
        return sum(one.problem is Problem.UNEXPLAINED for one in self.findings)


def days(records: Collection[Record], runs: Iterable[Outline], since: datetime, now: datetime) -> tuple[Day, ...]:
    """Compares slots and rows of each day from ``since`` until now, the newest first; ``runs`` are the rows."""
    by_day: dict[tuple[str, str], list[Outline]] = {}
    for run in runs:
        by_day.setdefault((run.task_id, run.slot[:10]), []).append(run)
    first = datetime.combine(since.date(), time(), UTC)
    begins = [first + count * _DAY for count in range((now - first) // _DAY + 1)]
    return tuple(_day(begin, records, by_day, now) for begin in reversed(begins))


def _day(begin: datetime, records: Iterable[Record], runs: dict[tuple[str, str], list[Outline]], now: datetime) -> Day:
    slots, findings = 0, list[Finding]()
    for record in records:
        since, until = comparable(record, begin, begin + _DAY - timedelta(microseconds=1), now)
        if until < since:
            continue
        # Nothing is said of rows of before and after what can be compared.
        between = order(to_second(since)), order(to_second(until)) + "~"
        rows = runs.get((record.task.id, to_second(begin)[:10]), ())
        compared = [run for run in rows if between[0] <= order(run.slot) <= between[1]]
        verified = verify(record.task, compared, since, until, now)
        slots += verified.slots
        findings += verified.findings
    return Day(date=begin.date(), slots=slots, findings=tuple(findings))

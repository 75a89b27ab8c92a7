"""The runs of the last days, kept in memory so that a page that is looked at again reads only what may have changed.

Rows that went well do not change but by a rerun, which passes through RUNNING. So a refresh reads, of the whole span,
what runs, waits or went badly, which is little; of what went well only the newest; and one by one the rows that are no
longer where they were. Once in a while everything is read again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from orchestrator.instants import order, to_second
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import UNSUCCESSFUL, RunStatus
from orchestrator.stores.ledger import Ledger

#: A run begins at most so long after its slot was due, but for a backfill's and a rerun's, which the next full reading
#: shows.
_BELATED = timedelta(hours=2)

#: Seconds for which an answer holds, and after which everything is read again.
_FRESH, _FULL = 2.0, 600.0

#: Statuses that a run leaves again, or that few runs have.
_LIVELY = (RunStatus.RUNNING, RunStatus.WAITING, *sorted(UNSUCCESSFUL))
_SETTLED = (RunStatus.SUCCEEDED, RunStatus.SKIPPED)

_Key = tuple[str, str]


class Recent:
    """Runs by slot, through ``ledger``; ``monotonic`` counts seconds, and ``now`` is the stack's clock."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._runs: dict[_Key, Outline] = {}
        self._read = self._read_whole = 0.0

    def between(self, since: datetime, until: datetime) -> list[Outline]:
        """The runs whose slot is in [``since``, ``until``), in no order. A span that ends in the past is not kept."""
        if until < self._now() - _BELATED:
            return list(_within(self._of((*_LIVELY, *_SETTLED), since, until), since, until))
        with self._lock:
            self._refresh(since)
            runs = list(self._runs.values())
        return list(_within(runs, since, until))

    def forget(self) -> None:
        """The next question reads what may have changed, however fresh the last answer is."""
        with self._lock:
            self._read = float("-inf")

    def _refresh(self, since: datetime) -> None:
        now, moment = self._now(), self._monotonic()
        if self._since is None or since < self._since or moment - self._read_whole > _FULL:
            self._runs = {_key(run): run for run in self._of((*_LIVELY, *_SETTLED), since, now + timedelta(days=1))}
            self._since, self._read, self._read_whole = since, moment, moment
        elif moment - self._read > _FRESH:
            self._read = moment
            self._renew(self._since, now)

    def _renew(self, since: datetime, now: datetime) -> None:
        later = now + timedelta(days=1)
        lively = {_key(run): run for run in self._of(_LIVELY, since, later)}
        settled = {_key(run): run for run in self._of(_SETTLED, now - _BELATED, later)}
        gone = [key for key, run in self._runs.items() if run.status in _LIVELY and key not in lively | settled]
        for key in gone:
            del self._runs[key]
        self._runs |= settled | lively
        for task_id, slot in gone:
            run = self._ledger.outline(task_id, slot)
            if run is not None:
                self._runs[task_id, slot] = run

    def _of(self, statuses: Iterable[RunStatus], since: datetime, until: datetime) -> Iterator[Outline]:
        for status in statuses:
            yield from self._ledger.outlines(status, since=to_second(since), until=to_second(until))


def _key(run: Outline) -> _Key:
    return run.task_id, run.slot


def _within(runs: Iterable[Outline], since: datetime, until: datetime) -> Iterator[Outline]:
    first, end = (order(to_second(moment.astimezone(UTC))) for moment in (since, until))
    return (run for run in runs if first <= order(run.slot) < end)

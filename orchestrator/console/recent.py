"""The runs of the last days, kept in memory so that a page that is looked at again reads only what may have changed.

Rows that went well do not change but by a rerun, which passes through RUNNING. So a refresh reads, of the whole span,
what runs, waits or went badly, which is little; of what went well only the newest; and one by one the rows that are no
longer where they were. Once in a while everything is read again.

What is older than the newest day is read aside, the newest first: a page of a month of thousands of tasks shows what is
there, and says how far back that is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from orchestrator.instants import of_slot, order, to_second
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import UNSUCCESSFUL, RunStatus
from orchestrator.stores.ledger import Ledger

#: A run begins at most so long after its slot was due, but for a backfill's and a rerun's, which the next full reading
#: shows.
_BELATED = timedelta(hours=2)

#: Seconds for which an answer holds, and after which everything is read again.
_FRESH, _FULL = 2.0, 600.0

#: What is read before a first answer; then about so many rows at a time.
_FIRST, _ROWS = timedelta(days=1), 20_000

#: Statuses that a run leaves again, or that few runs have.
_LIVELY = (RunStatus.RUNNING, RunStatus.WAITING, *sorted(UNSUCCESSFUL))
_SETTLED = (RunStatus.SUCCEEDED, RunStatus.SKIPPED)

_DAY = timedelta(days=1)

#: The runs of a task by slot.
_OfTask = dict[str, Outline]


class Recent:
    """Runs by slot, through ``ledger``; ``monotonic`` counts seconds, and ``now`` is the stack's clock."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now
        self._monotonic = monotonic
        self._changed = threading.Condition(threading.RLock())
        self._runs: dict[str, _OfTask] = {}
        #: How often the runs of a task have changed.
        self._versions: dict[str, int] = {}
        #: From when on everything is there, and from when on somebody wants it.
        self._since = self._wanted = datetime.max.replace(tzinfo=now().tzinfo)
        self._reader: threading.Thread | None = None
        self._fault: Exception | None = None
        self._read = self._read_whole = float("-inf")

    def between(self, since: datetime, until: datetime) -> list[Outline]:
        """The runs whose slot is in [``since``, ``until``), in no order. A span that ends in the past is not kept."""
        if until < self._now() - _BELATED:
            return [run for run in self._of((*_LIVELY, *_SETTLED), since, until) if since <= of_slot(run.slot) < until]
        self.refresh(since)
        first, end = order(to_second(since)), order(to_second(until))
        with self._changed:
            runs = [run for of_task in self._runs.values() for run in of_task.values()]
        return [run for run in runs if first <= order(run.slot) < end]

    def of_task(self, task_id: str) -> tuple[int, Iterable[Outline]]:
        """The runs of a task as they were at the last refresh, and how often they have changed."""
        with self._changed:
            return self._versions.get(task_id, 0), tuple(self._runs.get(task_id, {}).values())

    def seconds(self) -> dict[str, float]:
        """How long the runs of a task have taken on average, by task."""
        with self._changed:
            took = {
                task_id: [run.duration for run in of_task.values() if run.duration is not None]
                for task_id, of_task in self._runs.items()
            }
        return {task_id: sum(some) / len(some) for task_id, some in took.items() if some}

    def version(self, task_id: str) -> int:
        """How often the runs of a task have changed."""
        return self._versions.get(task_id, 0)

    def refresh(self, since: datetime, patience: float | None = None) -> datetime:
        """Reads what may have changed, and what is missing since ``since``; from when on everything is there.

        It waits ``patience`` seconds for what is missing; as long as it takes, where that is None.
        """
        with self._changed:
            now, moment = self._now(), self._monotonic()
            if self._since > now:
                self._begin(max(since, now - _FIRST), now)
                self._read = self._read_whole = moment
            elif moment - self._read > _FRESH:
                self._read = moment
                self._renew(now)
            self._wanted = min(self._wanted, since)
            old = moment - self._read_whole > _FULL
            if self._reader is None and (old or self._wanted < self._since):
                self._read_whole = moment if old else self._read_whole
                self._reader = threading.Thread(target=self._read_back, args=(old,), name="ledger", daemon=True)
                self._reader.start()
            self._changed.wait_for(lambda: self._since <= since or self._fault is not None, patience)
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            return max(since, self._since)

    def settle(self) -> None:
        """Waits until what somebody has asked for is there."""
        with self._changed:
            self._changed.wait_for(lambda: self._reader is None)

    def forget(self) -> None:
        """The next question reads what may have changed, however fresh the last answer is."""
        with self._changed:
            self._read = float("-inf")

    def _begin(self, since: datetime, now: datetime) -> None:
        self._keep(self._of((*_LIVELY, *_SETTLED), since, now + _DAY))
        self._since = since

    def _read_back(self, again: bool) -> None:
        """Reads what is missing, or, ``again``, all that is wanted, from the newest to the oldest."""
        until = self._now() + _DAY if again else self._since
        try:
            while self._wanted < until:
                since = max(self._wanted, until - self._stretch())
                rows = list(self._of((*_LIVELY, *_SETTLED), since, until))
                with self._changed:
                    if again:
                        self._drop(rows, since, until)
                    self._keep(rows, over=again)
                    self._since = min(self._since, since)
                    self._changed.notify_all()
                until = since
        except Exception as fault:  # whoever waits raises it
            with self._changed:
                self._fault = fault
                self._changed.notify_all()
        finally:
            with self._changed:
                self._reader = None
                self._changed.notify_all()

    def _stretch(self) -> timedelta:
        """How much time has about :data:`_ROWS` rows, by what is known."""
        with self._changed:
            days = max((self._now() - self._since) / _DAY, 0.5)
            rows = sum(map(len, self._runs.values()))
        return max(_DAY, min(400.0, _ROWS * days / max(rows, 1)) * _DAY)

    def _keep(self, runs: Iterable[Outline], *, over: bool = True) -> None:
        """Runs that were read later than these, unless ``over``, stay as they are."""
        for run in runs:
            of_task = self._runs.setdefault(run.task_id, {})
            before = of_task.get(run.slot)
            if before is None or (over and before != run):
                of_task[run.slot] = run
                self._versions[run.task_id] = self._versions.get(run.task_id, 0) + 1

    def _drop(self, there: Iterable[Outline], since: datetime, until: datetime) -> None:
        """Forgets the rows of a span that are there no more."""
        known = {(run.task_id, run.slot) for run in there}
        first, end = order(to_second(since)), order(to_second(until))
        for task_id, of_task in self._runs.items():
            gone = [slot for slot in of_task if first <= order(slot) < end and (task_id, slot) not in known]
            for slot in gone:
                self._lose(task_id, slot)

    def _lose(self, task_id: str, slot: str) -> None:
        if self._runs.get(task_id, {}).pop(slot, None) is not None:
            self._versions[task_id] = self._versions.get(task_id, 0) + 1

    def _renew(self, now: datetime) -> None:
        later = now + _DAY
        lively = list(self._of(_LIVELY, self._since, later))
        settled = list(self._of(_SETTLED, max(self._since, now - _BELATED), later))
        seen = {(run.task_id, run.slot) for run in (*lively, *settled)}
        was = [run for of_task in self._runs.values() for run in of_task.values() if run.status in _LIVELY]
        self._keep(lively)
        self._keep(settled)
        for run in was:
            if (run.task_id, run.slot) not in seen:
                now_there = self._ledger.outline(run.task_id, run.slot)
                if now_there is None:
                    self._lose(run.task_id, run.slot)
                else:
                    self._keep([now_there])

    def _of(self, statuses: Iterable[RunStatus], since: datetime, until: datetime) -> Iterator[Outline]:
        end = order(to_second(until))
        for status in statuses:
            rows = self._ledger.outlines(status, since=to_second(since), until=to_second(until))
            yield from (run for run in rows if order(run.slot) < end)

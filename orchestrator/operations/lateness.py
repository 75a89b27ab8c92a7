"""Whether a held slot will miss its deadline, by how long the tasks that it waits for have taken so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.instants import of_slot
from orchestrator.operations.upstreams import Upstreams
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.runs.upstreams import Condition, UpstreamSlot, condition
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.slots import key

#: The last runs of a task that its duration is judged by, and of so many almost all take no longer.
_JUDGED, _SHARE = 50, 0.95

#: A chain is followed so far up.
_LONGEST_CHAIN = 10


def percentile(durations: Sequence[float], share: float = _SHARE) -> float:
    """The smallest duration that ``share`` of them do not exceed; 0 of none."""
    ordered = sorted(durations)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """Of a stack's registry and ledger; what a task takes is read once."""

    registry: Registry
    ledger: Ledger
    _durations: dict[str, timedelta] = field(default_factory=dict)

    def misses_deadline(self, run: Run, record: Record, now: datetime) -> bool:
        """Whether a slot that waits for others will, as far as one can tell, still wait at its deadline."""
        if run.hold is None or run.hold.kind is not HoldKind.UPSTREAM or run.hold.deadline is None:
            return False
        return self._start(run, run.hold, record, now, 0) > datetime.fromisoformat(run.hold.deadline)

    def _start(self, run: Run, hold: Hold, record: Record, now: datetime, depth: int) -> datetime:
        """When everything that a slot waits for has ended."""
        found = Upstreams(registry=self.registry, ledger=self.ledger).found(run, record)
        waited_for = [one for one in found if condition(one, hold) is Condition.OPEN]
        return max((self._end(one, now, depth) for one in waited_for), default=now)

    def _end(self, one: UpstreamSlot, now: datetime, depth: int) -> datetime:
        record = self.registry.get(one.task_id)
        if record is None:
            return now
        takes, run = self._takes(one.task_id, now), one.run
        if run is not None and run.hold is None and run.started_at:
            return max(now, datetime.fromisoformat(run.started_at) + takes)
        begin = max(now, of_slot(one.slot))
        if depth < _LONGEST_CHAIN and record.task.after:
            waiting = run or Run(task_id=one.task_id, slot=one.slot, status=RunStatus.WAITING)
            hold = waiting.hold or Hold(kind=HoldKind.UPSTREAM, since=one.slot)
            begin = max(begin, self._start(waiting, hold, record, now, depth + 1))
        return begin + takes

    def _takes(self, task_id: str, now: datetime) -> timedelta:
        if task_id not in self._durations:
            runs = self.ledger.outcomes(task_id, limit=_JUDGED, until=key(now))
            durations = [run.duration_seconds for run in runs if run.status is RunStatus.SUCCEEDED]
            self._durations[task_id] = timedelta(seconds=percentile([one for one in durations if one is not None]))
        return self._durations[task_id]

"""Reading what slots wait for, and who waits for a slot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.instants import of_slot
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import Run, RunEnd
from orchestrator.runs.task_state import Record
from orchestrator.runs.upstreams import UpstreamSlot, answer
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.dependencies import upstream_slots, waiting_span
from orchestrator.tasks.slots import key

#: Slots that were started before their time may wait, too.
_AHEAD = timedelta(days=400)


@dataclass(frozen=True, kw_only=True)
class Upstreams:
    """Of a stack's registry and ledger, both read as they are now."""

    registry: Registry
    ledger: Ledger

    def answer(self, run: Run, hold: Hold, record: Record, now: datetime) -> RunEnd | Hold | None:
        """What becomes of a held slot; see :func:`orchestrator.runs.upstreams.answer`."""
        return answer(record.task, run, hold, list(self.found(run, record)), now)

    def found(self, run: Run, record: Record) -> Iterator[UpstreamSlot]:
        """The slots that a slot of the task waits for, with what is known of each."""
        for edge in record.task.after:
            of = record if edge.task_id == run.task_id else self.registry.get(edge.task_id)
            if of is None:
                yield UpstreamSlot(task_id=edge.task_id, slot=run.slot, known=False)
                continue
            since = of.checkpoint.since if of.checkpoint else None
            for at in upstream_slots(edge, record.task, of.task, of_slot(run.slot)):
                row = self.ledger.get(edge.task_id, key(at))
                yield UpstreamSlot(task_id=edge.task_id, slot=key(at), run=row, watched_since=since)

    def waiting_for(self, run: Run, record: Record, now: datetime) -> list[Run]:
        """The held slots of other tasks that may wait for a slot, the oldest of each first."""
        found: dict[tuple[str, str], Run] = {}
        at = of_slot(run.slot)
        for task_id in record.task.downstream:
            of = record if task_id == run.task_id else self.registry.get(task_id)
            for edge in of.task.after if of else ():
                if of is not None and edge.task_id == run.task_id:
                    since, until = waiting_span(edge, of.task, record.task, at)
                    held = self.ledger.held(task_id, key(since), key(min(until or now + _AHEAD, now + _AHEAD)))
                    found |= {(one.task_id, one.slot): one for one in held}
        return list(found.values())

"""Running again what is downstream of slots, in order: each slot waits until those before it have run anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestrator.instants import of_slot, to_millisecond
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import TERMINAL, Run, RunStatus
from orchestrator.runs.task_state import Record
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.tasks.dependencies import upstream_slots, waiting_span
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.slots import expected, key

_INSTANT = timedelta(seconds=1)

#: A task, and one of its slots.
Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Chains:
    """Of a stack's registry and ledger."""

    registry: Registry
    ledger: Ledger

    def downstream(self, first: Iterable[Place], now: datetime) -> dict[Place, list[Place]]:
        """The slots, not later than ``now``, that wait for ``first`` directly or through others, in an order in which
        they can run; with each, those that it waits for and that run anew, too.
        """
        records: dict[str, Record | None] = {}
        found: dict[Place, list[Place]] = {}
        reached = list(dict.fromkeys(first))
        for place in reached:
            for other in self._waiting(place, records, now):
                if other not in found and other not in reached:
                    reached.append(other)
                if other in reached and place not in found.setdefault(other, []):
                    found[other].append(place)
        return found

    def _waiting(self, place: Place, records: dict[str, Record | None], now: datetime) -> Iterator[Place]:
        task_id, slot = place
        upstream = self._record(task_id, records)
        for other_id in upstream.task.downstream if upstream else ():
            other = self._record(other_id, records)
            for edge in other.task.after if other else ():
                if other is None or upstream is None or edge.task_id != task_id:
                    continue
                since, until = waiting_span(edge, other.task, upstream.task, of_slot(slot))
                for one in expected(other.task, max(since - _INSTANT, _begin(other)), min(until or now, now)):
                    waits_for = upstream_slots(edge, other.task, upstream.task, one.at)
                    if not one.skipped and of_slot(slot) in waits_for:
                        yield other_id, key(one.at)

    def _record(self, task_id: str, records: dict[str, Record | None]) -> Record | None:
        if task_id not in records:
            records[task_id] = self.registry.get(task_id)
        return records[task_id]

    def hold(self, recorder: Recorder, chain: dict[Place, list[Place]], now: datetime) -> list[Run]:
        """Holds each slot of a chain until what it waits for has begun after ``now``, and succeeded. A slot that runs
        just now is left out. Returns the held slots.

        Call it before what is first runs again: so nobody misses its end.
        """
        held = []
        for (task_id, slot), upstreams in chain.items():
            run = self.ledger.get(task_id, slot)
            if run is not None and run.status not in TERMINAL and run.hold is None:
                continue
            hold = Hold(
                kind=HoldKind.UPSTREAM,
                since=to_millisecond(now),
                why="waits for " + ", ".join(f"{one} {at}" for one, at in upstreams[:3]),
                fresh=tuple(f"{one}#{at}" for one, at in upstreams),
                fresh_since=to_millisecond(now),
            )
            if recorder.hold_again(task_id, slot, run, hold, now):
                held.append(Run(task_id=task_id, slot=slot, status=RunStatus.WAITING, hold=hold))
        return held


def _begin(record: Record) -> datetime:
    """No slot of the task's present schedules was expected earlier."""
    since = record.checkpoint.since if record.checkpoint else None
    return of_slot(since) if since else datetime.min.replace(tzinfo=UTC)

"""What a period of the ledger sums up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nlargest

from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus

#: Of each list in a mail.
LONGEST_LIST = 20
SLOWEST = 5


@dataclass(frozen=True, kw_only=True)
class Digest:
    """Runs whose slot is after ``since`` and not after ``until``, two slots as text."""

    since: str
    until: str
    #: By status; a status that no run has is not in it.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: The latest that somebody should look at, newest first.
    unsuccessful: tuple[Run, ...] = ()
    #: The latest that were skipped on purpose, newest first.
    skipped: tuple[Run, ...] = ()
    #: Those that took longest, the longest first.
    slowest: tuple[Run, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        """The number of runs that somebody should look at; the list of them may be shorter."""
        return sum(self.counts.get(status, 0) for status in UNSUCCESSFUL)


def summarise(runs: Iterable[Run], *, since: str, until: str) -> Digest:
    """The digest of ``runs``, which may be any number: it keeps the few that it lists."""
    counts: Counter[str] = Counter()
    unsuccessful: list[Run] = []
    skipped: list[Run] = []
    slowest: list[Run] = []
    for run in runs:
        counts[str(run.status)] += 1
        if run.status in UNSUCCESSFUL:
            unsuccessful = _keep(unsuccessful, run)
        elif run.status is RunStatus.SKIPPED:
            skipped = _keep(skipped, run)
        if run.duration_seconds is not None:
            slowest = nlargest(SLOWEST, [*slowest, run], key=_duration)
    return Digest(
        since=since,
        until=until,
        counts=dict(sorted(counts.items())),
        unsuccessful=tuple(unsuccessful),
        skipped=tuple(skipped),
        slowest=tuple(slowest),
    )


def _keep(newest: list[Run], run: Run) -> list[Run]:
    return nlargest(LONGEST_LIST, [*newest, run], key=lambda one: (one.slot, one.task_id))


def _duration(run: Run) -> float:
    return run.duration_seconds or 0.0

"""The grid of the overview: a row for each task, a column for each stretch of time, and what became of the slots there.

A cell shows the worst of its slots. Neighbours are drawn as one shape, so that a month of two thousand tasks is some
thousand shapes and not half a million.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from orchestrator.console.span import Span
from orchestrator.instants import order
from orchestrator.runs.outline import Outline
from orchestrator.runs.run import Attention, RunStatus
from orchestrator.runs.task_state import Record


class Mark(StrEnum):
    """What a cell shows, the worst first. Each has a shape of its own, so that no state is told by colour alone."""

    FAILED = "failed"
    TIMED_OUT = "timed out"
    ABORTED = "aborted"
    MISSED = "missed"
    EXPIRED = "expired"
    RUNNING = "running"
    WAITING = "waiting"
    WARNED = "warned"
    SKIPPED = "skipped"
    SUCCEEDED = "succeeded"
    DUE = "due"

    @property
    def style(self) -> str:
        """The class of what draws it."""
        return f"m-{self.replace(' ', '-')}"


_BY_RANK = tuple(Mark)
_RANK = {mark: rank for rank, mark in enumerate(_BY_RANK)}
_LAST = len(_BY_RANK)

_MARKS = {
    RunStatus.FAILED: Mark.FAILED,
    RunStatus.TIMED_OUT: Mark.TIMED_OUT,
    RunStatus.ABORTED: Mark.ABORTED,
    RunStatus.MISSED: Mark.MISSED,
    RunStatus.EXPIRED: Mark.EXPIRED,
    RunStatus.RUNNING: Mark.RUNNING,
    RunStatus.WAITING: Mark.WAITING,
    RunStatus.SKIPPED: Mark.SKIPPED,
    RunStatus.SUCCEEDED: Mark.SUCCEEDED,
}

_WARNINGS = frozenset({Attention.LATE, Attention.TOO_LONG, Attention.TOO_SHORT})


def mark_of(run: Outline) -> Mark:
    """What the cell of one run shows."""
    if run.attention and run.status is RunStatus.SUCCEEDED and not _WARNINGS.isdisjoint(run.attention.split(", ")):
        return Mark.WARNED
    return _MARKS[run.status]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Cells side by side that show the same: from ``column`` on, ``width`` of them."""

    column: int
    width: int
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class Row:
    """A task's line in the grid."""

    record: Record
    stretches: tuple[Stretch, ...]
    #: How many of its slots there are of each mark.
    counts: Mapping[Mark, int]
    #: As HTML, by what it was written for.
    drawn: dict[object, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def worst(self) -> Mark | None:
        return min(self.counts, key=_RANK.__getitem__, default=None)

    @property
    def summary(self) -> str:
        """The row in words, for screen readers: ``96 succeeded, 1 failed``."""
        return ", ".join(f"{self.counts[mark]} {mark}" for mark in Mark if self.counts.get(mark)) or "no slots"


def row(record: Record, span: Span, runs: Iterable[Outline], due: Iterable[datetime]) -> Row:
    """``runs`` are the task's rows in the span, ``due`` its slots to come there."""
    ranks: dict[int, int] = {}
    counted = [0] * len(_BY_RANK)
    edges, columns = span.edges, span.columns
    # A slot's text sorts as its moment does: none of 150,000 is parsed.
    cells = [(bisect_right(edges, order(run.slot)) - 1, _RANK[mark_of(run)]) for run in runs]
    cells += [(span.column(moment), _RANK[Mark.DUE]) for moment in due]
    for column, rank in cells:
        if 0 <= column < columns:
            counted[rank] += 1
            if rank < ranks.get(column, _LAST):
                ranks[column] = rank
    return Row(
        record=record,
        stretches=_stretches(ranks),
        counts={mark: count for mark, count in zip(_BY_RANK, counted, strict=True) if count},
    )


def _stretches(ranks: Mapping[int, int]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    begin = width = 0
    last = _LAST
    for column, rank in sorted(ranks.items()):
        if rank == last and column == begin + width:
            width += 1
            continue
        if width:
            found.append(Stretch(column=begin, width=width, mark=_BY_RANK[last]))
        begin, width, last = column, 1, rank
    if width:
        found.append(Stretch(column=begin, width=width, mark=_BY_RANK[last]))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which tasks the overview shows; empty texts ask for nothing."""

    owner: str = ""
    tag: str = ""
    status: str = ""
    text: str = ""

    def takes(self, record: Record) -> bool:
        """Whether the task is shown whatever its slots are."""
        task = record.task
        if self.owner and task.owner != self.owner:
            return False
        if self.tag and self.tag not in task.tags:
            return False
        words = f"{task.id} {task.description} {task.target} {task.owner}".casefold()
        return all(word in words for word in self.text.casefold().split())

    def shows(self, row: Row) -> bool:
        """Whether the task is shown with these slots."""
        if self.status == "paused":
            return row.record.pause is not None
        return not self.status or any(mark == self.status for mark in row.counts)


class By(StrEnum):
    """What the rows of a group have in common."""

    OWNER = "owner"
    #: The first of its tags.
    TAG = "tag"
    #: The worst of its slots.
    STATUS = "status"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that have something in common; an empty name is that of those that have nothing of it."""

    name: str
    rows: tuple[Row, ...]


def groups(rows: Sequence[Row], by: By = By.OWNER) -> tuple[Group, ...]:
    """The rows in groups; within one, by task. Those without owner, tag or slot come last."""

    def name(row: Row) -> str:
        match by:
            case By.OWNER:
                return row.record.task.owner
            case By.TAG:
                return next(iter(row.record.task.tags), "")
            case By.STATUS:
                return row.worst or ""

    def place(row: Row) -> tuple[int, str]:
        if by is By.STATUS:
            return _RANK[row.worst] if row.worst else _LAST, ""
        return not name(row), name(row)

    ordered = sorted(rows, key=lambda one: (place(one), one.record.task.id))
    return tuple(Group(name=found, rows=tuple(members)) for found, members in groupby(ordered, key=name))

"""TaskRunner's states folded to the six steps that a person thinks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise

from orchestrator.console.graph import GAP_X, GAP_Y, NODE_HEIGHT, NODE_WIDTH, Edge, Graph, Node
from orchestrator.runs.path import Visit


class Step(StrEnum):
    """What a run does, in the order in which it does it."""

    LOOK_UP = "Look up"
    CLAIM = "Claim the slot"
    WAIT = "Wait for its turn"
    RUN = "Run"
    RETRY = "Try again"
    RECORD = "Record"


#: How the names of a step's states begin, the first that fits; a state that calls a target may be called anything.
_BEGINNINGS = (
    (Step.LOOK_UP, ("Lookup",)),
    (Step.WAIT, ("RecordWaiting", "Wait", "Join", "Leave", "Stop", "EndOther", "Other", "LookAt", "Hold", "Postpone")),
    (Step.CLAIM, ("Claim", "Explain", "Refused")),
    (Step.RETRY, ("Retry", "BackOff")),
    (Step.RECORD, ("Record", "Ended", "Failed", "Unrecorded", "FailHeld", "SkipHeld")),
)

_ROW, _COLUMN = NODE_HEIGHT + GAP_Y, NODE_WIDTH + 3 * GAP_X
_MIDDLE, _BELOW, _UPPER, _LOWER = NODE_WIDTH // 2, NODE_HEIGHT, NODE_HEIGHT // 3, NODE_HEIGHT * 2 // 3

#: The way of a run that meets nobody goes straight down; beside it is where it waits and where it tries again.
_PLACES = {
    Step.LOOK_UP: (GAP_X, 0),
    Step.CLAIM: (GAP_X, _ROW),
    Step.WAIT: (GAP_X + _COLUMN, _ROW),
    Step.RUN: (GAP_X, 2 * _ROW),
    Step.RETRY: (GAP_X + _COLUMN, 2 * _ROW),
    Step.RECORD: (GAP_X, 3 * _ROW),
}


def _down(row: int) -> str:
    return f"M{GAP_X + _MIDDLE} {row * _ROW + _BELOW}V{(row + 1) * _ROW}"


def _aside(row: int, y: int, *, back: bool = False) -> str:
    near, far = GAP_X + NODE_WIDTH, GAP_X + _COLUMN
    begin, end = (far, near) if back else (near, far)
    return f"M{begin} {row * _ROW + y}H{end}"


def _around(row: int) -> str:
    """From the right edge of what stands aside to the right edge of Record."""
    right, end = GAP_X + _COLUMN + NODE_WIDTH, GAP_X + NODE_WIDTH
    begin, last = row * _ROW + NODE_HEIGHT // 2, 3 * _ROW + NODE_HEIGHT // 2
    return f"M{right} {begin}h{GAP_X * (4 - row) // 2}V{last}H{end}"


#: Which step may follow which, and the line between them.
_LINES = {
    (Step.LOOK_UP, Step.CLAIM): _down(0),
    (Step.CLAIM, Step.RUN): _down(1),
    (Step.RUN, Step.RECORD): _down(2),
    (Step.CLAIM, Step.WAIT): _aside(1, _UPPER),
    (Step.WAIT, Step.CLAIM): _aside(1, _LOWER, back=True),
    # A handler has said "not yet".
    (Step.RUN, Step.WAIT): f"M{GAP_X + NODE_WIDTH} {2 * _ROW + 4}L{GAP_X + _COLUMN} {_ROW + _BELOW - 4}",
    (Step.RUN, Step.RETRY): _aside(2, _UPPER),
    (Step.RETRY, Step.RUN): _aside(2, _LOWER, back=True),
    (Step.WAIT, Step.RECORD): _around(1),
    (Step.RETRY, Step.RECORD): _around(2),
    # What is refused is recorded without a run.
    (Step.CLAIM, Step.RECORD): f"M{GAP_X} {_ROW + _BELOW // 2}H{GAP_X // 3}V{3 * _ROW + _BELOW // 2}H{GAP_X}",
}

_FAIL = "Failed"


def step_of(state: str) -> Step:
    """The step that a state of TaskRunner belongs to."""
    return next((step for step, names in _BEGINNINGS if state.startswith(names)), Step.RUN)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """States of one step that were entered one after the other."""

    step: Step
    visits: tuple[Visit, ...]

    @property
    def entered(self) -> datetime:
        return self.visits[0].entered

    @property
    def left(self) -> datetime | None:
        """None while the execution is in it; no event says that one leaves the state that ends it."""
        last = self.visits[-1]
        return last.entered if last.state == _FAIL else last.left

    @property
    def error(self) -> str:
        """Of the last of its calls."""
        return self.visits[-1].error

    @property
    def children(self) -> tuple[str, ...]:
        """ARNs of the executions that it has started."""
        return tuple(child for visit in self.visits for child in visit.children)


def stages(visits: Sequence[Visit]) -> tuple[Stage, ...]:
    """An execution of TaskRunner by its steps."""
    by_step = groupby(visits, key=lambda visit: step_of(visit.state))
    return tuple(Stage(step=step, visits=tuple(some)) for step, some in by_step)


def drawn(of_run: Sequence[Stage]) -> Graph:
    """The six steps as a graph, with those that were taken."""
    taken = set(pairwise(one.step for one in of_run))
    return Graph(
        title="",
        nodes=tuple(_node(step, place, [one for one in of_run if one.step is step]) for step, place in _PLACES.items()),
        edges=tuple(Edge(line=line, taken=steps in taken) for steps, line in _LINES.items()),
        width=_COLUMN + NODE_WIDTH + 4 * GAP_X,
        height=3 * _ROW + NODE_HEIGHT,
    )


def _node(step: Step, place: tuple[int, int], visits: Sequence[Stage]) -> Node:
    last = visits[-1] if visits else None
    return Node(
        name=step,
        type="Step",
        x=place[0],
        y=place[1],
        visits=len(visits),
        failed=bool(last and last.error),
        current=bool(last and last.left is None and not last.error),
    )

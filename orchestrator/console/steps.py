"""TaskRunner's states folded to the six steps that a person thinks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from orchestrator.console.graph import Graph, graphs
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
    (Step.WAIT, ("RecordWaiting", "Wait", "Join", "Leave", "Stop", "EndOther", "Other", "LookAt")),
    (Step.CLAIM, ("Claim", "Explain", "Refused")),
    (Step.RETRY, ("Retry", "BackOff")),
    (Step.RECORD, ("Record", "Ended", "Failed", "Unrecorded")),
)

#: Which step may follow which.
_FOLLOWING = {
    Step.LOOK_UP: (Step.CLAIM, Step.RECORD),
    Step.CLAIM: (Step.WAIT, Step.RUN, Step.RECORD),
    Step.WAIT: (Step.CLAIM, Step.RECORD),
    Step.RUN: (Step.RETRY, Step.RECORD),
    Step.RETRY: (Step.RUN, Step.RECORD),
    Step.RECORD: (),
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
    states = {
        step: {"Type": "Step", "Choices": [{"Next": other} for other in following]}
        for step, following in _FOLLOWING.items()
    }
    visits = [Visit(state=one.step, entered=one.entered, left=one.left, error=one.error) for one in of_run]
    (graph,) = graphs({"StartAt": Step.LOOK_UP, "States": states}, visits)
    return graph

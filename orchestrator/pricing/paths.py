"""The states that an execution passes through, read off its definition."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.tasks import TargetKind

#: A definition in Amazon States Language.
Machine = Mapping[str, Any]

#: What the state that does a task's work calls, by its ARN's end.
_WORK = {TargetKind.LAMBDA: ":lambda:invoke", TargetKind.WORKFLOW: ":states:startExecution.sync:2"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A state on the way."""

    name: str
    state: Mapping[str, Any]

    def calls(self, call: str) -> bool:
        return str(self.state.get("Resource", "")).endswith(call)


def happy_path(machine: Machine, kind: TargetKind) -> list[Step]:
    """The shortest way to an end that goes through the state that does the work, without any catcher.

    Raises ValueError if there is none.
    """
    return shortest(machine, lambda step: step.calls(_WORK[kind]))


def shortest(machine: Machine, wanted: Callable[[Step], bool]) -> list[Step]:
    """The shortest way to an end on which a state is wanted. Raises ValueError if there is none."""
    steps = {name: Step(name=name, state=state) for name, state in machine["States"].items()}
    waiting: deque[list[str]] = deque([[machine["StartAt"]]])
    while waiting:
        names = waiting.popleft()
        last = steps[names[-1]].state
        if last.get("End") or last["Type"] == "Succeed":
            if any(wanted(steps[name]) for name in names):
                return [steps[name] for name in names]
            continue
        waiting.extend([*names, following] for following in _following(last) if following not in names)
    raise ValueError("no way through this definition does what was asked for")


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    yield from (rule["Next"] for rule in state.get("Choices", []))
    yield from (state[field] for field in ("Next", "Default") if field in state)

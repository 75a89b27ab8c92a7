"""The states that an execution passes through, read off its definition."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.tasks.task import TargetKind

#: A definition in Amazon States Language.
Machine = Mapping[str, Any]

#: What the state that does a task's work calls, by its ARN's end.
_WORK = {TargetKind.LAMBDA: ":lambda:invoke", TargetKind.WORKFLOW: ":states:startExecution.sync:2"}


#: A slot on a closed day passes through these states of TaskRunner: a claim that fails before it writes, and the row.
_SKIPPING = ("ClaimSlot", "RecordSkip")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A state on the way."""

    name: str
    state: Mapping[str, Any]
    #: A catcher leads on from here: its arguments could not be evaluated, and nothing was sent.
    caught: bool = False

    def calls(self, call: str) -> bool:
        return not self.caught and str(self.state.get("Resource", "")).endswith(call)


def happy_path(machine: Machine, kind: TargetKind) -> list[Step]:
    """The shortest way to an end that goes through the state that does the work: that of a Lambda function without any
    catcher; what is none turns off by one. Raises ValueError if there is none.
    """
    return shortest(machine, lambda step: step.calls(_WORK[kind]), catching=kind is not TargetKind.LAMBDA)


def skipping_path(machine: Machine) -> list[Step]:
    """The path of a slot on a closed day, which is skipped without a claim. Raises ValueError if there is none."""
    return shortest(machine, *(lambda step, name=name: step.name == name for name in _SKIPPING), catching=True)


#: Types of states that have no machine within.
_OF_ONE_WAY = ("Choice", "Pass", "Succeed", "Task", "Wait")


def straight(machine: Machine) -> int | None:
    """How many states a machine passes through that takes one way alone, but for those that fail; None for one that
    chooses or repeats.
    """
    states, names = machine["States"], [machine["StartAt"]]
    while True:
        state = states[names[-1]]
        if state["Type"] not in _OF_ONE_WAY:
            return None
        if state.get("End") or state["Type"] == "Succeed":
            return len(names)
        following = {name for name in _following(state, catching=False) if states[name]["Type"] != "Fail"}
        if len(following) != 1 or following & set(names):
            return None
        names += following


def shortest(machine: Machine, *wanted: Callable[[Step], bool], catching: bool = False) -> list[Step]:
    """The shortest path to an end that visits every ``wanted`` state, through catchers only if ``catching``.

    Raises ValueError if there is none.
    """
    steps = {name: Step(name=name, state=state) for name, state in machine["States"].items()}
    waiting: deque[list[str]] = deque([[machine["StartAt"]]])
    while waiting:
        names = waiting.popleft()
        last = steps[names[-1]].state
        if last.get("End") or last["Type"] == "Succeed":
            if all(any(one(steps[name]) for name in names) for one in wanted):
                ways = zip(names, [*names[1:], None], strict=True)
                return [replace(steps[name], caught=_is_caught(steps[name].state, then)) for name, then in ways]
            continue
        waiting.extend([*names, following] for following in _following(last, catching) if following not in names)
    raise ValueError("no way through this definition does what was asked for")


def _is_caught(state: Mapping[str, Any], following: str | None) -> bool:
    return following is not None and following not in _following(state, catching=False)


def _following(state: Mapping[str, Any], catching: bool) -> Iterator[str]:
    yield from (rule["Next"] for rule in state.get("Choices", []))
    yield from (state[field] for field in ("Next", "Default") if field in state)
    if catching:
        yield from (catcher["Next"] for catcher in state.get("Catch", []))

"""Where the states of a definition lead, and which of them an execution can reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def every(machine: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yields each state of a machine and of the machines in it: its name, the state, its path."""
    states = machine.get("States") if isinstance(machine, Mapping) else None
    for name, state in states.items() if isinstance(states, Mapping) else ():
        if isinstance(state, Mapping):
            yield name, state, f"{place}/States/{name}"
            for where, within in inner(state, f"{place}/States/{name}"):
                yield from every(within, where)


def inner(state: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the machines within a Parallel or a Map, with their paths."""
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        yield f"{place}/Branches[{index}]", branch if isinstance(branch, Mapping) else {}
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), Mapping):
            yield f"{place}/{field}", state[field]


def targets(state: Any, place: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Yields the name of a state, a state that it leads to, and the path of that field."""
    if not isinstance(state, dict):
        return
    for field in ("Next", "Default"):
        if field in state:
            yield name, str(state[field]), f"{place}/{field}"
    for field in ("Choices", "Catch"):
        rules = state.get(field)
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            if isinstance(rule, Mapping) and "Next" in rule:
                yield name, str(rule["Next"]), f"{place}/{field}[{index}]/Next"


def ends(state: Any) -> bool:
    """Whether an execution can end in a state."""
    return isinstance(state, dict) and (state.get("End") is True or state.get("Type") in ("Succeed", "Fail"))


def reached(start: str, states: Mapping[str, Any]) -> set[str]:
    """Returns the names of the states that an execution can reach from ``start``."""
    names: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in states and name not in names:
            names.add(name)
            ahead += [target for _, target, _ in targets(states[name], "", name)]
    return names

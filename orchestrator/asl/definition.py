"""A state machine's definition, and what can be wrong with it before any AWS sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestrator.asl import jsonata
from orchestrator.asl.expressions import JSONPATH_FIELDS, Jsonata
from orchestrator.errors import InvalidDefinition
from orchestrator.functions import Permission

#: Fields of a state that hold anybody's data.
_DATA_FIELDS = frozenset({"Arguments", "Assign", "ItemSelector", "Output"})

#: What ends an execution that nothing else ended.
_TERMINAL_TYPES = frozenset({"Fail", "Succeed"})


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A definition in JSONata mode. ``start`` is its first state; the rest is what can be reached from there."""

    #: A state of :mod:`orchestrator.asl.states`.
    start: Any
    comment: str
    #: An execution that runs longer is ended by Step Functions, which no catcher sees.
    timeout_seconds: int
    #: What its states may do, beside invoking the stack's functions.
    permissions: tuple[Permission, ...] = ()

    @cached_property
    def _machine(self) -> dict[str, Any]:
        """Builds the SDK's workflow once: that takes longer than all that is done with it."""
        # Here, because it imports the SDK, and what is written as Amazon States Language needs none.
        from orchestrator.asl.states import Graph

        graph = Graph(self.start, comment=self.comment, query_language="JSONata", timeout_seconds=self.timeout_seconds)
        machine: dict[str, Any] = graph.to_dict()
        first = ("Comment", "QueryLanguage", "TimeoutSeconds", "StartAt", "States")
        return {name: machine[name] for name in first}

    def to_dict(self) -> dict[str, Any]:
        """Amazon States Language; what becomes of it is the caller's."""
        return deepcopy(self._machine)

    @cached_property
    def text(self) -> str:
        """The same, as short as it can be: so it is deployed."""
        return json.dumps(self._machine, separators=(",", ":"))

    def to_json(self) -> str:
        """The same, as text for people and for files: the same definition is the same text."""
        return json.dumps(self._machine, indent=2, ensure_ascii=False) + "\n"

    def validate(self) -> None:
        """Raises :class:`InvalidDefinition` with every problem found, or does nothing."""
        if wrong := problems(self._machine):
            raise InvalidDefinition(self.comment, wrong)


def problems(machine: Mapping[str, Any]) -> list[str]:
    """Lists what Step Functions would refuse, or accept and not do, in a definition in JSONata mode.

    Finds dangling transitions, names used twice across nested graphs, unreachable states, JSONPath fields, text from
    data that would be evaluated, expressions that are no JSONata or that Step Functions does not take, tasks without a
    timeout, and catchers and errors that Step Functions does not allow.
    """
    seen: dict[str, str] = {}
    wrong = [*_graph_problems("the state machine", machine, seen)]
    if "TimeoutSeconds" not in machine:
        wrong.append("the state machine has no TimeoutSeconds: an execution that hangs would run for a year")
    return wrong


def _graph_problems(where: str, graph: Mapping[str, Any], seen: dict[str, str]) -> Iterator[str]:
    states: Mapping[str, Any] = graph.get("States", {})
    start = graph.get("StartAt")
    if start not in states:
        yield f"{where} starts at {start!r}, which is not one of its states"
    for name, state in states.items():
        if name in seen:
            yield f"the name {name!r} is used twice, in {seen[name]} and in {where}"
        seen[name] = where
        yield from _state_problems(name, state, states)
        for inner_where, inner in _nested(name, state):
            yield from _graph_problems(inner_where, inner, seen)
    for name in sorted(states.keys() - _reachable(start, states)) if start in states else ():
        yield f"{name} cannot be reached from {start}"


def _state_problems(name: str, state: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[str]:
    for field, target in _transitions(state):
        if target not in states:
            yield f"{name}: its {field} leads to {target!r}, which is not a state"
    if not _transitions(state) and not state.get("End") and state.get("Type") not in _TERMINAL_TYPES:
        yield f"{name} has neither Next nor End"
    if state.get("Type") == "Task" and "TimeoutSeconds" not in state:
        yield f"{name} has no TimeoutSeconds: a task that hangs would hold its execution for a year"
    if str(state.get("Error", "")).startswith("States."):
        yield f"{name} fails with {state['Error']!r}: names that begin with 'States.' are reserved"
    for kind in ("Retry", "Catch"):
        rules = state.get(kind, [])
        for rule in rules:
            if "States.ALL" in rule["ErrorEquals"] and (len(rule["ErrorEquals"]) > 1 or rule is not rules[-1]):
                yield f"{name}: States.ALL must stand alone, in the last {kind}"
    yield from _value_problems(name, {k: v for k, v in state.items() if k not in ("Branches", "ItemProcessor")})
    yield from _expression_problems(name, state)


def _expression_problems(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    for one in jsonata.expressions(state):
        try:
            refused = jsonata.refusals(one.expression, one.offered)
        except ModuleNotFoundError:
            # The parser comes with the embedded AWS; AWS itself says the same at the deployment.
            return
        for why in refused:
            yield f"{name}{one.place.replace('/', '.')}: {_in_words(why)}: {one.expression}"


def _in_words(why: jsonata.Refusal) -> str:
    if why.code == jsonata.INVALID:
        return f"this is not JSONata: {why.message}"
    hint = (
        " There are $states.input and $name of a variable"
        if why.message.endswith("at the top level is not supported.")
        else ""
    )
    return f"Step Functions refuses this: {why.message}{hint}"


def _value_problems(path: str, value: Any, *, is_data: bool = False) -> Iterator[str]:
    """``is_data``: names are those of a service or of the writer, such as the ``Parameters`` of a job of AWS Batch."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if (key in JSONPATH_FIELDS and not is_data) or key.endswith(".$"):
                yield f"{path}: {key} belongs to JSONPath, this definition is in JSONata mode"
            yield from _value_problems(f"{path}.{key}", inner, is_data=is_data or key in _DATA_FIELDS)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _value_problems(f"{path}[{index}]", inner, is_data=is_data)
    elif isinstance(value, str) and not isinstance(value, Jsonata):
        text = value.strip()
        if text.startswith("{%") and text.endswith("%}"):
            yield f"{path}: the text {value!r} would be evaluated; write jsonata(…) if that is meant"


def _transitions(state: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Every (field, name of the next state) of a state."""
    one = [(field, state[field]) for field in ("Next", "Default") if field in state]
    many = [(f"{kind}[{i}]", rule.get("Next")) for kind in ("Choices", "Catch") for i, rule in enumerate(state.get(kind, []))]  # fmt: skip # noqa: E501
    return one + many


def _nested(name: str, state: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, branch in enumerate(state.get("Branches", [])):
        yield f"branch {index} of {name}", branch
    if "ItemProcessor" in state:
        yield f"the item processor of {name}", state["ItemProcessor"]


def _reachable(start: Any, states: Mapping[str, Any]) -> set[str]:
    reached: set[str] = set()
    frontier = [start]
    while frontier:
        name = frontier.pop()
        if name in states and name not in reached:
            reached.add(name)
            frontier.extend(target for _, target in _transitions(states[name]))
    return reached

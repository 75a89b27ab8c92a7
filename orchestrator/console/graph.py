"""A state machine drawn as a graph, with the path that an execution has taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.runs.path import Visit

#: Of a state, and of the space between two, in the SVG's units.
NODE_WIDTH, NODE_HEIGHT, GAP_X, GAP_Y = 190, 34, 24, 30

#: How often the states of a rank are put below those that lead to them.
_PASSES = 4


@dataclass(frozen=True, kw_only=True)
class Node:
    """A state, at the place of its left upper corner."""

    name: str
    type: str
    x: int
    y: int
    visits: int
    #: Whether the last visit failed.
    failed: bool
    #: Whether the execution is in it.
    current: bool


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A transition, as the path of an SVG."""

    line: str
    taken: bool


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A state machine, or the one within a Map or a branch of a Parallel."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


def graphs(definition: Mapping[str, Any], visits: Sequence[Visit], title: str = "") -> Iterator[Graph]:
    """The machine, then those within it."""
    yield _graph(definition, visits, title)
    for name, state in definition["States"].items():
        inner = state.get("ItemProcessor") or state.get("Iterator")
        if inner:
            yield from graphs(inner, visits, f"each item of {name}")
        for number, branch in enumerate(state.get("Branches", ()), start=1):
            yield from graphs(branch, visits, f"branch {number} of {name}")


def taken(definition: Mapping[str, Any], visits: Sequence[Visit]) -> Graph | None:
    """The machine without the states that the execution has not entered; None where it has entered none."""
    known: Mapping[str, Mapping[str, Any]] = definition["States"]
    outer = [visit for visit in visits if visit.within is None and visit.state in known]
    if not outer:
        return None
    following: dict[str, dict[str, None]] = {visit.state: {} for visit in outer}
    for source, target in _steps(outer):
        following[source][target] = None
    states = {
        name: {"Type": known[name].get("Type", ""), "Choices": [{"Next": target} for target in targets]}
        for name, targets in following.items()
    }
    return _graph({"StartAt": outer[0].state, "States": states}, outer, "")


def _graph(definition: Mapping[str, Any], visits: Sequence[Visit], title: str) -> Graph:
    states: Mapping[str, Mapping[str, Any]] = definition["States"]
    following = {name: list(dict.fromkeys(_following(state))) for name, state in states.items()}
    ranks = _ranks(str(definition["StartAt"]), following)
    rows = _rows(ranks, following)
    widest = max(map(len, rows))
    places: dict[str, tuple[int, int]] = {}
    for rank, row in enumerate(rows):
        indent = (widest - len(row)) * (NODE_WIDTH + GAP_X) // 2
        for index, name in enumerate(row):
            places[name] = (indent + index * (NODE_WIDTH + GAP_X), rank * (NODE_HEIGHT + GAP_Y))
    by_state: dict[str, list[Visit]] = {}
    for visit in visits:
        by_state.setdefault(visit.state, []).append(visit)
    steps = set(_steps(visits))
    return Graph(
        title=title,
        nodes=tuple(
            _node(name, str(states[name].get("Type", "")), place, by_state.get(name, ()))
            for name, place in places.items()
        ),
        edges=tuple(
            Edge(line=_line(places[source], places[target]), taken=(source, target) in steps)
            for source, targets in following.items()
            for target in targets
            if source in places and target in places
        ),
        width=widest * (NODE_WIDTH + GAP_X) + 40,
        height=len(rows) * (NODE_HEIGHT + GAP_Y),
    )


def _node(name: str, kind: str, place: tuple[int, int], visits: Sequence[Visit]) -> Node:
    last = visits[-1] if visits else None
    return Node(
        name=name,
        type=kind,
        x=place[0],
        y=place[1],
        visits=len(visits),
        # No event says that an execution leaves a Fail state.
        failed=bool(last and (last.error or kind == "Fail")),
        current=bool(last and last.left is None and not last.error and kind != "Fail"),
    )


def _following(state: Mapping[str, Any]) -> Iterator[str]:
    """The names of the states that a state leads to."""
    for choice in state.get("Choices", ()):
        yield str(choice["Next"])
    for name in ("Default", "Next"):
        if name in state:
            yield str(state[name])
    for catcher in state.get("Catch", ()):
        yield str(catcher["Next"])


def _ranks(start: str, following: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Ranks each state: one row below the lowest state that leads to it. Transitions back do not count."""
    order: list[str] = []
    back: set[tuple[str, str]] = set()
    open_: set[str] = {start}
    seen: set[str] = {start}
    stack: list[tuple[str, Iterator[str]]] = [(start, iter(following[start]))]
    while stack:
        name, rest = stack[-1]
        target = next(rest, None)
        if target is None:
            open_.discard(name)
            order.append(name)
            stack.pop()
        elif target in open_:
            back.add((name, target))
        elif target in following and target not in seen:
            seen.add(target)
            open_.add(target)
            stack.append((target, iter(following[target])))
    ranks = dict.fromkeys(order, 0)
    for name in reversed(order):
        for target in following[name]:
            if target in ranks and (name, target) not in back:
                ranks[target] = max(ranks[target], ranks[name] + 1)
    return ranks


def _rows(ranks: Mapping[str, int], following: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The states of each rank, each as near as can be below those that lead to it."""
    rows: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for name in following:
        if name in ranks:
            rows[ranks[name]].append(name)
    before: dict[str, list[str]] = {}
    for source, targets in following.items():
        for target in targets:
            before.setdefault(target, []).append(source)
    for _ in range(_PASSES):
        at = {name: index - len(row) / 2 for row in rows for index, name in enumerate(row)}
        for row in rows[1:]:
            row.sort(key=lambda name: _mean([at[one] for one in before.get(name, ()) if one in at], at[name]))
    return rows


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _line(source: tuple[int, int], target: tuple[int, int]) -> str:
    """Draws a line from a state's lower edge to the next one's upper edge, or around them if it leads up."""
    begin_x, begin_y = source[0] + NODE_WIDTH // 2, source[1] + NODE_HEIGHT
    end_x, end_y = target[0] + NODE_WIDTH // 2, target[1]
    if end_y > begin_y:
        middle = (begin_y + end_y) // 2
        return f"M{begin_x} {begin_y}C{begin_x} {middle} {end_x} {middle} {end_x} {end_y}"
    side = max(source[0], target[0]) + NODE_WIDTH
    begin, end = source[1] + NODE_HEIGHT // 2, target[1] + NODE_HEIGHT // 2
    begin_x, end_x = source[0] + NODE_WIDTH, target[0] + NODE_WIDTH
    return f"M{begin_x} {begin}C{side + 30} {begin} {side + 30} {end} {end_x} {end}"


def _steps(visits: Iterable[Visit]) -> Iterator[tuple[str, str]]:
    """Which state came after which, within the same Map, Parallel or machine."""
    last: dict[int, str] = {}
    for visit in visits:
        level = id(visit.within)
        if level in last:
            yield last[level], visit.state
        last[level] = visit.state

"""A state machine as a graph."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.console.graph import NODE_HEIGHT, NODE_WIDTH, graphs, taken
from orchestrator.runs.path import Visit

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def visit(state: str, *, error: str = "", left: bool = True, within: Visit | None = None) -> Visit:
    return Visit(state=state, entered=NOW, left=NOW if left else None, error=error, within=within)


CHOICE = machine(
    Look={"Type": "Choice", "Choices": [{"Next": "Yes"}, {"Next": "No"}], "Default": "No"},
    Yes={"Type": "Task", "Next": "Done", "Catch": [{"Next": "Look"}]},
    No={"Type": "Pass", "Next": "Done"},
    Done={"Type": "Succeed"},
)


def test_a_state_stands_below_those_that_lead_to_it_and_a_way_back_leads_up() -> None:
    (found,) = graphs(CHOICE, [])
    y = {node.name: node.y for node in found.nodes}
    assert y["Look"] < y["Yes"] == y["No"] < y["Done"]
    assert len(found.edges) == 5


def test_the_path_taken_is_marked() -> None:
    (found,) = graphs(CHOICE, [visit("Look"), visit("Yes", error="Boom"), visit("Look"), visit("No", left=False)])
    nodes = {node.name: node for node in found.nodes}
    assert [(name, node.visits) for name, node in nodes.items() if node.visits] == [("Look", 2), ("Yes", 1), ("No", 1)]
    assert (nodes["Yes"].failed, nodes["No"].current, nodes["Look"].current) == (True, True, False)
    assert sum(edge.taken for edge in found.edges) == 3


def test_an_execution_has_ended_in_a_state_that_fails() -> None:
    (found,) = graphs(machine(Broken={"Type": "Fail"}), [visit("Broken", left=False)])
    assert [(node.failed, node.current) for node in found.nodes] == [(True, False)]


def test_a_path_is_drawn_without_the_states_that_it_has_not_entered() -> None:
    found = taken(CHOICE, [visit("Look"), visit("No"), visit("Done")])
    assert found is not None
    assert [node.name for node in found.nodes] == ["Look", "No", "Done"]
    assert [edge.taken for edge in found.edges] == [True, True]
    assert taken(CHOICE, []) is None
    assert taken(CHOICE, [visit("Unknown")]) is None


def test_machines_within_one_are_graphs_of_their_own() -> None:
    inner = machine(Item={"Type": "Pass", "End": True})
    outer = machine(
        Each={"Type": "Map", "ItemProcessor": inner, "Next": "Both"},
        Both={"Type": "Parallel", "Branches": [inner, inner], "End": True},
    )
    each = visit("Each")
    found = list(graphs(outer, [each, visit("Item", within=each)]))
    assert [one.title for one in found] == ["", "each item of Each", "branch 1 of Both", "branch 2 of Both"]
    assert [node.visits for node in found[1].nodes] == [1]


@given(st.lists(st.lists(st.integers(0, 11), max_size=4), min_size=12, max_size=12))
def test_no_two_states_of_any_machine_lie_on_each_other_and_all_lie_within_the_graph(targets: list[list[int]]) -> None:
    states = {
        f"S{number}": {"Type": "Choice", "Choices": [{"Next": f"S{one}"} for one in of]}
        for number, of in enumerate(targets)
    }
    (found,) = graphs({"StartAt": "S0", "States": states}, [])
    places = [(node.x, node.y) for node in found.nodes]
    assert len(set(places)) == len(places)
    for one in places:
        for other in places:
            assert one == other or abs(one[0] - other[0]) >= NODE_WIDTH or abs(one[1] - other[1]) >= NODE_HEIGHT
    assert all(0 <= x <= found.width - NODE_WIDTH and 0 <= y <= found.height - NODE_HEIGHT for x, y in places)
    assert found.nodes[0].y == 0

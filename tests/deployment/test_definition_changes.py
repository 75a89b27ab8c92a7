"""What differs between two definitions, in the words of its states."""

from __future__ import annotations

from typing import Any

from orchestrator.deployment.definition_changes import DefinitionChange, definition_change


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": states}


def test_states_are_added_removed_and_changed() -> None:
    change = definition_change(
        "m", machine(A={"Type": "Pass"}, B={"Type": "Fail"}), machine(A={"Type": "Succeed"}, C={"Type": "Fail"})
    )
    assert change == DefinitionChange(state_machine="m", added=("C",), removed=("B",), changed=("A",))


def test_a_state_within_another_is_named_by_its_path_and_the_outer_one_is_unchanged() -> None:
    def mapped(kind: str) -> dict[str, Any]:
        return machine(A={"Type": "Map", "ItemProcessor": machine(B={"Type": kind})})

    change = definition_change("m", mapped("Pass"), mapped("Fail"))
    assert (change.changed, change.added, change.removed) == (("A/B",), (), ())


def test_fields_beside_the_states_are_named() -> None:
    change = definition_change("m", machine(), {**machine(), "StartAt": "B", "TimeoutSeconds": 5})
    assert change.fields == ("StartAt", "TimeoutSeconds")


def test_the_same_is_no_change() -> None:
    assert not definition_change("m", machine(A={"Type": "Pass"}), machine(A={"Type": "Pass"}))
    assert definition_change("m", {}, machine(A={"Type": "Pass"})).added == ("A",)

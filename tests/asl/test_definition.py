"""Definition.validate() finds what Step Functions would refuse, or would accept and not do."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.asl.definition import Definition, problems
from orchestrator.asl.states import Pass, Task, jsonata
from orchestrator.errors import InvalidDefinition


def machine(states: dict[str, Any], *, start: str = "First", **fields: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", "TimeoutSeconds": 60, "StartAt": start, "States": states} | fields


END = {"Type": "Pass", "End": True}
CALL = {"Type": "Task", "TimeoutSeconds": 1, "End": True}


def test_a_sound_definition_has_no_problems() -> None:
    assert problems(machine({"First": {"Type": "Pass", "Next": "Last"}, "Last": {"Type": "Succeed"}})) == []


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (
            machine({"First": END}, start="Nowhere"),
            "the state machine starts at 'Nowhere', which is not one of its states",
        ),
        (machine({"First": {"Type": "Pass", "Next": "Gone"}}), "First: its Next leads to 'Gone', which is not a state"),
        (
            machine({"First": {"Type": "Choice", "Choices": [{"Condition": "x", "Next": "Gone"}], "Default": "First"}}),
            "First: its Choices[0] leads to 'Gone', which is not a state",
        ),
        (
            machine({"First": {**CALL, "Catch": [{"ErrorEquals": ["E"], "Next": "Gone"}]}}),
            "First: its Catch[0] leads to 'Gone', which is not a state",
        ),
        (machine({"First": END, "Island": END}), "Island cannot be reached from First"),
        (machine({"First": {"Type": "Pass"}}), "First has neither Next nor End"),
        (
            machine({"First": {**END, "Type": "Map", "ItemProcessor": {"StartAt": "First", "States": {"First": END}}}}),
            "the name 'First' is used twice, in the state machine and in the item processor of First",
        ),
        (
            machine({"First": {**END, "Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": {}}}]}}),
            "A has neither Next nor End",
        ),
        (
            machine({"First": {**END, "ResultPath": "$.x"}}),
            "First: ResultPath belongs to JSONPath, this definition is in JSONata mode",
        ),
        (
            machine({"First": {**END, "Output": {"n.$": "$.n"}}}),
            "First.Output: n.$ belongs to JSONPath, this definition is in JSONata mode",
        ),
        (
            machine({"First": {**END, "Output": {"n": ["{% 1 + 1 %}"]}}}),
            "First.Output.n[0]: the text '{% 1 + 1 %}' would be evaluated; write jsonata(…) if that is meant",
        ),
        (
            machine({"First": {**END, "Type": "Task", "Resource": "r"}}),
            "First has no TimeoutSeconds: a task that hangs would hold its execution for a year",
        ),
        (
            machine({"First": {"Type": "Fail", "Error": "States.Mine"}}),
            "First fails with 'States.Mine': names that begin with 'States.' are reserved",
        ),
        (
            machine({"First": {**CALL, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]}}),
            "First: States.ALL must stand alone, in the last Retry",
        ),
        (
            {"StartAt": "First", "States": {"First": END}},
            "the state machine has no TimeoutSeconds: an execution that hangs would run for a year",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_problem_is_found_and_said(definition: dict[str, Any], problem: str) -> None:
    assert problems(definition) == [problem]


def test_every_problem_is_said_at_once() -> None:
    start = Task("First", resource="arn:aws:states:::lambda:invoke", output={"text": "{% $eval %}"})
    with pytest.raises(InvalidDefinition) as caught:
        Definition(start=start, comment="Wrong twice.", timeout_seconds=60).validate()
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "First has no TimeoutSeconds",
        "First.Output.text",
    ]


def test_an_expression_that_is_meant_is_no_problem() -> None:
    Definition(start=Pass("First", output=jsonata("1 + 1")), comment="Right.", timeout_seconds=60).validate()


def test_what_a_service_calls_its_data_is_no_problem() -> None:
    """A job of AWS Batch has ``Parameters``; of a state of JSONPath they would be its arguments."""
    call = {**CALL, "Arguments": {"JobName": "j", "Parameters": {"day": "1"}}}
    assert problems(machine({"First": call})) == []


def test_the_same_definition_is_the_same_text() -> None:
    def build() -> Definition:
        return Definition(start=Pass("First"), comment="A comment.", timeout_seconds=60)

    assert build().to_json() == build().to_json()
    assert list(build().to_dict()) == ["Comment", "QueryLanguage", "TimeoutSeconds", "StartAt", "States"]

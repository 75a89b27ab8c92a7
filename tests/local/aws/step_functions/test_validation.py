"""What a definition is refused for: AWS's answers, as recorded by LocalStack and reported by people who met them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.validation import InvalidDefinition, diagnostics, refuse
from tests.local.aws.conftest import Machines

DONE = {"Type": "Pass", "End": True}
MISSING = "MISSING_TRANSITION_TARGET"
SCHEMA = "SCHEMA_VALIDATION_FAILED"
NO_END = ("MISSING_END_STATE", "Workflow has no terminal state", None)


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states), "A"), "States": states}


def task(resource: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Parameters": {}, "End": True}


def found(definition: Any, kind: str = "STANDARD") -> list[tuple[str, str, str | None]]:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return [(one.code, one.message, one.location) for one in diagnostics(text, kind)]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (machine(A=DONE), []),
        ("", [(SCHEMA, "Definition must be a valid JSON object", None)]),
        ({}, [(SCHEMA, "These fields are required: [States, StartAt]", "/")]),
        ({"States": {"A": DONE}}, [(SCHEMA, "These fields are required: [StartAt]", "/")]),
        (
            machine(A={"Type": "Pass", "Next": "C"}, B=DONE),
            [
                (MISSING, "Missing 'Next' target: C", "/States/A/Next"),
                (MISSING, 'State "B" is not reachable.', "/States/B"),
            ],
        ),
        (
            machine(A={"Type": "Pass", "Next": "NOPE"}),
            [(MISSING, "Missing 'Next' target: NOPE", "/States/A/Next"), NO_END],
        ),
        ({"StartAt": "Z", "States": {"A": DONE}}, [
            (MISSING, "Missing 'Next' target: Z", "/StartAt"),
            (MISSING, 'State "A" is not reachable.', "/States/A"),
        ]),
        (machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}), [NO_END]),
        (
            machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, C={"Type": "Pass", "Next": "A"}),
            [NO_END],
        ),
        (
            machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}, C=DONE),
            [(MISSING, 'State "C" is not reachable.', "/States/C")],
        ),
        (
            machine(
                C={"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "X"}], "Default": "Y"},
            ),
            [
                (MISSING, "Missing 'Next' target: Y", "/States/C/Default"),
                (MISSING, "Missing 'Next' target: X", "/States/C/Choices[0]/Next"),
                NO_END,
            ],
        ),
        (
            machine(T={**task("arn:aws:states:::sns:publish"), "Catch": [{"ErrorEquals": ["E"], "Next": "X"}]}),
            [(MISSING, "Missing 'Next' target: X", "/States/T/Catch[0]/Next")],
        ),
        (
            machine(C={"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True}], "Default": "D"}, D=DONE),
            [(SCHEMA, "These fields are required: [Next]", "/States/C/Choices[0]")],
        ),
        (
            machine(A={"Type": "Nothing"}),
            [
                (
                    SCHEMA,
                    "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice,"
                    " Parallel, Map]",
                    "/States/A/Type",
                ),
                NO_END,
            ],
        ),
        (
            machine(P={"Type": "Parallel", "Branches": [], "End": True}),
            [(SCHEMA, "Value cannot be empty", "/States/P/Branches")],
        ),
        (
            machine(P={"Type": "Parallel", "Branches": [machine(A={"Type": "Pass", "Next": "P"})], "End": True}),
            [(MISSING, "Missing 'Next' target: P", "/States/P/Branches[0]/States/A/Next"), NO_END],
        ),
        (
            machine(M={"Type": "Map", "ItemProcessor": {"States": {"A": DONE}}, "End": True}),
            [(SCHEMA, "These fields are required: [StartAt]", "/States/M/ItemProcessor")],
        ),
    ],
)  # fmt: skip
def test_every_mistake_has_its_code_its_sentence_and_its_place(definition: Any, expected: Any) -> None:
    assert found(definition) == expected


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Express state machine does not support '.waitForTaskToken' service integration ",
        ),
        (
            "arn:aws:states:::states:startExecution.sync:2",
            "Express state machine does not support '.sync' service integration",
        ),
        (
            "arn:aws:states:us-east-1:123456789012:activity:a",
            "Express state machine does not support Activity ARN",
        ),
    ],
)
def test_what_an_express_machine_cannot_have(resource: str, message: str) -> None:
    assert found(machine(A=task(resource))) == []
    assert found(machine(A=task(resource)), "EXPRESS") == [(SCHEMA, message, "/States/A/Resource")]


def test_what_the_interpreter_cannot_read_is_a_mistake_too() -> None:
    ((code, message, _),) = found(machine(A={**DONE, "Unknown": 1}))
    assert code == SCHEMA
    assert "Unknown" in message


def test_the_request_answers_with_as_many_diagnostics_as_are_wanted(aws: EmbeddedAws) -> None:
    definition = json.dumps(machine(A={"Type": "Pass", "Next": "C"}, B=DONE))
    validate = aws.client("stepfunctions").validate_state_machine_definition
    answer = validate(definition=definition, maxResults=1)
    assert (answer["result"], answer["truncated"]) == ("FAIL", True)
    assert answer["diagnostics"] == [
        {"severity": "ERROR", "code": MISSING, "message": "Missing 'Next' target: C", "location": "/States/A/Next"}
    ]
    answer = validate(definition=json.dumps(machine(A=DONE)))
    assert (answer["result"], answer["diagnostics"], answer["truncated"]) == ("OK", [], False)


def test_a_machine_is_neither_created_nor_changed_by_a_definition_with_a_mistake(machines: Machines) -> None:
    wrong = json.dumps(machine(A={"Type": "Pass", "Next": "C"}))
    said = (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Next,"
        " MISSING_END_STATE: Workflow has no terminal state'"
    )
    arn = machines.make({"A": DONE})
    requests: list[Any] = [
        lambda: machines.states.create_state_machine(name="wrong", definition=wrong, roleArn=machines.role),
        lambda: machines.states.update_state_machine(stateMachineArn=arn, definition=wrong),
    ]
    for request in requests:
        with pytest.raises(ClientError) as refused:
            request()
        error = refused.value.response["Error"]
        assert (error["Code"], error["Message"]) == ("InvalidDefinition", said)
    with pytest.raises(ClientError, match="does not support Activity ARN"):
        machines.states.create_state_machine(
            name="express",
            type="EXPRESS",
            definition=json.dumps(machine(A=task("arn:aws:states:us-east-1:123456789012:activity:a"))),
            roleArn=machines.role,
        )


@pytest.mark.parametrize("moment", ["2016-12-05 21:29:29Z", "2016-12-05T21:29:29", "2016-13-05T21:29:29Z", "soon"])
def test_a_moment_that_is_none_is_refused_where_it_stands(moment: str) -> None:
    """As recorded: test_wait_timestamp_invalid."""
    states = {"A": {"Type": "Wait", "Timestamp": moment, "End": True}}
    (found,) = diagnostics(json.dumps({"StartAt": "A", "States": states}))
    assert str(found) == ("SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp")


def test_what_is_not_offered_is_refused_in_words() -> None:
    activity = "arn:aws:states:us-east-1:123456789012:activity:work"
    inner = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    states = {"P": {"Type": "Parallel", "Branches": [inner], "End": True}}
    with pytest.raises(InvalidDefinition, match=r"no activities.* at /States/P/Branches.0./States/A/Resource"):
        refuse(json.dumps({"StartAt": "P", "States": states}))

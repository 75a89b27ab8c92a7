"""What a definition is refused for: AWS's answers, as recorded by LocalStack and reported by people who met them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.validation import InvalidDefinition, diagnostics, refuse
from tests.local.aws.conftest import Machines

#: What moto's parser cannot read is told of moto as it is adapted.
pytestmark = pytest.mark.usefixtures("embedded_aws")

DONE: dict[str, Any] = {"Type": "Pass", "End": True}
MISSING = "MISSING_TRANSITION_TARGET"
SCHEMA = "SCHEMA_VALIDATION_FAILED"
NO_END = ("MISSING_END_STATE", "Workflow has no terminal state", None)


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states), "A"), "States": states}


#: What the tasks below ask, by the beginning of their integration.
ASKED: dict[str, dict[str, Any]] = {
    "sqs:": {"QueueUrl": "q", "MessageBody": "m"},
    "sns:": {"Message": "m"},
    "states:": {"StateMachineArn": "m"},
}


def task(resource: str) -> dict[str, Any]:
    integration = resource.partition(":states:::")[2]
    parameters = next((asked for name, asked in ASKED.items() if integration.startswith(name)), {})
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}


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


MAP: dict[str, Any] = {"Type": "Map", "ItemProcessor": machine(A=DONE), "End": True}
DISTRIBUTED: dict[str, Any] = {
    **MAP,
    "ItemProcessor": {**machine(A=DONE), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}},
}
TASK = task("arn:aws:states:::sqs:sendMessage")
UNKNOWN = (
    "The resource provided {} is not recognized. The value is not a valid resource ARN, or the resource is not "
    "available in this region."
)


@pytest.mark.parametrize(
    ("state", "message", "place"),
    [
        # Measured: floci-io/floci#2735.
        *(
            ({**state, field: []}, f"Field '{field}' is not supported", "")
            for field, state in [
                ("TimeoutSeconds", DONE),
                ("TimeoutSeconds", MAP),
                ("Catch", DONE),
                ("Catch", {"Type": "Succeed"}),
                ("Retry", {"Type": "Fail"}),
                ("Unknown", TASK),
            ]
        ),
        # Reported: sam-goodwin/functionless#308.
        (
            {"Type": "Wait", "Seconds": 1, "End": True, "ResultPath": None},
            "Field 'ResultPath' is not supported",
            "",
        ),
        # Measured: floci-io/floci#2968.
        (
            {**DONE, "Output": 1},
            "The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' "
            "QueryLanguage",
            "",
        ),
        (
            {**DONE, "QueryLanguage": "JSONata", "InputPath": "$"},
            "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' "
            "QueryLanguage",
            "",
        ),
        (
            {**MAP, "ItemProcessor": {**machine(A=DONE), "QueryLanguage": "JSONata"}},
            "Field 'QueryLanguage' is not supported",
            "/ItemProcessor",
        ),
        # Recorded: test_invalid_credentials_field.
        ({**TASK, "Credentials": {}}, "The field 'RoleArn' is required but was missing", "/Credentials"),
        # Recorded: TestTaskServiceDynamoDB.test_invalid_integration.
        *(
            (task(resource), UNKNOWN.format(resource), "/Resource")
            for resource in [
                "arn:aws:states:::dynamodb:query",
                "arn:aws:states:::aws-sdk:dynamodb:noSuchAction",
                "arn:aws:states:::aws-sdk:nosuchservice:list",
            ]
        ),
    ],
)
def test_a_field_is_refused_where_a_state_cannot_have_it(state: dict[str, Any], message: str, place: str) -> None:
    assert found(machine(S=state)) == [(SCHEMA, message, f"/States/S{place}")]


def test_a_state_of_a_machine_that_speaks_jsonata_speaks_nothing_else() -> None:
    """As recorded: test_validate_state_machine_definition_type_standard[INVALID_DOWNGRADE_QUERY_LANGUAGE]."""
    definition = {**machine(A={**DONE, "QueryLanguage": "JSONPath"}), "QueryLanguage": "JSONata"}
    message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
    assert found(definition) == [(SCHEMA, message, "/States/A")]


def test_a_map_hands_its_language_on_to_no_state_of_its_own() -> None:
    """As recorded: …[VALID_QUERY_LANGUAGE_PASS], and measured: floci-io/floci#2968."""
    inner = {"Type": "Pass", "Parameters": {"a": 1}, "End": True}
    state = {"Type": "Map", "QueryLanguage": "JSONata", "Items": [1], "ItemProcessor": machine(A=inner), "End": True}
    assert found(machine(M=state)) == []


def jsonata(first: dict[str, Any], **states: Any) -> dict[str, Any]:
    return {**machine(A=first, **states), "QueryLanguage": "JSONata"}


BARE = "{% phone %}"
CALL = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "Arguments": {}, "Next": "B"}


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        (jsonata({**DONE, "Output": {"a": {"b": [BARE]}}}), "A/Output/a/b[0]"),
        (jsonata({**DONE, "Assign": {"Next": BARE}}), "A/Assign/Next"),
        (jsonata({"Type": "Choice", "Choices": [{"Condition": BARE, "Next": "B"}]}, B=DONE), "A/Choices[0]/Condition"),
        (jsonata({"Type": "Wait", "Seconds": BARE, "End": True}), "A/Seconds"),
        (jsonata({"Type": "Fail", "Cause": BARE}), "A/Cause"),
        (jsonata({**MAP, "Items": BARE, "ItemProcessor": machine(I=DONE)}), "A/Items"),
        (
            jsonata({**MAP, "ItemProcessor": machine(I={**DONE, "Output": BARE})}),
            "A/ItemProcessor/States/I/Output",
        ),
        (
            jsonata({"Type": "Parallel", "Branches": [machine(B={**DONE, "Output": BARE})], "End": True}),
            "A/Branches[0]/States/B/Output",
        ),
        (
            jsonata({**CALL, "Catch": [{"ErrorEquals": ["States.ALL"], "Output": BARE, "Next": "B"}]}, B=DONE),
            "A/Catch[0]/Output",
        ),
        (machine(A={**DONE, "QueryLanguage": "JSONata", "Output": BARE}), "A/Output"),
    ],
)
def test_an_expression_is_refused_where_it_stands(definition: dict[str, Any], place: str) -> None:
    """Measured: floci-io/floci#2699, with the definitions of its tests."""
    message = "Reference to 'phone' at the top level is not supported."
    assert found(definition) == [("UNSUPPORTED_JSONATA_EXPRESSION", message, f"/States/{place}")]


@pytest.mark.parametrize(
    "definition",
    [
        machine(A={**DONE, "Parameters": {"v": BARE}}),
        jsonata({**DONE, "Comment": BARE}),
        jsonata({**CALL, "Retry": [{"ErrorEquals": [BARE]}]}, B=DONE),
        jsonata({"Type": "Pass", "Assign": {"phone": "{% 1 %}"}, "Next": "B"}, B={**DONE, "Output": "{% $phone %}"}),
    ],
)
def test_what_is_no_expression_or_begins_with_a_variable_is_taken(definition: dict[str, Any]) -> None:
    """Measured: the same."""
    assert found(definition) == []


def test_an_expression_that_cannot_be_read_is_refused_wherever_a_definition_is_given(
    aws: EmbeddedAws, machines: Machines
) -> None:
    """Measured: floci-io/floci#2745, CreateStateMachine's sentence. TestState's was not."""
    wrong = {**DONE, "Output": {"v": "{% phone[1,2) %}"}}
    said = 'INVALID_JSONATA_EXPRESSION: Expected "]", got "," at /States/A/Output/v'
    with pytest.raises(ClientError, match="InvalidDefinition") as refused:
        machines.make({"A": wrong})
    assert refused.value.response["Error"]["Message"] == f"Invalid State Machine Definition: '{said}'"
    arn, client = machines.make({"A": DONE}), aws.client("stepfunctions")
    with pytest.raises(ClientError, match="INVALID_JSONATA_EXPRESSION"):
        client.update_state_machine(stateMachineArn=arn, definition=json.dumps(jsonata(wrong)))
    with pytest.raises(ClientError, match="INVALID_JSONATA_EXPRESSION"):
        client.test_state(definition=json.dumps({"QueryLanguage": "JSONata", **wrong}), input="{}")


def test_a_definition_that_is_refused_leaves_nothing_behind() -> None:
    """Its query language: the next definition would be read in it."""
    wrong = {**machine(A={"Type": "Wait", "Seconds": "{% 1", "End": True}), "QueryLanguage": "JSONata"}
    assert found(wrong) != []
    assert found(machine(A={**DONE, "Parameters": {"a": 1}})) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "not a definition",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
            "'false')\n at [Source: (String)\"not a definition\"; line: 1, column: 4]",
        ),
        ("{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name\n at "),
    ],
)
def test_what_is_no_json_is_told_as_aws_tells_it(text: str, message: str) -> None:
    """As recorded: test_validate_state_machine_definition_not_a_definition, test_invalid_start_execution_input."""
    ((code, said, _),) = found(text)
    assert code == "INVALID_JSON_DESCRIPTION"
    assert said.startswith(message)


def test_what_the_interpreter_cannot_read_is_a_mistake_too() -> None:
    ((code, message, _),) = found(machine(A={**DONE, "Parameters": {"n.$": "States.UUID(1)"}}))
    assert code == SCHEMA
    assert message.startswith("The embedded AWS cannot read the definition: ")


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


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            task("arn:aws:states:::athena:startQueryExecution.sync"),
            "no optimized integration athena:startQueryExecution",
        ),
        (task("arn:aws:states:::codebuild:startBuild.sync"), "no optimized integration codebuild:startBuild"),
        ({**DISTRIBUTED, "ItemBatcher": {"MaxItemsPerBatch": 2}}, "no batches of items"),
    ],
)
def test_what_aws_has_and_the_embedded_aws_has_not_is_named(state: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDefinition, match=words):
        refuse(json.dumps(machine(S=state)))


def test_what_is_not_offered_is_refused_in_words() -> None:
    activity = "arn:aws:states:us-east-1:123456789012:activity:work"
    inner = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": activity, "End": True}}}
    states = {"P": {"Type": "Parallel", "Branches": [inner], "End": True}}
    with pytest.raises(InvalidDefinition, match=r"no activities.* at /States/P/Branches.0./States/A/Resource"):
        refuse(json.dumps({"StartAt": "P", "States": states}))

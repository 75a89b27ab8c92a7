"""The shape of what stands in a definition is AWS's, and so is the sentence that refuses another.

Source, where nothing else is said: what ValidateStateMachineDefinition answered on 2026-09-05, as
badmintoncryer/cdk-preflight has it (rules/stepfunctions).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.local.aws.step_functions.validation import diagnostics

pytestmark = pytest.mark.usefixtures("embedded_aws")

TASK: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"Message": "m"}}
ENDING = {**TASK, "End": True}
WAIT = {"Type": "Wait", "End": True}
INNER = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
MAP = {"Type": "Map", "ItemProcessor": INNER, "End": True}
RULE = {"Variable": "$.n", "NumericEquals": 1, "Next": "Z"}


def distributed(**more: Any) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD", **more.pop("config", {})}
    return {**MAP, "ItemProcessor": {**INNER, "ProcessorConfig": config}, **more}


def reading(config: dict[str, Any], resource: str = "arn:aws:states:::s3:getObject") -> dict[str, Any]:
    return distributed(ItemReader={"Resource": resource, "Parameters": {}, "ReaderConfig": config})


def choosing(*rules: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules), "Default": "Z"}


def retrying(**retrier: Any) -> dict[str, Any]:
    return {**ENDING, "Retry": [{"ErrorEquals": ["E"], **retrier}]}


#: A state, the sentence, and where it points to.
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({**ENDING, "TimeoutSeconds": 0}, "Minimum value is 1", "/TimeoutSeconds"),
    ({**ENDING, "TimeoutSeconds": 10**8}, "Maximum value is 99999999", "/TimeoutSeconds"),
    ({**ENDING, "TimeoutSeconds": "5"}, "Expected value of type Integer", "/TimeoutSeconds"),
    ({**ENDING, "HeartbeatSeconds": 0}, "Minimum value is 1", "/HeartbeatSeconds"),
    ({**WAIT, "Seconds": -1}, "Minimum value is 0", "/Seconds"),
    ({**MAP, "MaxConcurrency": -1}, "Minimum value is 0", "/MaxConcurrency"),
    (distributed(ToleratedFailurePercentage=-1), "Minimum value is 0.0", "/ToleratedFailurePercentage"),
    (distributed(ToleratedFailurePercentage=101), "Maximum value is 100.0", "/ToleratedFailurePercentage"),
    (retrying(MaxAttempts=-1), "Minimum value is 0", "/Retry[0]/MaxAttempts"),
    (retrying(BackoffRate=0.5), "Minimum value is 1.0", "/Retry[0]/BackoffRate"),
    (retrying(MaxDelaySeconds=31_622_401), "Maximum value is 31622400", "/Retry[0]/MaxDelaySeconds"),
    (
        retrying(JitterStrategy="HALF"),
        "Value should be one of the following: [NONE, FULL]",
        "/Retry[0]/JitterStrategy",
    ),
    ({**ENDING, "Retry": [{}]}, "These fields are required: [ErrorEquals]", "/Retry[0]"),
    ({**ENDING, "Retry": [{"ErrorEquals": []}]}, "Value cannot be empty", "/Retry[0]/ErrorEquals"),
    (
        {**ENDING, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]},
        "States.ALL must appear alone and at end of list",
        "/Retry[0]/ErrorEquals",
    ),
    ({**ENDING, "Catch": [{"ErrorEquals": ["E"]}]}, "These fields are required: [Next]", "/Catch[0]"),
    (
        {**ENDING, "Next": "Z"},
        "There should only be one of the following fields: [Next, End]",
        "",
    ),
    (TASK, "This object should have only one of the following fields: [Next, End]", ""),
    (
        {**WAIT, "Seconds": 1, "SecondsPath": "$.s"},
        "There should only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp]",
        "",
    ),
    (
        {**ENDING, "TimeoutSeconds": 1, "TimeoutSecondsPath": "$.s"},
        "There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath]",
        "",
    ),
    (
        {"Type": "Map", "End": True},
        "This object should have only one of the following fields: [ItemProcessor, Iterator]",
        "",
    ),
    ({**ENDING, "InputPath": "a"}, "Value must be a valid JSONPath.", "/InputPath"),
    ({**ENDING, "ResultPath": "$.a[*]"}, "Value is not a Reference Path", "/ResultPath"),
    (
        {**ENDING, "Parameters": {"Message.$": "a"}},
        "The value for the field 'Message.$' must be a valid JSONPath or a valid intrinsic function call",
        "/Parameters",
    ),
    (choosing(), "Value cannot be empty", "/Choices"),
    (
        choosing({**RULE, "Variable": "n"}),
        "Value is not a Reference Path: Reference path didn't start with '$'",
        "/Choices[0]/Variable",
    ),
    (choosing({"Not": RULE, "Next": "Z"}), "Field 'Next' is not supported", "/Choices[0]/Not"),
    (
        choosing({"Next": "Z"}),
        "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]",
        "/Choices[0]",
    ),
    (
        choosing({"Condition": True, "Next": "Z"}),
        "The QueryLanguage is set to 'JSONPath', but field 'Condition' is only supported for the 'JSONata' "
        "QueryLanguage",
        "/Choices[0]",
    ),
    (
        distributed(config={"ExecutionType": "FAST"}),
        "Value should be one of the following: [STANDARD, EXPRESS]",
        "/ItemProcessor/ProcessorConfig/ExecutionType",
    ),
    (reading({"InputType": "CSV"}), "The field 'CSVHeaderLocation' is required", "/ItemReader/ReaderConfig"),
    (
        reading({"InputType": "XML"}),
        "The field 'InputType' should have one of these values: [MANIFEST, JSON, CSV, JSONL, PARQUET]",
        "/ItemReader/ReaderConfig/InputType",
    ),
    (
        reading({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}),
        "These fields are required: [CSVHeaders]",
        "/ItemReader/ReaderConfig",
    ),
    # floci-io/floci#3733.
    (
        reading({"InputType": "JSON", "MaxItems": 1, "MaxItemsPath": "$.n"}),
        "There should only be one of the following fields: [MaxItems, MaxItemsPath]",
        "/ItemReader/ReaderConfig",
    ),
    ({"Type": "Task", "Resource": "f", "End": True}, "Value is not a valid resource ARN", "/Resource"),
    (
        {**ENDING, "Resource": "arn:aws:states:::sns:publish.sync"},
        "The resource provided arn:aws:states:::sns:publish.sync is not recognized. The value is not a valid resource "
        "ARN, or the resource is not available in this region.",
        "/Resource",
    ),
    ({**ENDING, "Parameters": {}}, "The field 'Message' is required but was missing", "/Parameters"),
    (
        {"Type": "Task", "Resource": TASK["Resource"], "End": True},
        "Parameters field is required for resource ARN: arn:aws:states:::sns:publish",
        "",
    ),
    ({**ENDING, "Assign": {"states": 1}}, "Cannot assign to reserved variable '$states'.", "/Assign/states"),
    (
        {**ENDING, "Assign": {"a-b": 1}},
        "Invalid variable name 'a-b': the variable name contains invalid characters.",
        "/Assign/a-b",
    ),
]


@pytest.mark.parametrize(("state", "message", "place"), MISTAKES, ids=[f"{m[:50]} {p}" for _, m, p in MISTAKES])
def test_a_mistake_is_told_in_the_words_of_aws(state: dict[str, Any], message: str, place: str) -> None:
    states = {"A": state, "Z": {"Type": "Succeed"}} if "Choices" in state or "Next" in state else {"A": state}
    (found,) = diagnostics(json.dumps({"StartAt": "A", "States": states}))[:1]
    assert (found.message, found.location) == (message, f"/States/A{place}")


@pytest.mark.parametrize(
    "state",
    [
        # Measured to be taken.
        retrying(IntervalSeconds=0),
        {**ENDING, "TimeoutSeconds": 99_999_999, "HeartbeatSeconds": 99_999_998},
        {**ENDING, "InputPath": None, "OutputPath": "$$.Execution.Input", "ResultPath": "$.a.b[0]"},
        {**ENDING, "TimeoutSecondsPath": "$limit", "HeartbeatSecondsPath": "$$.Execution.Input.beat"},
        {**ENDING, "Parameters": {"Message.$": "States.Format('{}', $['a b'])"}},
        {"Type": "Fail", "ErrorPath": "States.UUID()", "CausePath": "$.cause"},
        {**MAP, "MaxConcurrency": 0, "ItemsPath": "$$.Execution.Input.items"},
    ],
    ids=str,
)
def test_what_aws_takes_is_taken(state: dict[str, Any]) -> None:
    assert diagnostics(json.dumps({"StartAt": "A", "States": {"A": state}})) == []

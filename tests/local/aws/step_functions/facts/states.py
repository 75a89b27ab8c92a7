"""Facts about state types, their fields and their data."""

from __future__ import annotations

from typing import Any

from tests.local.aws.step_functions.facts.fact import Fact

DONE = {"Type": "Succeed"}


def passing(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", **fields} if "Next" in fields else {"Type": "Pass", "End": True, **fields}


FACTS = [
    Fact(
        name="an execution's input is told as it was given, and to states without its spaces",
        source="recorded test_map_state_label, 2024-07",
        states={"A": passing()},
        given=[1, 2],
        output=[1, 2],
        events=("ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"),
        previous=((1, 0), (2, 0), (3, 2), (4, 3)),
        details={1: {"input": "[1, 2]"}, 2: {"input": "[1,2]"}, 3: {"output": "[1,2]"}},
    ),
    Fact(
        name="a Fail state without error and cause has neither",
        source="recorded test_state_fail_empty, 2024-03-06",
        states={"A": {"Type": "Fail"}},
        status="FAILED",
        events=("ExecutionStarted", "FailStateEntered", "ExecutionFailed"),
    ),
    Fact(
        name="a Fail state says what it is told",
        source="recorded test_state_fail, 2024-03-06",
        states={"A": {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none left"}},
        status="FAILED",
        error="OutOfPaper",
        cause="none left",
    ),
    Fact(
        name="a wait of more than 24,855 days is too long",
        source="recorded test_timestamp_too_far_in_future_boundary[24856], 2023-12-13",
        states={"A": {"Type": "Wait", "Seconds": "{% 24856 * 86400 %}", "End": True}},
        status="FAILED",
        error="States.Runtime",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). "
        "Wait state delay is too long.",
    ),
    Fact(
        name="a moment that JSONata gives and that is none fails the evaluation, after the state was entered",
        source="recorded test_wait_timestamp_jsonata[NO_T], 2024-12-27",
        states={"A": {"Type": "Wait", "Timestamp": "{% $states.input.at %}", "End": True}},
        given={"at": "2016-12-05 21:29:29Z"},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). The Timestamp field "
        "cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05 21:29:29Z",
        events=("ExecutionStarted", "WaitStateEntered", "EvaluationFailed", "ExecutionFailed"),
        previous=((3, 2), (4, 3)),
        details={3: {"location": "Timestamp", "state": "A"}},
    ),
    Fact(
        name="a variable is a value where states speak JSONPath",
        source="recorded test_reference_assign[BASE_REFERENCE_IN_PARAMETERS], 2024-11",
        query_language="JSONPath",
        states={
            "A": passing(Assign={"order": {"lines": [{"n": 7}, {"n": 8}]}}, Next="B"),
            "B": passing(Parameters={"second.$": "$order.lines[1].n", "whole.$": "$order"}),
        },
        output={"second": 8, "whole": {"lines": [{"n": 7}, {"n": 8}]}},
    ),
    Fact(
        name="a variable may be what a choice compares with",
        source="recorded test_reference_assign[BASE_REFERENCE_IN_CHOICE], 2024-11",
        query_language="JSONPath",
        states={
            "A": passing(Assign={"n": 42}, Next="B"),
            "B": {
                "Type": "Choice",
                "Choices": [{"Variable": "$n", "NumericEquals": 42, "Next": "Right"}],
                "Default": "Wrong",
            },
            "Right": passing(Result="right"),
            "Wrong": passing(Result="wrong"),
        },
        output="right",
    ),
    Fact(
        name="an intrinsic function takes a variable",
        source="recorded test_reference_assign[BASE_REFERENCE_IN_INTRINSIC_FUNCTION], 2024-11",
        query_language="JSONPath",
        states={
            "A": passing(Assign={"who": "World", "n": 2}, Next="B"),
            "B": passing(Parameters={"text.$": "States.Format('Hello {}', $who)", "sum.$": "States.MathAdd($n, 1)"}),
        },
        output={"text": "Hello World", "sum": 3},
    ),
    Fact(
        name="the context object knows how often an execution was redriven",
        source="recorded test_query_context_object_values, 2025-01",
        states={"A": {"Type": "Succeed", "Output": "{% $states.context.Execution.RedriveCount %}"}},
        output=0,
    ),
    Fact(
        name="assigned variables are told when a state exits",
        source="recorded test_base_cases[BASE_VAR], 2024-11",
        states={"A": {"Type": "Pass", "Assign": {"n": 1, "text": "a"}, "End": True}},
        details={3: {"assignedVariables": {"n": "1", "text": '"a"'}}},
    ),
    Fact(
        name="the items of a map must be an array",
        source="recorded test_map_state_items_eval_jsonata_fail[number], 2024-11-19",
        states={
            "A": {
                "Type": "Map",
                "Items": "{% 1 %}",
                "ItemProcessor": {"StartAt": "B", "States": {"B": passing()}},
                "End": True,
            }
        },
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression "
        "'1' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'number' "
        "for value: 1",
        events=("ExecutionStarted", "MapStateEntered", "EvaluationFailed", "MapStateFailed", "ExecutionFailed"),
        previous=((3, 0), (4, 3), (5, 4)),
    ),
    Fact(
        name="a map answers in the order of its items, and tells of each",
        source="recorded test_map_state, 2023",
        states={
            "A": {
                "Type": "Map",
                "Items": [1, 2],
                "MaxConcurrency": 1,
                "ItemProcessor": {"StartAt": "B", "States": {"B": passing(Output="{% $states.input * 10 %}")}},
                "End": True,
            }
        },
        output=[10, 20],
        events=(
            "ExecutionStarted",
            "MapStateEntered",
            "MapStateStarted",
            *("MapIterationStarted", "PassStateEntered", "PassStateExited", "MapIterationSucceeded") * 2,
            "MapStateSucceeded",
            "MapStateExited",
            "ExecutionSucceeded",
        ),
    ),
    Fact(
        name="a parallel gives the outputs of its branches in order",
        source="recorded test_parallel_state, 2023",
        states={
            "A": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "B", "States": {"B": passing(Output=1)}},
                    {"StartAt": "C", "States": {"C": passing(Output=2)}},
                ],
                "End": True,
            }
        },
        output=[1, 2],
    ),
    Fact(
        name="a state that gives more than 256 KiB fails the execution, and nobody catches that",
        source="recorded test_start_large_input, 2024-03-21",
        states={"A": passing(Output="{% $pad('', 300000, 'x') %}", Next="B"), "B": DONE},
        status="FAILED",
        error="States.DataLimitExceeded",
        cause="The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit.",
        events=("ExecutionStarted", "PassStateEntered", "ExecutionFailed"),
    ),
]

#: Expression, its value, or the words in which it fails; with ``$states.input`` = {"n": 2, "list": [3, 1, 2]}.
RANGE = "recorded TestArrayJSONata.test_array_range, 2024-11-15"
EXPRESSIONS: list[tuple[str, Any, str]] = [
    ("$range(0, 9, 3)", [0, 3, 6, 9], RANGE),
    ("$range(0, 10, 3)", [0, 3, 6, 9], RANGE),
    ("$range(1, 9, 9)", 1, RANGE),
    ("$range(1, 9, 2)", [1, 3, 5, 7, 9], RANGE),
    ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]], "recorded test_array_partition, 2024-11-15"),
    ("$parse('{\"a\": 1}')", {"a": 1}, "recorded TestJsonManipulationJSONata.test_parse, 2024-11-12"),
    ("$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661", "Transforming data with JSONata in Step Functions"),
    ("$states.input.n * 2", 4, "Transforming data with JSONata in Step Functions"),
    ("$sort($states.input.list)", [1, 2, 3], "Transforming data with JSONata in Step Functions"),
    ("$random(1) = $random(1)", True, "Transforming data with JSONata in Step Functions"),
]

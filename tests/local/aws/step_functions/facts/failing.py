"""Facts about how failures are told and caught."""

from __future__ import annotations

from typing import Any

from tests.local.aws.step_functions.facts.fact import ANY, Fact

_UNDEFINED = "recorded test_undefined_reference, 2024-11-21"


def undefined(name: str, state: dict[str, Any], field: str, entered: str) -> Fact:
    """An expression that gives nothing in a field."""
    return Fact(
        name=f"an expression that gives nothing in {name} names its state, its event and its field",
        source=_UNDEFINED,
        states={"A": state},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression "
        f"'$nothing' specified for the field '{field}' returned nothing (undefined).",
        events=("ExecutionStarted", entered, "EvaluationFailed", "ExecutionFailed"),
        previous=((3, 0), (4, 3)),
        details={3: {"location": field, "state": "A", "error": "States.QueryEvaluationError", "cause": ANY}},
    )


def raising(error: str, catcher: str) -> dict[str, dict[str, Any]]:
    """A branch that fails with an error, and what catches it."""
    branch = {"StartAt": "Raise", "States": {"Raise": {"Type": "Fail", "Error": error}}}
    catch = [{"ErrorEquals": [catcher], "Next": "Caught", "Output": "{% $states.errorOutput.Error %}"}]
    return {
        "A": {"Type": "Parallel", "Branches": [branch], "Catch": catch, "End": True},
        "Caught": {"Type": "Succeed"},
    }


_HANDLING = "Handling errors in Step Functions workflows"
_TASK = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"}

FACTS = [
    undefined("Output", {"Type": "Pass", "Output": "{% $nothing %}", "End": True}, "Output", "PassStateEntered"),
    undefined(
        "a field of Output",
        {"Type": "Pass", "Output": {"result": "{% $nothing %}"}, "End": True},
        "Output/result",
        "PassStateEntered",
    ),
    undefined(
        "Assign", {"Type": "Pass", "Assign": {"a": "{% $nothing %}"}, "End": True}, "Assign/a", "PassStateEntered"
    ),
    undefined("Arguments", {**_TASK, "Arguments": "{% $nothing %}", "End": True}, "Arguments", "TaskStateEntered"),
    undefined(
        "a field of Arguments",
        {**_TASK, "Arguments": {"QueueUrl": "{% $nothing %}", "MessageBody": "m"}, "End": True},
        "Arguments/QueueUrl",
        "TaskStateEntered",
    ),
    Fact(
        name="an expression that fails in a later state follows what came before the state",
        source="recorded test_undefined_reference[BASE_UNDEFINED_OUTPUT_MULTIPLE_STATES], 2024-11-21",
        states={
            "A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Pass", "Output": {"result": "{% $nothing %}"}, "End": True},
        },
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=ANY,
        previous=((3, 2), (4, 3), (5, 3), (6, 5)),
    ),
    Fact(
        name="a function that is none is an error of the evaluation",
        source="recorded test_math_random_seeded, 2024-11",
        states={"A": {"Type": "Pass", "Output": {"n": "{% $randomSeeded(1) %}"}, "End": True}},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression "
        "'$randomSeeded(1)' specified for the field 'Output/n' threw an error during evaluation. T1006: Attempted to "
        "invoke a non-function",
    ),
    Fact(
        name="a path that leads nowhere is a States.Runtime, which no event of a state tells of",
        source="recorded test_invalid_jsonpath[INVALID_JSONPATH_IN_OUTPUTPATH], 2024",
        query_language="JSONPath",
        states={"A": {"Type": "Pass", "OutputPath": "$.gone", "End": True}},
        status="FAILED",
        error="States.Runtime",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.gone' : "
        "No results for path: $['gone']",
        events=("ExecutionStarted", "PassStateEntered", "ExecutionFailed"),
        previous=((3, 2),),
    ),
    Fact(
        name="a path names the property that is missing on its way",
        source="recorded test_catch_states_runtime, 2023-11-23",
        query_language="JSONPath",
        states={"A": {"Type": "Pass", "OutputPath": "$.no.such.path", "End": True}},
        status="FAILED",
        error="States.Runtime",
        cause="An error occurred while executing the state 'A' (entered at the event id #2). Invalid path "
        "'$.no.such.path' : Missing property in path $['no']",
    ),
    *(
        Fact(
            name=f"{catcher} catches {error}",
            source=source,
            states=raising(error, catcher),
            output=error,
            error=None,
        )
        for error, catcher, source in [
            ("OutOfPaper", "OutOfPaper", _HANDLING),
            ("OutOfPaper", "States.ALL", _HANDLING),
            ("OutOfPaper", "States.TaskFailed", _HANDLING),
            ("States.Timeout", "States.ALL", _HANDLING),
        ]
    ),
    *(
        Fact(
            name=f"{catcher} does not catch {error}",
            source=source,
            states=raising(error, catcher),
            status="FAILED",
            error=error,
            cause=None,
        )
        for error, catcher, source in [
            ("OutOfPaper", "OutOfInk", _HANDLING),
            ("States.Timeout", "States.TaskFailed", _HANDLING),
            ("States.Runtime", "States.ALL", _HANDLING),
            ("States.Runtime", "States.Runtime", "recorded test_catch_states_runtime, 2023-11-23"),
        ]
    ),
]

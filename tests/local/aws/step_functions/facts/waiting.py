"""Facts about how long a task takes, who answers for it, and what large or odd answers come to."""

from __future__ import annotations

from typing import Any

from tests.local.aws.step_functions.facts.asking import OPTIMIZED, caught, task
from tests.local.aws.step_functions.facts.fact import ANY, Fact

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:"
#: Where a queue of the embedded AWS may be sent to, whatever it listens on.
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/facts-heard"
INVOKE = f"{OPTIMIZED}lambda:invoke"
START = f"{OPTIMIZED}states:startExecution"

#: Functions that the facts ask, by name: what their handler does.
HANDLERS = {
    "facts-answer": "return event",
    "facts-large": "return '\\u00e4' * 140_000",
    "facts-bytes": "return b'\\xff\\x00'",
    "facts-slow": "import time; time.sleep(4)",
}

_BEGUN = ("ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted")
_BEGUN_BY_ARN = ("ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted")
_TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."
_CAUGHT = ("TaskStateExited", "SucceedStateEntered", "SucceedStateExited", "ExecutionSucceeded")
_LARGE = "recorded test_service_task_lambada_catch_state_all_data_limit_exceeded_on_large_utf8_response, 2024-03-21"


def waits(**fields: Any) -> dict[str, dict[str, Any]]:
    """A message to a queue, which nobody answers."""
    body = {"token": "{% $states.context.Task.Token %}"}
    return task(f"{OPTIMIZED}sqs:sendMessage.waitForTaskToken", {"QueueUrl": QUEUE, "MessageBody": body}, **fields)


def waits_by_path(**fields: Any) -> dict[str, dict[str, Any]]:
    """The same where states speak JSONPath."""
    (state,) = waits(**fields).values()
    arguments = {"QueueUrl": QUEUE, "MessageBody": {"token.$": "$$.Task.Token"}}
    return {"A": {**{name: state[name] for name in state if name != "Arguments"}, "Parameters": arguments}}


def _late(name: str, source: str, states: Any, scheduled: dict[str, Any], **more: Any) -> Fact:
    return Fact(
        name=name,
        source=source,
        states=states,
        status="FAILED",
        error="States.Timeout",
        events=(*_BEGUN, "TaskSubmitted", "TaskTimedOut", "ExecutionFailed"),
        previous=((3, 2), (4, 3), (5, 4), (6, 5), (7, 6)),
        details={
            3: scheduled,
            6: {"error": "States.Timeout", "cause": None, "resource": "sendMessage.waitForTaskToken"},
            7: {"error": "States.Timeout", "cause": None},
        },
        **more,
    )


#: They are started at once, and last a second.
LATE = [
    _late(
        "a token that nobody answers is a timeout",
        "recorded test_sqs_wait_for_task_token_timeout, 2024-04-18",
        waits(TimeoutSeconds=1),
        {"timeoutInSeconds": 1, "heartbeatInSeconds": None},
    ),
    _late(
        "a time limit may come from a path",
        "recorded test_fixed_timeout_service_lambda_with_path, 2024-03-10",
        waits_by_path(TimeoutSecondsPath="$.limit"),
        {"timeoutInSeconds": 1},
        given={"limit": 1},
        query_language="JSONPath",
    ),
    _late(
        "a task without a heartbeat is a States.Timeout in its history, and not a States.HeartbeatTimeout",
        "recorded test_heartbeat_timeout, 2024-04-18",
        waits(HeartbeatSeconds=1, TimeoutSeconds=600),
        {"timeoutInSeconds": 600, "heartbeatInSeconds": 1},
    ),
    _late(
        "the time between heartbeats may come from a path",
        "recorded test_heartbeat_path_timeout, 2024-04-18",
        waits_by_path(HeartbeatSecondsPath="$.beat", TimeoutSeconds=600),
        {"timeoutInSeconds": 600, "heartbeatInSeconds": 1},
        given={"beat": 1},
        query_language="JSONPath",
    ),
    _late(
        "a time limit may be an expression",
        "Transforming data with JSONata in Step Functions",
        waits(TimeoutSeconds="{% $states.input.half * 2 %}"),
        {"timeoutInSeconds": 1},
        given={"half": 0.5},
    ),
    Fact(
        name="States.Timeout is caught with an empty cause",
        source="recorded TestTaskServiceLambda.test_invoke_timeout, 2024-11-28",
        states={
            **waits(
                TimeoutSeconds=1,
                Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "C", "Output": "{% $states.errorOutput %}"}],
            ),
            "C": {"Type": "Succeed"},
        },
        output={"Error": "States.Timeout", "Cause": ""},
        events=(*_BEGUN, "TaskSubmitted", "TaskTimedOut", *_CAUGHT),
    ),
    Fact(
        name="States.TaskFailed does not catch a timeout",
        source="Handling errors in Step Functions workflows",
        states={
            **waits(TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "C"}]),
            "C": {"Type": "Succeed"},
        },
        status="FAILED",
        error="States.Timeout",
    ),
    Fact(
        name="an execution whose time is up has no error",
        source="recorded test_global_timeout, 2024-03-10",
        states={"A": {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {"B": waits()["A"]}}], "End": True}},
        top={"TimeoutSeconds": 1},
        status="TIMED_OUT",
    ),
    Fact(
        name="a nested execution that timed out is a failure of its task",
        source="recorded test_start_execution_sync_delegate_timeout, 2023-07-05",
        states=caught(f"{START}.sync", {"StateMachineArn": f"{MACHINE}facts-late", "Input": {}}),
        output={"Error": "States.TaskFailed", "Cause": ANY},
    ),
]

FACTS = [
    Fact(
        name="a function that takes too long is timed out",
        source="recorded test_fixed_timeout_service_lambda, 2024-03-10",
        states=task(INVOKE, {"FunctionName": "facts-slow"}, TimeoutSeconds=1),
        status="FAILED",
        error="States.Timeout",
        events=(*_BEGUN, "TaskTimedOut", "ExecutionFailed"),
        details={3: {"timeoutInSeconds": 1, "resource": "invoke"}, 5: {"error": "States.Timeout", "cause": None}},
    ),
    Fact(
        name="a function's answer of more than 256 KiB of UTF-8 fails the task, and States.ALL catches that",
        source=_LARGE,
        states=caught(INVOKE, {"FunctionName": "facts-large"}),
        output={"Error": "States.DataLimitExceeded", "Cause": f"The state/task 'lambda' {_TOO_LARGE}"},
        events=(*_BEGUN, "TaskFailed", *_CAUGHT),
        previous=((5, 4), (6, 5), (7, 6)),
        details={5: {"error": "States.DataLimitExceeded", "resource": "invoke", "resourceType": "lambda"}},
    ),
    *(
        Fact(
            name=f"bytes of a function that are no UTF-8 are a text with what stands for them, asked by {how}",
            source="not confirmed: how the SDK for Java reads a text; no recording was found",
            states=states,
            output="\ufffd\x00",
        )
        for how, states in [
            ("name", task(INVOKE, {"FunctionName": "facts-bytes"}, Output="{% $states.result.Payload %}")),
            ("ARN", task(f"{FUNCTION}facts-bytes", {})),
        ]
    ),
    Fact(
        name="a function that is asked by its ARN is called so where its answer is too large",
        source="recorded test_task_lambda_catch_state_all_data_limit_exceeded_on_large_utf8_response, 2024-03-21",
        states=caught(f"{FUNCTION}facts-large", {}),
        output={
            "Error": "States.DataLimitExceeded",
            "Cause": f"The state/task '{FUNCTION}facts-large' {_TOO_LARGE}",
        },
        events=(*_BEGUN_BY_ARN, "LambdaFunctionFailed", *_CAUGHT),
    ),
    Fact(
        name="a function that is asked by its ARN is answered with its answer alone",
        source="recorded test_invoke_json_values of TestTaskLambda, 2025-11-06",
        states=task(f"{FUNCTION}facts-answer", {"n": [1, None]}),
        output={"n": [1, None]},
        events=(*_BEGUN_BY_ARN, "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"),
        details={3: {"resource": f"{FUNCTION}facts-answer"}},
    ),
    Fact(
        name="the end of a function's log is in the answer to who asks for it",
        source="recorded TestTaskServiceLambda.test_invoke_unsupported_param, 2025-11-06",
        states=task(
            INVOKE,
            {"FunctionName": "facts-answer", "LogType": "Tail", "Payload": {"n": 1}},
            Output="{% $contains($base64decode($states.result.LogResult), 'END RequestId: ') and "
            "$states.result.SdkHttpMetadata.HttpHeaders.`X-Amz-Log-Result` = $states.result.LogResult and "
            "$states.result.Payload.n = 1 %}",
        ),
        output=True,
    ),
    *(
        Fact(
            name=f"the output of a nested execution is {kind} to whom waits with {pattern}",
            source=source,
            states=task(f"{START}.{pattern}", {"StateMachineArn": f"{MACHINE}facts-child", "Input": {"n": 1}}),
            output=ANY,
            events=(*_BEGUN, "TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"),
            previous=((5, 4), (6, 5), (7, 6), (8, 7)),
            details={4: {"resource": f"startExecution.{pattern}", "resourceType": "states"}},
        )
        for pattern, kind, source in [
            ("sync", "a text", "recorded test_start_execution_sync, 2023-06-30"),
            ("sync:2", "JSON", "recorded test_start_execution_sync2, 2023-08-12"),
        ]
    ),
    *(
        Fact(
            name=f"what a nested execution gave is {given!r} where it was asked with {pattern}",
            source=source,
            states=task(
                f"{START}.{pattern}",
                {"StateMachineArn": f"{MACHINE}facts-child", "Input": {"n": 1}},
                Output="{% [$states.result.Input, $states.result.Output] %}",
            ),
            output=given,
        )
        for pattern, given, source in [
            ("sync", ['{"n":1}', '{"n":1}'], "recorded test_start_execution_sync, 2023-06-30"),
            ("sync:2", [{"n": 1}, {"n": 1}], "recorded test_start_execution_sync2, 2023-08-12"),
        ]
    ),
    *(
        Fact(
            name=f"an error of a nested execution is States.TaskFailed to whom waits with {pattern}",
            source="recorded test_start_execution_sync_delegate_failure, 2023-07-05",
            states=caught(f"{START}.{pattern}", {"StateMachineArn": f"{MACHINE}facts-failing", "Input": {}}),
            output={"Error": "States.TaskFailed", "Cause": ANY},
            events=(*_BEGUN, "TaskSubmitted", "TaskFailed", *_CAUGHT),
            details={6: {"resource": f"startExecution.{pattern}", "resourceType": "states"}},
        )
        for pattern in ("sync", "sync:2")
    ),
]

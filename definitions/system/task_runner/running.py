"""How a task is run: routed to its target, timed, and tried again as its policy says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from definitions.system.task_runner.postponing import not_yet
from definitions.system.task_runner.variables import (
    CAUGHT,
    FAULTY_CALL,
    REFUSED_CALL,
    succeeded,
)
from orchestrator.asl.integrations import (
    DATA_LIMIT_EXCEEDED,
    EVALUATION_FAILED,
    INVOKE,
    NOT_BEGUN,
    NOTHING,
    START_EXECUTION_SYNC,
)
from orchestrator.asl.states import Catch, Choice, Task, Wait, When, composed, jsonata, literal, to
from orchestrator.asl.vocabulary import CAUSE_TEXT, EXECUTION_ARN, STARTED_BY, STATES_ARN
from orchestrator.errors import NonRetryableError, error_names
from orchestrator.runs.run import NO_REQUEST, REQUESTS_LIMIT, Trigger
from orchestrator.stack import LIVE, Stack
from orchestrator.tasks.task import TargetKind

#: Nobody knows how far a handler came that ended so; only a task that says it is idempotent is tried again.
AMBIGUOUS = ["Lambda.Unknown", "Runtime.ExitError", "Runtime.OutOfMemory", "Sandbox.Timedout", "States.Timeout"]

#: How often a target is called again, beyond what the task's policy allows, for a fault of the service that has had no
#: effect, or whose effect may be repeated.
SERVICE_RETRIES = 5

#: Seconds, before jitter takes a share of them.
_LONGEST_SERVICE_DELAY = 20

#: What ends a run at once, whatever its policy: a second attempt would get the same answer.
FATAL = [*error_names(NonRetryableError), DATA_LIMIT_EXCEEDED]

#: Whether to call the target again whatever the policy says: it has not begun, or may do twice what it does.
SERVICE_RETRY_ALLOWED = f"""$serviceRetries < {SERVICE_RETRIES} and (
    $failure.service = {literal(REFUSED_CALL)} and $failure.name in {literal(NOT_BEGUN)}
    or $failure.service = {literal(FAULTY_CALL)} and $task.idempotent
)"""

#: Whether to call the target again by the policy. Calls beyond it are not counted against it.
RETRY_ALLOWED = f"""$attempt - $serviceRetries < $task.maxAttempts
    and $not($failure.name in $task.neverOn)
    and ($task.idempotent
        or $not($failure.name in {literal(AMBIGUOUS)} or $failure.service = {literal(FAULTY_CALL)}))"""

#: :meth:`orchestrator.tasks.retries.RetryPolicy.longest_delay` before the next attempt.
LONGEST_DELAY = """$floor($min([
    $task.intervalSeconds * $power($task.backoffRate, $min([$attempt - $serviceRetries - 1, 64])),
    $task.maxDelaySeconds
]))"""

_LONGEST_DELAY_OF_SERVICE = f"$min([$power(2, $serviceRetries), {_LONGEST_SERVICE_DELAY}])"

#: Full jitter; Wait takes whole seconds.
BACKOFF_SECONDS = "$floor($random() * (1 + $longestDelay))"

_EVENT = {
    "taskId": jsonata("$taskId"),
    # What an event's has behind its moment is in the run's key.
    "slot": jsonata("$substringBefore($slot, '#')"),
    # An ad hoc run's own slot, which a rerun may repeat, has milliseconds, and an event's own an id.
    "scheduledTime": jsonata(f"$trigger = {literal(Trigger.AD_HOC)} or $contains($slot, /[.#]/) ? null : $slot"),
    "timezone": jsonata("$task.timezone"),
    "attempt": jsonata("$attempt"),
    "runKey": jsonata("$taskId & '#' & $slot"),
    "params": jsonata("$task.params"),
}

#: A function is also told how long it may be silent, if its task says so.
_EVENT_OF_FUNCTION = jsonata(
    composed({**_EVENT, "heartbeatSeconds": jsonata("$task.heartbeatSeconds > 0 ? $task.heartbeatSeconds")})
)

#: A nested execution's name says whose it is in the console; the parent's hash keeps a rerun from meeting its own past.
#: A name has 80 characters: 40, a slot's 19, 8 and an attempt's 8, and three between them.
CHILD_NAME = f"""$substring($taskId, 0, 40) & '-' & $replace($substringBefore($slot, '#'), /[-:.]/, '') & '-'
    & $substring($hash({EXECUTION_ARN}, 'SHA-256'), 0, 8) & '-' & $attempt"""


def _called(request_id: str) -> dict[str, object]:
    """What a call of the target leaves known: Lambda's id of it, an expression, undefined where nobody says."""
    said = f"($id := {request_id}; $exists($id) ? $id : {literal(NO_REQUEST)})"
    return {"requests": jsonata(f"$substring($requests & ' ' & {said}, -{REQUESTS_LIMIT})")}


#: Of a function that failed, in its own error or in the words of Lambda's ("Python function errors").
_FAILED_REQUEST = rf"""(
    $found := $match({CAUSE_TEXT}, /"requestId":\s*"([0-9a-f-]{{36}})"|RequestId: ([0-9a-f-]{{36}})/)[0].groups;
    $found[$ != ''][0]
)"""


def states(stack: Stack, *, express: bool = False) -> list[Any]:
    """Returns the states from InvokeLambda to RecordOutcome or RecordFailure; Express runs only functions."""
    return [_invoke(stack, express=express), *([] if express else _others(stack)), *_retries()]


def _invoke(stack: Stack, *, express: bool) -> Task:
    function = f"""$task.kind = {literal(TargetKind.LAMBDA)}
        ? {literal(stack.function_prefix)} & $task.target : $error('this task is no Lambda function')"""
    elsewhere = Catch(error_equals=[EVALUATION_FAILED], assign=CAUGHT, output=NOTHING, next_step=to("RouteTask"))
    return _target(
        "InvokeLambda",
        INVOKE,
        arguments={"FunctionName": jsonata(function), "Payload": _EVENT_OF_FUNCTION},
        assign=succeeded("$states.result.Payload", "null") | _called("$states.result.SdkResponseMetadata.RequestId"),
        caught=CAUGHT | _called(_FAILED_REQUEST),
        first=[not_yet(_called(_FAILED_REQUEST))],
        otherwise=[] if express else [elsewhere],
        **({} if express else {"comment": "What is no Lambda function turns off here, before anything is called."}),
    )


def _others(stack: Stack) -> list[Any]:
    workflow = f"{STATES_ARN} & {literal(':stateMachine:' + stack.workflow_prefix)} & $task.target & ':{LIVE}'"
    return [
        Choice(
            "RouteTask",
            choices=[(When(f"$task.kind = {literal(TargetKind.WORKFLOW)}"), to("StartWorkflow"))],
            default=to("RetryOrGiveUp"),
        ),
        _target(
            "StartWorkflow",
            START_EXECUTION_SYNC,
            arguments={
                "StateMachineArn": jsonata(workflow),
                "Name": jsonata(CHILD_NAME),
                "Input": {**_EVENT, STARTED_BY: jsonata(EXECUTION_ARN)},
            },
            assign=succeeded("$states.result.Output", "$states.result.ExecutionArn"),
        ),
    ]


def _retries() -> list[Any]:
    once_more = {"attempt": jsonata("$attempt + 1"), "pausedAt": jsonata("$millis()")}
    of_service = {"serviceRetries": jsonata("$serviceRetries + 1"), "longestDelay": jsonata(_LONGEST_DELAY_OF_SERVICE)}
    return [
        Choice(
            "RetryOrGiveUp",
            comment="Every call is counted: Step Functions' own retrier would repeat one that has had its effect.",
            choices=[
                (When(SERVICE_RETRY_ALLOWED, assign=once_more | of_service), to("BackOff")),
                (When(RETRY_ALLOWED, assign=once_more | {"longestDelay": jsonata(LONGEST_DELAY)}), to("BackOff")),
            ],
            default=to("RecordFailure"),
        ),
        Wait(
            "BackOff",
            seconds=jsonata(BACKOFF_SECONDS),
            assign={"waited": jsonata("$waited + ($millis() - $pausedAt) / 1000")},
            next_state=to("InvokeLambda"),
        ),
    ]


def _target(
    name: str,
    resource: str,
    *,
    caught: Mapping[str, object] = CAUGHT,
    first: Sequence[Catch] = (),
    otherwise: Sequence[Catch] = (),
    **fields: Any,
) -> Task:
    """``caught`` is what a catcher makes of an error, ``first`` and ``otherwise`` catch what is no failure of the
    target's.
    """
    return Task(
        name,
        resource=resource,
        output=NOTHING,
        timeout_seconds=jsonata("$task.timeoutSeconds"),
        catch=[
            *first,
            Catch(error_equals=FATAL, assign=caught, output=NOTHING, next_step=to("RecordFailure")),
            *otherwise,
            Catch(error_equals=["States.ALL"], assign=caught, output=NOTHING, next_step=to("RetryOrGiveUp")),
        ],
        next_state=to("RecordOutcome"),
        **fields,
    )

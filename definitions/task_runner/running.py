"""How a task is run: routed to its target, timed, and tried again as its policy says."""

from __future__ import annotations

from typing import Any

from definitions.task_runner.ending import STATES_ARN, Ending
from definitions.task_runner.variables import CAUGHT, EXECUTION_ARN, succeeded
from orchestrator.errors import NonRetryableError, error_names
from orchestrator.runs import Trigger
from orchestrator.services import (
    DATA_LIMIT_EXCEEDED,
    INVOKE,
    LAMBDA_TRANSIENT,
    NOTHING,
    START_EXECUTION_SYNC,
    retriers,
)
from orchestrator.settings import LIVE, Stack
from orchestrator.states import Catch, Choice, Task, Wait, When, jsonata, literal
from orchestrator.tasks import TargetKind

#: Nobody knows how far an attempt came that ended so; only a task that says it is idempotent is tried again.
AMBIGUOUS = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"]

#: What ends a run at once, whatever its policy: a second attempt would get the same answer.
FATAL = [*error_names(NonRetryableError), DATA_LIMIT_EXCEEDED]

_RETRY_ALLOWED = f"""$attempt < $task.maxAttempts
    and $not($failure.name in $task.neverOn)
    and ($task.idempotent or $not($failure.name in {literal(AMBIGUOUS)}))"""

#: Full jitter over :meth:`orchestrator.retries.RetryPolicy.longest_delay`; Wait takes whole seconds.
BACKOFF_SECONDS = """$floor($random() * (1 + $floor($min([
    $task.intervalSeconds * $power($task.backoffRate, $min([$attempt - 2, 64])), $task.maxDelaySeconds
]))))"""

_EVENT = {
    "taskId": jsonata("$taskId"),
    "slot": jsonata("$slot"),
    # An ad hoc run's own slot, which a rerun may repeat, has milliseconds.
    "scheduledTime": jsonata(f"$trigger = {literal(Trigger.AD_HOC)} or $contains($slot, '.') ? null : $slot"),
    "timezone": jsonata("$task.timezone"),
    "attempt": jsonata("$attempt"),
    "runKey": jsonata("$taskId & '#' & $slot"),
    "params": jsonata("$task.params"),
}

#: A nested execution's name says whose it is in the console; the parent's hash keeps a rerun from meeting its own past.
_CHILD_NAME = f"""$taskId & '-' & $replace($slot, /[-:.]/, '') & '-'
    & $substring($hash({EXECUTION_ARN}, 'SHA-256'), 0, 4) & '-' & $attempt"""


def build(stack: Stack, ending: Ending) -> Choice:
    """RouteTask and what follows it."""
    back_off = Wait("BackOff", seconds=jsonata(BACKOFF_SECONDS))
    retry_or_give_up = Choice(
        "RetryOrGiveUp",
        choices=[(When(_RETRY_ALLOWED, assign={"attempt": jsonata("$attempt + 1")}), back_off)],
        default=ending.record_failure,
    )

    def target(name: str, resource: str, **fields: Any) -> Task:
        return Task(
            name,
            resource=resource,
            output=NOTHING,
            timeout_seconds=jsonata("$task.timeoutSeconds"),
            catch=[
                Catch(error_equals=FATAL, assign=CAUGHT, output=NOTHING, next_step=ending.record_failure),
                Catch(error_equals=["States.ALL"], assign=CAUGHT, output=NOTHING, next_step=retry_or_give_up),
            ],
            next_state=ending.record_outcome,
            **fields,
        )

    invoke_lambda = target(
        "InvokeLambda",
        INVOKE,
        arguments={"FunctionName": jsonata(f"{literal(stack.function_prefix)} & $task.target"), "Payload": _EVENT},
        assign=succeeded("$states.result.Payload", "null"),
        retry=retriers(LAMBDA_TRANSIENT),
    )
    start_workflow = target(
        "StartWorkflow",
        START_EXECUTION_SYNC,
        arguments={
            "StateMachineArn": jsonata(
                f"{STATES_ARN} & {literal(':stateMachine:' + stack.workflow_prefix)} & $task.target & ':{LIVE}'"
            ),
            "Name": jsonata(_CHILD_NAME),
            # The console links a nested execution to its parent by this name.
            "Input": {**_EVENT, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": jsonata(EXECUTION_ARN)},
        },
        assign=succeeded("$states.result.Output", "$states.result.ExecutionArn"),
    )
    route_task = Choice(
        "RouteTask",
        choices=[(When(f"$task.kind = {literal(TargetKind.WORKFLOW)}"), start_workflow)],
        default=invoke_lambda,
    )
    back_off.next(route_task)
    return route_task

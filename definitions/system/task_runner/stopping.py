"""How a run stops the one that holds the task's lease, where the overlap policy says so.

``known.holder`` is that lease (execution's ARN, slot, expiry), ``stopped`` the ARN of the execution that was stopped,
whose lease the next claim may take, and ``other`` its status.

A nested execution is stopped with its parent. An attempt of a Lambda function is not, for nobody can stop one: it may
still be at work when the next run begins.
"""

from __future__ import annotations

from typing import Any

from definitions.system.task_runner import rows
from definitions.system.task_runner.variables import NOW_SECONDS
from orchestrator.asl.integrations import (
    CONDITION_FAILED,
    DESCRIBE_EXECUTION,
    NOTHING,
    STOP_EXECUTION,
    UPDATE_ITEM,
    call,
)
from orchestrator.asl.states import Catch, Choice, Wait, When, jsonata, literal, to
from orchestrator.runs.execution_end import STOPPED
from orchestrator.stack import Stack
from orchestrator.tasks.task import OverlapPolicy

#: What stopping, or asking for, an execution ends with that is not there, or whose name is none.
_NO_EXECUTION = ["Sfn.ExecutionDoesNotExistException", "Sfn.InvalidArnException"]

_CAUSE = "'the overlap policy ' & $task.overlap & ': ' & $slot & ' takes the place of this run'"

_GONE = {"other": "GONE"}


def states(stack: Stack) -> list[Any]:
    """Returns the states from StopOther to ClaimSlot, when the lease may be taken."""
    execution = {"ExecutionArn": jsonata("$known.holder.executionArn")}
    stopped = {"stopped": jsonata("$known.holder.executionArn")}
    gone: dict[str, Any] = {"assign": stopped | _GONE, "output": NOTHING}
    going_on = f"""$task.overlap = {literal(OverlapPolicy.CANCEL_OTHER)} and $other = 'RUNNING'
        and $known.holder.expiresAt >= {NOW_SECONDS}"""
    return [
        call(
            "StopOther",
            STOP_EXECUTION,
            arguments=execution | {"Error": STOPPED, "Cause": jsonata(_CAUSE)},
            assign=stopped | {"other": "RUNNING"},
            never_retry=_NO_EXECUTION,
            catch=[
                Catch(error_equals=_NO_EXECUTION, next_step=to("EndOther"), **gone),
                # It may go on: what becomes of it, its row says by itself.
                Catch(
                    error_equals=["States.ALL"], assign=stopped | _GONE, output=NOTHING, next_step=to("OtherStopped")
                ),
            ],
            next_state=to("EndOther"),
        ),
        call(
            "EndOther",
            UPDATE_ITEM,
            comment="At once, before others take the stop for a failure. A run that ended by itself has said so.",
            arguments=rows.stopped_row(stack, STOPPED, jsonata(_CAUSE)),
            never_retry=[CONDITION_FAILED],
            catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=to("OtherStopped"))],
            next_state=to("OtherStopped"),
        ),
        Choice("OtherStopped", choices=[(When(going_on), to("WaitForOther"))], default=to("ClaimSlot")),
        Wait("WaitForOther", seconds=1, next_state=to("LookAtOther")),
        call(
            "LookAtOther",
            DESCRIBE_EXECUTION,
            arguments=execution,
            assign={"other": jsonata("$states.result.Status")},
            never_retry=_NO_EXECUTION,
            catch=[Catch(error_equals=["States.ALL"], assign=_GONE, output=NOTHING, next_step=to("OtherStopped"))],
            next_state=to("OtherStopped"),
        ),
    ]

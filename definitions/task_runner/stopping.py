"""How a run stops the one that holds the task's lease, where the overlap policy says so.

``known.holder`` is that lease (execution's ARN, slot, expiry), ``stopped`` the ARN of the execution that was stopped,
whose lease the next claim may take, and ``other`` its status.

A nested execution is stopped with its parent. An attempt of a Lambda function is not, for nobody can stop one: it may
still be at work when the next run begins.
"""

from __future__ import annotations

from definitions.task_runner import rows
from definitions.task_runner.variables import NOW_SECONDS
from orchestrator.deaths import STOPPED
from orchestrator.services import (
    CONDITION_FAILED,
    DESCRIBE_EXECUTION,
    NOTHING,
    STOP_EXECUTION,
    UPDATE_ITEM,
    call,
)
from orchestrator.settings import Stack
from orchestrator.states import Catch, Choice, Task, Wait, When, jsonata, literal
from orchestrator.tasks import OverlapPolicy

#: What stopping, or asking for, an execution ends with that is not there, or whose name is none.
_NO_EXECUTION = ("Sfn.ExecutionDoesNotExistException", "Sfn.InvalidArnException")

_CAUSE = "'the overlap policy ' & $task.overlap & ': ' & $slot & ' takes the place of this run'"

_GONE = {"other": "GONE"}


def stop_other(stack: Stack, *, then: Task) -> Task:
    """Stops the holder, records it, and leads to ``then`` when its lease may be taken."""
    execution = {"ExecutionArn": jsonata("$known.holder.executionArn")}
    wait_for_other = Wait("WaitForOther", seconds=1)
    going_on = f"""$task.overlap = {literal(OverlapPolicy.CANCEL_OTHER)} and $other = 'RUNNING'
        and $known.holder.expiresAt >= {NOW_SECONDS}"""
    other_stopped = Choice("OtherStopped", choices=[(When(going_on), wait_for_other)], default=then)
    gone = Catch(error_equals=["States.ALL"], assign=_GONE, output=NOTHING, next_step=other_stopped)
    look_at_other = call(
        "LookAtOther",
        DESCRIBE_EXECUTION,
        arguments=execution,
        assign={"other": jsonata("$states.result.Status")},
        never_retry=_NO_EXECUTION,
        catch=[gone],
        next_state=other_stopped,
    )
    wait_for_other.next(look_at_other)
    end_other = call(
        "EndOther",
        UPDATE_ITEM,
        comment="At once, before others take the stop for a failure. A run that ended by itself has said so.",
        arguments=rows.stopped_row(stack, STOPPED, jsonata(_CAUSE)),
        never_retry=[CONDITION_FAILED],
        catch=[Catch(error_equals=["States.ALL"], output=NOTHING, next_step=other_stopped)],
        next_state=other_stopped,
    )
    stopped = {"stopped": jsonata("$known.holder.executionArn")}
    return call(
        "StopOther",
        STOP_EXECUTION,
        arguments=execution | {"Error": STOPPED, "Cause": jsonata(_CAUSE)},
        assign=stopped | {"other": "RUNNING"},
        never_retry=_NO_EXECUTION,
        catch=[Catch(error_equals=["States.ALL"], assign=stopped | _GONE, output=NOTHING, next_step=end_other)],
        next_state=end_other,
    )

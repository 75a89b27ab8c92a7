"""What TaskRunner writes into the ledger.

Every condition is owner-aware (``executionArn = :me``): the reply to a write that landed can be lost, and the write
that Step Functions then sends again must find its own row, not a stranger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from definitions.system.task_runner import cost
from definitions.system.task_runner.variables import DURATION, NOW_SECONDS
from orchestrator.asl.states import composed, jsonata, literal
from orchestrator.asl.vocabulary import STARTED_AT
from orchestrator.dynamodb import raw_update
from orchestrator.runs.cost import Part
from orchestrator.runs.run import ROW_LIFETIME_SECONDS, RunStatus, SkipReason
from orchestrator.stack import Stack
from orchestrator.tasks.gates import HoldKind

TASK_KEY = {"taskId": {"S": jsonata("$taskId")}}
RUN_KEY = {**TASK_KEY, "slot": {"S": jsonata("$slot")}}
ME = {"me": {"S": jsonata("$me")}}


def new_row(stack: Stack, **attributes: Any) -> dict[str, Any]:
    """PutItem of this execution's row, unless the slot is somebody else's. An attribute that does not apply is absent.

    So the item is one expression: DynamoDB's null has another name in each kind of integration (``NULL``, ``Nul``).
    """
    item = {
        **RUN_KEY,
        "trigger": {"S": jsonata("$trigger")},
        "startedBy": jsonata("$startedBy != null ? {'S': $startedBy}"),
        "executionArn": ME["me"],
        "startedAt": {"S": jsonata(STARTED_AT)},
        "startDelaySeconds": jsonata(
            "$startDelay != null ? {'N': $string($startDelay)}"
            " : $exists($known.earlier.startDelay) ? {'N': $known.earlier.startDelay}"
        ),
        "attempts": {"N": jsonata("$string($known.earlier.attempts)")},
        "history": {"L": jsonata("$known.earlier.history")},
        "duplicates": {"N": jsonata("$string($known.earlier.duplicates)")},
        "ttl": {"N": jsonata(f"$string({NOW_SECONDS} + {ROW_LIFETIME_SECONDS})")},
        "approval": jsonata("$known.earlier.approval"),
        "linked": jsonata("$task.linked ? {'N': '1'}"),
        **attributes,
    }
    return {
        "TableName": stack.runs_table,
        "Item": jsonata(composed(item)),
        "ConditionExpression": "attribute_not_exists(slot) OR executionArn = :me",
        "ExpressionAttributeValues": {":me": ME["me"]},
    }


def claimed_row(stack: Stack, *, status: RunStatus = RunStatus.RUNNING, **attributes: Any) -> dict[str, Any]:
    """PutItem of the row that takes the slot, in the place of the run that ``earlier`` names, if any.

    ``earlier.held`` is the version of a held row that is as it was written: nobody has ended it or counted a duplicate.
    """
    row = new_row(stack, status={"S": status}, **attributes)
    held = jsonata("$exists($known.earlier.held) ? $known.earlier.held : 'none'")
    return row | {
        "ConditionExpression": f"{row['ConditionExpression']} OR startedAt = :earlier"
        " OR (attribute_not_exists(startedAt) AND #status = :earlier)"
        " OR (startedAt = :held AND attribute_exists(#hold) AND #duplicates = :none)",
        "ExpressionAttributeNames": {"#status": "status", "#hold": "hold", "#duplicates": "duplicates"},
        "ExpressionAttributeValues": {
            ":me": ME["me"],
            ":earlier": {"S": jsonata("$known.earlier.version")},
            ":held": {"S": held},
            ":none": {"N": "0"},
        },
    }


def held_row(stack: Stack) -> dict[str, Any]:
    """PutItem of the row that takes the slot until what it waits for has come; it keeps the params that were given."""
    given = "$states.context.Execution.Input.params"
    hold = {
        "kind": {"S": jsonata("$task.gate")},
        "since": {"S": jsonata("$fromMillis($millis())")},
        # The end of a window of events, which the slot is named by.
        "wakeAt": jsonata(
            f"$task.gate = {literal(HoldKind.TIME)} ? {{'N': $string($toMillis($substringBefore($slot, '#')) / 1000)}}"
        ),
        "params": jsonata(f"$exists({given}) ? {{'S': $string({given})}}"),
    }
    dollars = cost.dollars(Part.HOLD, express=False, calls=False)
    return claimed_row(
        stack,
        status=RunStatus.WAITING,
        hold={"M": jsonata(composed(hold))},
        dollars=jsonata(f"{cost.IS_KNOWN} ? {dollars}"),
    )


def unheld_row(stack: Stack, *, further: int, **attributes: Any) -> dict[str, Any]:
    """UpdateItem of the held row whose place this execution was to take, and which ends without a run after so many
    ``further`` states.
    """
    ended = {
        "status": {"S": jsonata("$status")},
        "executionArn": ME["me"],
        "startedAt": {"S": jsonata(STARTED_AT)},
    }
    request = raw_update(
        ended | attributes,
        removes=["hold"],
        names=["dollars"],
        values={"replaces": {"S": jsonata("$replaces")}},
        condition="(attribute_exists(#hold) AND #startedAt = :replaces)"
        " OR (#executionArn = :executionArn AND #status = :status)",
    )
    dollars = (cost.IS_KNOWN, cost.dollars(Part.SKIP, express=False, further=further, calls=False))
    return {"TableName": stack.runs_table, "Key": RUN_KEY, **_optional(request, {"dollars": dollars})}


def ended_row(
    stack: Stack, dollars: tuple[str, str], *, attention: str = "", removes: Sequence[str], **attributes: Any
) -> dict[str, Any]:
    """UpdateItem of this execution's own row at its end, unless somebody else has ended it: a run that was stopped, or
    was found dead, while this request was on its way has ended as people were told. The condition holds once more for
    the same request, whose first reply may have been lost. ``removes`` is what nobody but a stop may have written.

    ``dollars`` are two expressions, whether the cost is known and its value; ``attention`` is an expression of the
    attribute's value, which is undefined where there is nothing to say.
    """
    optional = {
        "childExecutionArn": ("$child != null", "{'S': $child}"),
        "requestIds": ("$trim($requests) != ''", "{'S': $trim($requests)}"),
        "dollars": dollars,
    }
    optional |= {"attention": (f"$exists({attention})", attention)} if attention else {}
    ended = {
        "status": {"S": jsonata("$status")},
        "endedAt": {"S": jsonata("$fromMillis($ended)")},
        "durationSeconds": {"N": jsonata(f"$string({DURATION})")},
        "attempts": {"N": jsonata("$string($known.earlier.attempts + $attempt)")},
    }
    request = raw_update(
        ended | attributes,
        removes=removes,
        names=optional,
        values=ME | {"running": {"S": RunStatus.RUNNING}},
        condition="#executionArn = :me AND (#status = :running OR (#status = :status AND #endedAt = :endedAt))",
    )
    return {"TableName": stack.runs_table, "Key": RUN_KEY, **_optional(request, optional)}


def _optional(request: Mapping[str, Any], optional: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """An update that also sets each attribute whose condition holds, an expression beside that of its value, and
    removes the others.
    """
    sets, _, removed = request["UpdateExpression"].partition(" REMOVE ")
    parts = [literal(sets)]
    parts += [f"({holds} ? {literal(f', #{name} = :{name}')} : '')" for name, (holds, _) in optional.items()]
    absent = ", ".join(f"({holds} ? [] : {literal(f'#{name}')})" for name, (holds, _) in optional.items())
    parts += [
        f"($absent := [{absent}]; $count($absent) = 0 ? {literal(f' REMOVE {removed}' if removed else '')}"
        f" : {literal(f' REMOVE {removed}, ' if removed else ' REMOVE ')} & $join($absent, ', '))"
    ]
    values = {f":{name}": jsonata(f"({holds} ? {value})") for name, (holds, value) in optional.items()}
    return {
        **request,
        "UpdateExpression": jsonata(" & ".join(parts)),
        "ExpressionAttributeValues": jsonata(composed(request["ExpressionAttributeValues"] | values)),
    }


def postponed_row(stack: Stack, *, express: bool) -> dict[str, Any]:
    """UpdateItem of this execution's own row, which waits until it is looked at again. It is an expression that fails
    for one that has waited for long enough. Params that were given travel with it.
    """
    given = "$states.context.Execution.Input.params"
    hold = {
        "kind": {"S": HoldKind.TIME},
        "since": {"S": jsonata("$again.over ? $error('it has waited for long enough') : $again.now")},
        "why": {"S": jsonata("$again.why")},
        "wakeAt": {"N": jsonata("$string($again.wakeAt)")},
        "deadline": {"S": jsonata("$again.deadline")},
        "params": jsonata(f"$exists({given}) ? {{'S': $string({given})}}"),
    }
    waiting = {
        "status": {"S": RunStatus.WAITING},
        "hold": {"M": jsonata(composed(hold))},
        "postponedSince": {"S": jsonata("$again.since")},
        "attempts": {"N": jsonata("$string($known.earlier.attempts + $attempt)")},
    }
    request = raw_update(
        waiting,
        names=["dollars"],
        values=ME | {"running": {"S": RunStatus.RUNNING}},
        condition="#executionArn = :me AND (#status = :running OR (#status = :status AND #hold = :hold))",
    )
    dollars = (cost.is_known(express=express), cost.dollars(Part.RUN, express=express))
    return {
        "TableName": stack.runs_table,
        "Key": RUN_KEY,
        **_optional(request, {"dollars": dollars}),
    }


def stopped_row(stack: Stack, error: str, cause: str) -> dict[str, Any]:
    """UpdateItem of the row of the run that this one has stopped, unless that has ended by itself."""
    ended = {
        "status": {"S": RunStatus.ABORTED},
        "reason": {"S": SkipReason.OVERLAP},
        "endedAt": {"S": jsonata("$fromMillis($millis())")},
        "error": {"S": error},
        "cause": {"S": cause},
    }
    holder, running = {"S": jsonata("$known.holder.executionArn")}, {"S": RunStatus.RUNNING}
    request = raw_update(
        ended,
        names=["dollars"],
        values={"holder": holder, "running": running},
        condition="#executionArn = :holder AND #status = :running",
    )
    return {
        "TableName": stack.runs_table,
        "Key": {**TASK_KEY, "slot": {"S": jsonata("$known.holder.slot")}},
        **_optional(request, {"dollars": (cost.IS_KNOWN, cost.of_stopped(NOW_SECONDS))}),
    }


def duplicate_counted(stack: Stack) -> dict[str, Any]:
    """UpdateItem of the row of the slot's first delivery."""
    return {"TableName": stack.runs_table, "Key": RUN_KEY, **raw_update({}, adds={"duplicates": {"N": "1"}})}

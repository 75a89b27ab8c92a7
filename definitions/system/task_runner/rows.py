"""What TaskRunner writes into the ledger and the registry.

Every condition is owner-aware (``executionArn = :me``): the reply to a write that landed can be lost, and the write
that Step Functions then sends again must find its own row, not a stranger's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from definitions.system.task_runner.variables import DURATION, IS_DETACHED, NOW_SECONDS, NOW_TEXT
from orchestrator.asl.states import composed, jsonata, literal
from orchestrator.asl.vocabulary import STARTED_AT
from orchestrator.dynamodb import raw_update
from orchestrator.runs.run import ROW_LIFETIME_SECONDS, RunStatus, SkipReason
from orchestrator.stack import Stack
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.task import OverlapPolicy

TASK_KEY = {"taskId": {"S": jsonata("$taskId")}}
RUN_KEY = {**TASK_KEY, "slot": {"S": jsonata("$slot")}}
ME = {"me": {"S": jsonata("$me")}}
_PLACE = {"#waiting": "waiting", "#slot": RUN_KEY["slot"]["S"]}


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
    return claimed_row(stack, status=RunStatus.WAITING, hold={"M": jsonata(composed(hold))})


def unheld_row(stack: Stack, **attributes: Any) -> dict[str, Any]:
    """UpdateItem of the held row whose place this execution was to take, and which ends without a run."""
    ended = {
        "status": {"S": jsonata("$status")},
        "executionArn": ME["me"],
        "startedAt": {"S": jsonata(STARTED_AT)},
    }
    return {
        "TableName": stack.runs_table,
        "Key": RUN_KEY,
        **raw_update(
            ended | attributes,
            removes=["hold"],
            values={"replaces": {"S": jsonata("$replaces")}},
            condition="(attribute_exists(#hold) AND #startedAt = :replaces)"
            " OR (#executionArn = :executionArn AND #status = :status)",
        ),
    }


def ended_row(stack: Stack, *, attention: str = "", removes: Sequence[str], **attributes: Any) -> dict[str, Any]:
    """UpdateItem of this execution's own row at its end, unless somebody else has ended it: a run that was stopped, or
    was found dead, while this request was on its way has ended as people were told. The condition holds once more for
    the same request, whose first reply may have been lost. ``removes`` is what nobody but a stop may have written.

    ``attention`` is an expression of the attribute's value, which is undefined where there is nothing to say.
    """
    optional = {"childExecutionArn": "($child != null ? {'S': $child})"}
    optional |= {"requestIds": "($trim($requests) != '' ? {'S': $trim($requests)})"}
    optional |= {"attention": attention} if attention else {}
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
    sets, _, removed = request["UpdateExpression"].partition(" REMOVE ")
    parts = [literal(sets)]
    parts += [f"($exists({value}) ? {literal(f', #{name} = :{name}')} : '')" for name, value in optional.items()]
    parts += [literal(f" REMOVE {removed}")]
    parts += [f"($exists({value}) ? '' : {literal(f', #{name}')})" for name, value in optional.items()]
    values = request["ExpressionAttributeValues"] | {f":{name}": jsonata(value) for name, value in optional.items()}
    return {
        "TableName": stack.runs_table,
        "Key": RUN_KEY,
        **request,
        "UpdateExpression": jsonata(" & ".join(parts)),
        "ExpressionAttributeValues": jsonata(composed(values)),
    }


def lease_taken(stack: Stack, now_seconds: str) -> dict[str, Any]:
    """UpdateItem of the task's record: this execution holds the task, unless it is paused or another one holds it.

    The lease's expiry is in the condition: a holder that died blocks nobody beyond it. A time to live would not do,
    since DynamoDB deletes expired items "within a few days". Nor does it pass anybody who waits: no more may have a
    place in the queue than were seen there, and those who still live keep theirs. A place that is lost all the same,
    since two changed in between, is taken anew within minutes.
    """
    lease = {
        "executionArn": ME["me"],
        "slot": RUN_KEY["slot"],
        "expiresAt": {"N": jsonata(f"$string({NOW_SECONDS} + $task.leaseSeconds)")},
    }
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        **raw_update(
            {"lease": {"M": lease}, "waiting": {"M": jsonata("$known.queue.others")}},
            values=ME
            | {"now": {"N": jsonata(now_seconds)}, "allow_all": {"S": OverlapPolicy.ALLOW_ALL}}
            # An end that is no text, or empty, is no end.
            | {"some": {"S": "0"}, "nowText": {"S": jsonata(NOW_TEXT)}}
            # A run that died, or was stopped, holds a lease that nobody else will take from it before its end.
            | {"earlier": {"S": jsonata("$known.earlier.executionArn")}, "stopped": {"S": jsonata("$stopped")}}
            | {"seen": {"N": jsonata("$string($known.queue.seen)")}},
            condition="attribute_exists(#taskId)"
            " AND (attribute_not_exists(#pause) OR #pause.#until BETWEEN :some AND :nowText)"
            " AND (#overlap = :allow_all OR (attribute_not_exists(#lease) OR #lease.#expiresAt < :now"
            " OR #lease.#executionArn IN (:me, :earlier, :stopped))"
            " AND (attribute_not_exists(#waiting) OR size(#waiting) <= :seen))",
        ),
    }


def lease_released(
    stack: Stack, *, sets: Mapping[str, Any] | None = None, adds: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """UpdateItem of the task's record when the run has ended: the lease goes, if it is still this execution's.

    Of a backfill's run it is an expression that fails: many such runs end at once, and would be in each other's way.
    """
    status = jsonata(f"{IS_DETACHED} ? $error('a backfill leaves the task as it is') : $status")
    last = {"lastStatus": {"S": status}, "lastSlot": {"S": jsonata("$slot")}}
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        **raw_update(
            {**last, **(sets or {})},
            adds=adds,
            removes=["lease"],
            values=ME | {"allow_all": {"S": OverlapPolicy.ALLOW_ALL}},
            condition="attribute_exists(#taskId) AND (#overlap = :allow_all"
            " OR attribute_not_exists(#lease) OR #lease.#executionArn = :me)",
        ),
    }


def lease_given_back(stack: Stack) -> dict[str, Any]:
    """UpdateItem of the task's record: another run may have the task, and this one has no outcome yet."""
    me = {"me": {"S": jsonata(f"{IS_DETACHED} ? $error('a backfill has no lease') : $me")}}
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        **raw_update({}, removes=["lease"], values=me, condition="#lease.#executionArn = :me"),
    }


def postponed_row(stack: Stack) -> dict[str, Any]:
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
    condition = "#executionArn = :me AND (#status = :running OR (#status = :status AND #hold = :hold))"
    return {
        "TableName": stack.runs_table,
        "Key": RUN_KEY,
        **raw_update(waiting, values=ME | {"running": {"S": RunStatus.RUNNING}}, condition=condition),
    }


def place_taken(stack: Stack, seconds: int) -> dict[str, Any]:
    """UpdateItem of the task's record: this execution waits, and says so again before ``seconds`` have passed.

    Each place is an attribute of its own, so that many may join at once. A claim has made the map.
    """
    place = {"executionArn": ME["me"], "expiresAt": {"N": jsonata(f"$string({NOW_SECONDS} + {seconds})")}}
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        "UpdateExpression": "SET #waiting.#slot = :place",
        "ExpressionAttributeNames": _PLACE,
        "ExpressionAttributeValues": {":place": {"M": place}, ":room": {"N": jsonata("$string($known.queue.room)")}},
        "ConditionExpression": "attribute_exists(#waiting)"
        " AND (attribute_exists(#waiting.#slot) OR size(#waiting) < :room)",
    }


def place_left(stack: Stack) -> dict[str, Any]:
    """UpdateItem of the task's record: this execution does not wait any more."""
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        "UpdateExpression": "REMOVE #waiting.#slot",
        "ExpressionAttributeNames": _PLACE | {"#executionArn": "executionArn"},
        "ExpressionAttributeValues": {":me": ME["me"]},
        "ConditionExpression": "#waiting.#slot.#executionArn = :me",
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
    return {
        "TableName": stack.runs_table,
        "Key": {**TASK_KEY, "slot": {"S": jsonata("$known.holder.slot")}},
        **raw_update(
            ended,
            values={"holder": holder, "running": running},
            condition="#executionArn = :holder AND #status = :running",
        ),
    }


def duplicate_counted(stack: Stack) -> dict[str, Any]:
    """UpdateItem of the row of the slot's first delivery."""
    return {"TableName": stack.runs_table, "Key": RUN_KEY, **raw_update({}, adds={"duplicates": {"N": "1"}})}

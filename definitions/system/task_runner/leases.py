"""What TaskRunner writes into the registry: the lease of the task, and the places of those who wait for it.

Every condition is owner-aware, as those of rows are (:mod:`definitions.system.task_runner.rows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from definitions.system.task_runner.rows import ME, RUN_KEY, TASK_KEY
from definitions.system.task_runner.variables import IS_DETACHED, NOW_SECONDS, NOW_TEXT
from orchestrator.asl.states import jsonata
from orchestrator.dynamodb import raw_update
from orchestrator.stack import Stack
from orchestrator.tasks.task import OverlapPolicy

_PLACE = {"#waiting": "waiting", "#slot": RUN_KEY["slot"]["S"]}


def taken(stack: Stack, now_seconds: str) -> dict[str, Any]:
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


def released(
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


def given_back(stack: Stack) -> dict[str, Any]:
    """UpdateItem of the task's record: another run may have the task, and this one has no outcome yet."""
    me = {"me": {"S": jsonata(f"{IS_DETACHED} ? $error('a backfill has no lease') : $me")}}
    return {
        "TableName": stack.tasks_table,
        "Key": TASK_KEY,
        **raw_update({}, removes=["lease"], values=me, condition="#lease.#executionArn = :me"),
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

"""A state of a workflow that goes on when somebody approves.

    approve = wait_for_approval("ApproveInvoices", stack, why="420 invoices, 61,208.15 EUR", within_seconds=14_400)
    approve.next(send)
    return Definition(start=collect, comment="…", timeout_seconds=86_400, permissions=(MAY_ASK,))

The run's row of the ledger shows the question, and ``orchestrator approve TASK SLOT --reason …`` answers it. The state
hands on what it got; its result, for ``assign``, is ``{"who": …, "reason": …}``. Nothing is billed while it waits.
Refused, it fails with ``ApprovalRefused``; unanswered, with ``States.Timeout``: a catcher may do something else. Step
Functions offers this for every action of the AWS SDK ("Discover service integration patterns", wait for a callback with
task token).
"""

from __future__ import annotations

from typing import Any

from orchestrator.asl.states import Task, jsonata
from orchestrator.dynamodb import raw_update
from orchestrator.functions import Permission
from orchestrator.stack import Stack

#: What a workflow must be allowed that asks.
MAY_ASK = Permission(actions=("dynamodb:UpdateItem",), resource="table:TaskRuns")

#: A task under whose token somebody answers.
ASK = "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"

_INPUT = "$states.context.Execution.Input"

#: The row's slot, which has the id of an event in it, too.
_SLOT = f"$substringAfter({_INPUT}.runKey, '#')"


def wait_for_approval(name: str, stack: Stack, *, why: str, within_seconds: int = 86_400, **fields: Any) -> Task:
    """Returns the state. ``why`` is what people read, a text or an expression; ``fields`` are those of any Task state.

    The workflow has to be run by TaskRunner, whose row it is.
    """
    approval = {
        "token": {"S": jsonata("$states.context.Task.Token")},
        "state": {"S": name},
        "why": {"S": why},
    }
    return Task(
        name,
        resource=ASK,
        arguments={
            "TableName": stack.runs_table,
            "Key": {"taskId": {"S": jsonata(f"{_INPUT}.taskId")}, "slot": {"S": jsonata(_SLOT)}},
            **raw_update({"approval": {"M": approval}}, condition="attribute_exists(#taskId)"),
        },
        timeout_seconds=within_seconds,
        # What the state got it hands on: the answer is in the row.
        **{"output": jsonata("$states.input")} | fields,
    )

"""How a slot is claimed, and what happens when it cannot be."""

from __future__ import annotations

from definitions.task_runner import rows
from definitions.task_runner.ending import Ending
from definitions.task_runner.record import NO_RECORD, RECORD
from definitions.task_runner.variables import (
    CAUSE,
    DUPLICATE,
    EXECUTION_ARN,
    FROM_ANY_INPUT,
    FROM_INPUT,
    INPUT_IS_VALID,
    NOW_SECONDS,
    REFUSED,
)
from orchestrator.errors import ClaimContended, InvalidInput, InvalidTask
from orchestrator.runs import RunStatus, SkipReason
from orchestrator.services import (
    BATCH_GET_ITEM,
    CONDITION_FAILED,
    EVALUATION_FAILED,
    GET_ITEM,
    NOTHING,
    PUT_ITEM,
    TRANSACT_WRITE_ITEMS,
    TRANSACTION_CANCELED,
    UPDATE_ITEM,
    call,
)
from orchestrator.settings import Stack
from orchestrator.states import Catch, Choice, Task, Wait, When, jsonata, literal

#: How often a claim is tried again when another transaction was in its way.
CLAIM_ATTEMPTS = 5

#: The one place where a record that cannot be run, and a slot on a closed day, stop: the common case pays no state.
_NOW_UNLESS_REFUSED = (
    f"$exists($task.refusal) or $exists($task.closed) ? $error('this slot is not run') : $string({NOW_SECONDS})"
)

_LOOKUP_FAILED = jsonata(f"""
    $not({INPUT_IS_VALID}) ? {{
        'name': {literal(InvalidInput.__name__)}, 'cause': 'the input must be like {{"taskId": "daily-sales-report"}}'
    }}
    : $states.errorOutput.Error = {literal(EVALUATION_FAILED)} ? {{
        'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: params or closures'
    }}
    : {{'name': $states.errorOutput.Error, 'cause': {CAUSE}}}
""")


def _why(stack: Stack) -> str:
    """Why a claim was refused: ``duplicate``, a :class:`SkipReason`, or ``contended`` if nothing is in the way now."""
    return f"""(
        $run := $lookup($states.result.Responses, {literal(stack.runs_table)})[0];
        $record := $lookup($states.result.Responses, {literal(stack.tasks_table)})[0];
        $holder := $record.lease.M;
        $exists($run) and $run.executionArn.S != {EXECUTION_ARN} ? 'duplicate'
        : $exists($record.pause) ? {literal(SkipReason.PAUSED)}
        : $exists($holder) and $holder.executionArn.S != {EXECUTION_ARN}
            and $number($holder.expiresAt.N) >= {NOW_SECONDS} ? {literal(SkipReason.OVERLAP)}
        : 'contended'
    )"""


def build(stack: Stack, *, route_task: Choice, ending: Ending) -> Task:
    """LookupTask and what follows it, up to ``route_task``."""
    record_duplicate = call(
        "RecordDuplicate",
        UPDATE_ITEM,
        comment="Scheduler delivers at least once: the row of the first delivery counts the others.",
        arguments=rows.duplicate_counted(stack),
        catch=[Catch(error_equals=["States.ALL"], next_step=ending.publish_metrics)],
        next_state=ending.publish_metrics,
    )

    def put_row(name: str, *, then: Task, **attributes: object) -> Task:
        return call(
            name,
            PUT_ITEM,
            arguments=rows.new_row(stack, status={"S": jsonata("$status")}, **attributes),
            never_retry=[CONDITION_FAILED],
            catch=[
                Catch(error_equals=[CONDITION_FAILED], assign={"status": DUPLICATE}, next_step=record_duplicate),
                Catch(error_equals=["States.ALL"], assign=REFUSED, output=NOTHING, next_step=ending.publish_failure),
            ],
            next_state=then,
        )

    record_refusal = put_row(
        "RecordRefusal",
        error={"S": jsonata("$failure.name")},
        cause={"S": jsonata("$failure.cause")},
        then=ending.publish_failure,
    )
    record_skip = put_row(
        "RecordSkip",
        reason={"S": jsonata("$refusal")},
        cause=jsonata(f"$refusal = {literal(SkipReason.CLOSED)} ? {{'S': $task.closed}} : {{'NULL': true}}"),
        then=ending.publish_metrics,
    )
    claim_again = Wait("ClaimAgain", seconds=1)
    refused = Choice(
        "Refused",
        choices=[
            (When("$refusal = 'duplicate'", assign={"status": DUPLICATE}), record_duplicate),
            (When(f"$refusal in {literal(list(SkipReason))}", assign={"status": RunStatus.SKIPPED}), record_skip),
            (
                When(
                    f"$refusal = 'contended' and $claims < {CLAIM_ATTEMPTS}", assign={"claims": jsonata("$claims + 1")}
                ),
                claim_again,
            ),
        ],
        default=record_refusal,
    )
    contended = {
        "name": ClaimContended.__name__,
        "cause": "the slot could not be claimed: other transactions were in the way every time",
    }
    explain_refusal = call(
        "ExplainRefusal",
        BATCH_GET_ITEM,
        comment="The claim says only that a condition failed; the two records say which.",
        arguments={
            "RequestItems": {
                stack.tasks_table: {"Keys": [rows.TASK_KEY], "ConsistentRead": True},
                stack.runs_table: {"Keys": [rows.RUN_KEY], "ConsistentRead": True},
            }
        },
        assign={"refusal": jsonata(_why(stack)), "failure": contended, "status": RunStatus.FAILED},
        catch=[Catch(error_equals=["States.ALL"], assign=REFUSED, output=NOTHING, next_step=record_refusal)],
        next_state=refused,
    )
    claim_slot = call(
        "ClaimSlot",
        TRANSACT_WRITE_ITEMS,
        comment="Takes the slot and the lease together, or neither.",
        arguments={
            "TransactItems": [
                {"Put": rows.claimed_row(stack)},
                {"Update": rows.lease_taken(stack, _NOW_UNLESS_REFUSED)},
            ]
        },
        assign={"attempt": 1},
        never_retry=[TRANSACTION_CANCELED],
        catch=[
            Catch(
                error_equals=[EVALUATION_FAILED],
                assign=REFUSED
                | {
                    "refusal": jsonata(f"$exists($task.refusal) ? 'invalid' : {literal(SkipReason.CLOSED)}"),
                    "failure": jsonata("$exists($task.refusal) ? $task.refusal : null"),
                },
                output=NOTHING,
                next_step=refused,
            ),
            Catch(error_equals=[TRANSACTION_CANCELED], output=NOTHING, next_step=explain_refusal),
            Catch(error_equals=["States.ALL"], assign=REFUSED, output=NOTHING, next_step=record_refusal),
        ],
        next_state=route_task,
    )
    claim_again.next(claim_slot)
    return call(
        "LookupTask",
        GET_ITEM,
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : $error('invalid input')")}},
            "ConsistentRead": True,
        },
        assign={**FROM_INPUT, "task": RECORD, "claims": 1, "ended": None, "child": None},
        catch=[
            Catch(
                error_equals=["States.ALL"],
                assign={**REFUSED, **FROM_ANY_INPUT, "failure": _LOOKUP_FAILED, "task": NO_RECORD},
                output=NOTHING,
                next_step=record_refusal,
            )
        ],
        next_state=claim_slot,
    )

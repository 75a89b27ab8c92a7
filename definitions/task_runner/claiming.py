"""How a slot is claimed, and what happens when it cannot be."""

from __future__ import annotations

from definitions.task_runner import rows, stopping, waiting
from definitions.task_runner.ending import Ending
from definitions.task_runner.record import RECORD
from definitions.task_runner.refusal import explained
from definitions.task_runner.variables import (
    ASKED_FOR,
    BEGIN,
    BY_HAND,
    CAUSE,
    CLAIMED,
    DUPLICATE,
    FROM_ANY_INPUT,
    FROM_INPUT,
    INPUT_IS_VALID,
    IS_APART,
    NOW_SECONDS,
    REFUSED,
    STARTED_AT,
    refused,
)
from orchestrator.claims import Decision
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

#: How often a claim is tried again when another transaction was in its way, or another run was first.
CLAIM_ATTEMPTS = 12

#: How often a run stops another one, and finds a third that has been faster.
STOP_ATTEMPTS = 60

#: The one place where a record that cannot be run, a slot on a closed day and a run of a backfill turn off: the common
#: case pays no state.
_NOW_UNLESS_REFUSED = f"""$exists($task.refusal) or $exists($task.closed) or {IS_APART}
    ? $error('this slot is not claimed so') : $string({NOW_SECONDS})"""

#: Why ClaimSlot did not try: ``invalid``, a :class:`SkipReason`, or ``apart`` for what is claimed without the task.
_NOT_CLAIMED = f"""$exists($task.refusal) ? 'invalid'
    : $exists($task.closed) ? {literal(SkipReason.CLOSED)}
    : $task.paused ? {literal(SkipReason.PAUSED)}
    : 'apart'"""

#: A fault of AWS itself, as the reason of a refusal.
_FAULT = REFUSED | {"known": refused(literal("fault"))}

_LOOKUP_FAILED = jsonata(f"""
    $not({INPUT_IS_VALID}) ? {{
        'name': {literal(InvalidInput.__name__)}, 'cause': 'the input must be like {{"taskId": "daily-sales-report"}}'
    }}
    : $states.errorOutput.Error = {literal(EVALUATION_FAILED)} ? {{
        'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: params or closures'
    }}
    : {{'name': $states.errorOutput.Error, 'cause': {CAUSE}}}
""")


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
        reason={"S": jsonata("$known.refusal")},
        cause=jsonata(f"$known.refusal = {literal(SkipReason.CLOSED)} ? {{'S': $task.closed}}"),
        then=ending.publish_metrics,
    )
    # At once at first; then the transactions that are in each other's way scatter.
    claim_again = Wait("ClaimAgain", seconds=jsonata("$floor($random() * $min([$power(2, $claims - 1) - 1, 20]))"))
    claim_apart = call(
        "ClaimApart",
        PUT_ITEM,
        comment="A backfill takes the slot without the task: a scheduled run is never skipped because of it.",
        arguments=rows.claimed_row(stack),
        assign=CLAIMED,
        never_retry=[CONDITION_FAILED],
        next_state=route_task,
    )

    def once_more(condition: str, most: int = CLAIM_ATTEMPTS) -> When:
        return When(f"{condition} and $claims < {most}", assign={"claims": jsonata("$claims + 1")})

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
        assign={"known": explained(stack), "failure": contended, "status": RunStatus.FAILED},
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
        assign=CLAIMED,
        never_retry=[TRANSACTION_CANCELED],
        next_state=route_task,
    )
    claim_again.next(claim_slot)
    join_queue = waiting.join_queue(stack, look_again=explain_refusal)
    record_waiting = waiting.record_waiting(stack, then=join_queue)
    own_key = {"slot": jsonata(STARTED_AT)}
    skipped, waits = f"$known.refusal in {literal(list(SkipReason))}", "$waitingSince != null"
    next_step = Choice(
        "Refused",
        choices=[
            (When(f"$known.refusal = '{Decision.DUPLICATE}'", assign={"status": DUPLICATE}), record_duplicate),
            (
                When(f"{skipped} and {waits}", assign={"status": RunStatus.SKIPPED}),
                waiting.leave_queue(stack, then=record_skip),
            ),
            # The row of before stands, or there is still none: whoever asked can ask again.
            (
                When(f"{skipped} and ({ASKED_FOR} or $replaces != null)", assign={"status": RunStatus.SKIPPED}),
                ending.publish_metrics,
            ),
            (When(f"{skipped} and {BY_HAND}", assign=own_key | {"status": RunStatus.SKIPPED}), record_skip),
            (When(skipped, assign={"status": RunStatus.SKIPPED}), record_skip),
            (When("$known.refusal = 'apart'"), claim_apart),
            (once_more(f"$known.refusal = '{Decision.FREE}' and {IS_APART}"), claim_apart),
            (once_more(f"$known.refusal = '{Decision.FREE}'"), claim_again),
            (
                once_more(f"$known.refusal = '{Decision.STOP}'", STOP_ATTEMPTS),
                stopping.stop_other(stack, then=claim_slot),
            ),
            (When(f"$known.refusal = '{Decision.WAIT}' and $not({waits})"), record_waiting),
            # What has waited so long does not give up now, and its row is there to be kept.
            (When(waits), join_queue),
            (When("$replaces != null"), ending.publish_failure),
            (When(BY_HAND, assign=own_key), record_refusal),
        ],
        default=record_refusal,
    )
    explain_refusal.next(next_step)
    not_tried = REFUSED | {
        "known": refused(_NOT_CLAIMED),
        "failure": jsonata("$exists($task.refusal) ? $task.refusal : null"),
    }
    claim_slot.add_catch(Catch(error_equals=[EVALUATION_FAILED], assign=not_tried, output=NOTHING, next_step=next_step))
    for claim, failed in (
        (claim_slot, TRANSACTION_CANCELED),
        (claim_apart, CONDITION_FAILED),
        (record_waiting, CONDITION_FAILED),
    ):
        claim.add_catch(Catch(error_equals=[failed], output=NOTHING, next_step=explain_refusal))
    for state in (claim_slot, claim_apart, record_waiting, explain_refusal):
        state.add_catch(Catch(error_equals=["States.ALL"], assign=_FAULT, output=NOTHING, next_step=next_step))
    return call(
        "LookupTask",
        GET_ITEM,
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : $error('invalid input')")}},
            "ConsistentRead": True,
        },
        assign={**FROM_INPUT, **BEGIN, "task": RECORD, "ended": None, "child": None},
        catch=[
            Catch(
                error_equals=["States.ALL"],
                assign={**REFUSED, **FROM_ANY_INPUT, **BEGIN, "failure": _LOOKUP_FAILED, "task": {}},
                output=NOTHING,
                next_step=next_step,
            )
        ],
        next_state=claim_slot,
    )

"""How a slot is claimed, and what happens when it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from definitions.system.task_runner import cost, holding, leases, rows
from definitions.system.task_runner.record import RECORD
from definitions.system.task_runner.refusal import explained, faulty, not_claimed
from definitions.system.task_runner.variables import (
    ASKED_FOR,
    BY_HAND,
    CLAIMED,
    DUPLICATE,
    FROM_ANY_INPUT,
    FROM_INPUT,
    INPUT_IS_VALID,
    IS_DETACHED,
    IS_EARLY,
    IS_HELD,
    IS_OF_EVENT,
    NOW_SECONDS,
    REFUSED,
    RELEASED_KNOWN,
    SUMMARY,
    begin,
    refused,
)
from orchestrator.asl.integrations import (
    ALREADY_STARTED,
    BATCH_GET_ITEM,
    CONDITION_FAILED,
    EVALUATION_FAILED,
    GET_ITEM,
    NOTHING,
    PUT_ITEM,
    START_EXECUTION,
    TRANSACT_WRITE_ITEMS,
    TRANSACTION_CANCELED,
    UPDATE_ITEM,
    call,
)
from orchestrator.asl.states import Catch, Choice, Task, Wait, When, jsonata, literal, to
from orchestrator.asl.vocabulary import CAUSE, STARTED_AT, STATES_ARN
from orchestrator.errors import ClaimContended, InvalidInput, InvalidTask
from orchestrator.runs.claims import Decision
from orchestrator.runs.cost import Part
from orchestrator.runs.run import BELATED, RunStatus, SkipReason, Trigger
from orchestrator.stack import Stack, live
from orchestrator.tasks.event_start import WhenAbsent
from orchestrator.tasks.express import EXPRESS_OVERLAPS, LONGEST_EXPRESS_SECONDS
from orchestrator.tasks.task import LEASE_MARGIN_SECONDS, TargetKind

#: What an Express execution ends as whose slot TaskRunner runs.
HANDED_OVER = "HANDED_OVER"

#: How often a claim is tried again when another transaction was in its way, or another run was first.
CLAIM_ATTEMPTS = 12

#: How often a run stops another one, and finds a third that has been faster.
STOP_ATTEMPTS = 60

#: What an Express execution hands over to TaskRunner: what is no Lambda function, takes too long for it, or waits.
ELSEWHERE = f"""$task.kind != {literal(TargetKind.LAMBDA)}
    or $task.leaseSeconds > {LONGEST_EXPRESS_SECONDS + LEASE_MARGIN_SECONDS}
    or $not($task.overlap in {literal(list(EXPRESS_OVERLAPS))}) or {IS_HELD}
    or $trigger in {literal([Trigger.BACKFILL, *BELATED])}"""


def _now_unless_refused(*, express: bool) -> str:
    """The one place where a record that cannot be run, a slot on a closed day, one that waits for something and a run
    of a backfill turn off, or, in an Express execution, what is not for one: the common case pays no state.
    """
    elsewhere = ELSEWHERE if express else f"{IS_HELD} or {IS_EARLY} or {IS_DETACHED}"
    return f"""$exists($task.refusal) or $exists($task.closed) or $exists($task.absent) or {elsewhere}
        ? $error('this slot is not claimed so') : $string({NOW_SECONDS})"""


def _not_claimed(*, express: bool) -> str:
    """Why ClaimSlot did not try: ``invalid``, a :class:`SkipReason`, :data:`holding.HELD`, :data:`holding.EARLY`, or
    ``detached`` for what is claimed otherwise.
    """
    held = "" if express else f": {IS_HELD} ? {literal(holding.HELD)} : {IS_EARLY} ? {literal(holding.EARLY)}"
    return f"""$exists($task.refusal) ? 'invalid'
    : $exists($task.closed) ? {literal(SkipReason.CLOSED)}
    : $task.paused ? {literal(SkipReason.PAUSED)}
    : $exists($task.absent) ? {literal(SkipReason.ABSENT)} {held}
    : 'detached'"""


_LOOKUP_FAILED = jsonata(f"""
    $not({INPUT_IS_VALID}) and {IS_OF_EVENT} ? {{
        'name': {literal(InvalidInput.__name__)},
        'cause': 'the event names no slot: expected a day, 2026-12-01T08:00:00Z or 2026-12-01T08:00:00Z#id'
    }}
    : $not({INPUT_IS_VALID}) ? {{
        'name': {literal(InvalidInput.__name__)}, 'cause': 'the input must be like {{"taskId": "daily-sales-report"}}'
    }}
    : $states.errorOutput.Error = {literal(EVALUATION_FAILED)} ? {{
        'name': {literal(InvalidTask.__name__)}, 'cause': 'missing or wrong in the record: params or closures'
    }}
    : {{'name': $states.errorOutput.Error, 'cause': {CAUSE}}}
""")


#: What a row keeps of an event: nobody can ask an Express execution for its input when the slot is to run again.
_OF_EVENT: dict[str, Any] = {"params": jsonata("$eventParams != null ? {'S': $eventParams}")}

_EVENT_PARAMS = f"""({IS_OF_EVENT} and $exists($states.input.params)
    ? $string($states.input.params) : null)"""

#: Whether people are to hear that an event has not come, which may run its slot later.
_IS_MISSED = f"$known.refusal = {literal(SkipReason.ABSENT)} and $task.absent = {literal(WhenAbsent.ALERT)}"


def states(stack: Stack, *, express: bool = False) -> list[Any]:
    """Returns the states from LookupTask to InvokeLambda, or to the end of a run that starts nothing."""
    detached = [_hand_over(stack), _unrecorded()] if express else [_claim_detached(stack), *holding.states(stack)]
    return [
        _lookup(stack, express=express),
        *_claims(stack, express=express),
        *detached,
        _explain(stack),
        _refused(express=express),
        *_recordings(stack, express=express),
    ]


def _lookup(stack: Stack, *, express: bool) -> Task:
    first = begin(express=express) | ({"eventParams": jsonata(_EVENT_PARAMS)} if express else {})
    return call(
        "LookupTask",
        GET_ITEM,
        arguments={
            "TableName": stack.tasks_table,
            "Key": {"taskId": {"S": jsonata(f"{INPUT_IS_VALID} ? $states.input.taskId : $error('invalid input')")}},
            "ConsistentRead": True,
        },
        assign={
            **FROM_INPUT,
            **first,
            **({} if express else RELEASED_KNOWN),
            "task": RECORD,
            "ended": None,
            "child": None,
        },
        catch=[
            Catch(
                error_equals=["States.ALL"],
                assign={**REFUSED, **FROM_ANY_INPUT, **first, "failure": _LOOKUP_FAILED, "task": {}},
                output=NOTHING,
                next_step=to("Refused"),
            )
        ],
        next_state=to("ClaimSlot"),
    )


def _claims(stack: Stack, *, express: bool) -> list[Any]:
    not_tried = REFUSED | {
        "known": refused(_not_claimed(express=express)),
        "failure": jsonata("$exists($task.refusal) ? $task.refusal : null"),
    }
    return [
        call(
            "ClaimSlot",
            TRANSACT_WRITE_ITEMS,
            comment="Takes the slot and the lease together, or neither.",
            arguments={
                "TransactItems": [
                    {"Put": rows.claimed_row(stack, **(_OF_EVENT if express else {}))},
                    {"Update": leases.taken(stack, _now_unless_refused(express=express))},
                ]
            },
            assign=CLAIMED,
            never_retry=[TRANSACTION_CANCELED],
            catch=[
                Catch(error_equals=[EVALUATION_FAILED], assign=not_tried, output=NOTHING, next_step=to("Refused")),
                *not_claimed(TRANSACTION_CANCELED),
            ],
            next_state=to("InvokeLambda"),
        ),
        # At once at first; then the transactions that are in each other's way scatter.
        Wait(
            "ClaimAgain",
            seconds=jsonata("$floor($random() * $min([$power(2, $claims - 1) - 1, 20]))"),
            next_state=to("ClaimSlot"),
        ),
    ]


def _claim_detached(stack: Stack) -> Task:
    return call(
        "ClaimDetached",
        PUT_ITEM,
        comment="A backfill takes the slot without the task: a scheduled run is never skipped because of it.",
        arguments=rows.claimed_row(stack),
        assign=CLAIMED,
        never_retry=[CONDITION_FAILED],
        catch=not_claimed(CONDITION_FAILED),
        next_state=to("InvokeLambda"),
    )


def _hand_over(stack: Stack) -> Task:
    return call(
        "HandOver",
        START_EXECUTION,
        comment="What is not for an Express execution runs in TaskRunner, under the same name: nothing is claimed yet.",
        arguments={
            "StateMachineArn": jsonata(f"{STATES_ARN} & {literal(live(':stateMachine:' + stack.task_runner))}"),
            "Name": jsonata("$states.context.Execution.Name"),
            "Input": jsonata("$states.context.Execution.Input"),
        },
        assign={"status": HANDED_OVER},
        output=SUMMARY | {"status": HANDED_OVER},
        never_retry=[ALREADY_STARTED],
        catch=[
            # A further delivery of this very execution was faster.
            Catch(error_equals=[ALREADY_STARTED], assign={"status": HANDED_OVER}, next_step=to("Ended")),
            Catch(
                error_equals=["States.ALL"],
                assign=REFUSED | {"handOver": "failed"},
                output=NOTHING,
                next_step=to("RecordRefusal"),
            ),
        ],
    )


def _unrecorded() -> Choice:
    """Nobody hears of the failure of an Express execution: what cannot be recorded here TaskRunner is to record, whose
    own failure is told.
    """
    return Choice("Unrecorded", choices=[(When("$handOver = 'failed'"), to("Failed"))], default=to("HandOver"))


def _explain(stack: Stack) -> Task:
    contended = {
        "name": ClaimContended.__name__,
        "cause": "the slot could not be claimed: other transactions were in the way every time",
    }
    return call(
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
        catch=[faulty()],
        next_state=to("Refused"),
    )


def _once_more(condition: str, most: int = CLAIM_ATTEMPTS) -> When:
    return When(f"{condition} and $claims < {most}", assign={"claims": jsonata("$claims + 1")})


def _refused(*, express: bool) -> Choice:
    """Decides what becomes of a run that has not claimed its slot: the first choice that applies."""
    own_key = {"slot": jsonata(STARTED_AT)}
    is_skipped, waits = f"$known.refusal in {literal(list(SkipReason))}", "$waitingSince != null"
    skipped = {"status": RunStatus.SKIPPED}

    def because(decision: Decision) -> str:
        return f"$known.refusal = '{decision}'"

    detached = to("HandOver") if express else to("ClaimDetached")
    duplicate = (When(because(Decision.DUPLICATE), assign={"status": DUPLICATE}), to("RecordDuplicate"))
    left = (When(f"{is_skipped} and {waits}", assign=skipped), to("LeaveQueue"))
    skips = [
        # The row of before stands, or there is still none: whoever asked can ask again.
        (When(f"{is_skipped} and ({ASKED_FOR} or $replaces != null)", assign=skipped), to("Ended")),
        (When(f"{is_skipped} and {BY_HAND}", assign=own_key | skipped), to("RecordSkip")),
        (When(f"{_IS_MISSED}", assign={"status": RunStatus.MISSED}), to("RecordSkip")),
        (When(is_skipped, assign=skipped), to("RecordSkip")),
        (When("$known.refusal = 'detached'"), detached),
    ]
    again = (_once_more(because(Decision.FREE)), to("ClaimAgain"))
    of_standard = [
        (_once_more(because(Decision.STOP), STOP_ATTEMPTS), to("StopOther")),
        (When(f"{because(Decision.WAIT)} and $not({waits})"), to("RecordWaiting")),
        # What has waited so long does not give up now, and its row is there to be kept.
        (When(waits), to("JoinQueue")),
    ]
    # The record has changed since it was looked up.
    of_express = [(When(f"$known.refusal in {literal([Decision.STOP, Decision.WAIT])}"), detached)]
    ends = [
        (When("$replaces != null"), to("Failed")),
        (When(BY_HAND, assign=own_key), to("RecordRefusal")),
    ]
    choices = (
        [duplicate, *skips, again, *of_express, *ends]
        if express
        else [
            holding.RELEASED_TWICE,
            duplicate,
            left,
            *holding.turns(is_skipped, _once_more),
            *skips,
            (_once_more(f"{because(Decision.FREE)} and {IS_DETACHED}"), detached),
            again,
            *of_standard,
            *ends,
        ]
    )
    return Choice("Refused", choices=choices, default=to("RecordRefusal"))


def _recordings(stack: Stack, *, express: bool) -> list[Any]:
    # Where a run goes of which no row can be written.
    otherwise, kept = ("Unrecorded", _OF_EVENT) if express else ("Failed", {})
    failure = {"error": {"S": jsonata("$failure.name")}, "cause": {"S": jsonata("$failure.cause")}, **kept}
    skip = {
        **kept,
        "reason": {"S": jsonata("$known.refusal")},
        "cause": jsonata(f"""$known.refusal = {literal(SkipReason.CLOSED)} ? {{'S': $task.closed}}
            : $known.refusal = {literal(SkipReason.ABSENT)} ? {{'S': 'its event had not come by its schedule'}}"""),
        # What gives way to a late event has no start.
        "startedAt": jsonata(f"$status != {literal(RunStatus.MISSED)} ? {{'S': {STARTED_AT}}}"),
    }
    is_known = cost.is_known(express=express)

    def spent(further: int) -> dict[str, Any]:
        dollars = cost.dollars(Part.SKIP, express=express, further=further, calls=False)
        return {"dollars": jsonata(f"{is_known} ? {dollars}")}

    return [
        # Failed follows.
        _put_row(stack, "RecordRefusal", failure | spent(1), otherwise, next_state=to("Failed")),
        _put_row(stack, "RecordSkip", skip | spent(0), otherwise, output=SUMMARY),
        call(
            "RecordDuplicate",
            UPDATE_ITEM,
            comment="Scheduler delivers at least once: the row of the first delivery counts the others.",
            arguments=rows.duplicate_counted(stack),
            output=SUMMARY,
            catch=[Catch(error_equals=["States.ALL"], next_step=to("Ended"))],
        ),
    ]


def _put_row(stack: Stack, name: str, attributes: Mapping[str, Any], otherwise: str, **end: Any) -> Task:
    return call(
        name,
        PUT_ITEM,
        arguments=rows.new_row(stack, status={"S": jsonata("$status")}, **attributes),
        never_retry=[CONDITION_FAILED],
        catch=[
            Catch(error_equals=[CONDITION_FAILED], assign={"status": DUPLICATE}, next_step=to("RecordDuplicate")),
            Catch(error_equals=["States.ALL"], assign=REFUSED, output=NOTHING, next_step=to(otherwise)),
        ],
        **end,
    )
